/// One line of the append-only ledger: credit moves from a project's issue account to a host's account.
///
/// Double entry: the amount is debited to one account and credited to the other, so the sum over all accounts is
/// always zero, and the sum over hosts equals what the projects issued.
public struct LedgerEntry: Hashable, Sendable {
    /// 1, 2, 3 ... without gaps; 0 before the store has given it.
    public var number: Int64
    public var at: Timestamp
    /// The account that gives.
    public var debit: Account
    /// The account that receives.
    public var credit: Account
    public var amount: Credit
    /// The task that earned it; at most one entry per task.
    public var task: TaskID
    public var project: String

    public init(
        number: Int64, at: Timestamp, debit: Account, credit: Account, amount: Credit, task: TaskID, project: String
    ) {
        self.number = number
        self.at = at
        self.debit = debit
        self.credit = credit
        self.amount = amount
        self.task = task
        self.project = project
    }
}

/// An account of the ledger.
public enum Account: Hashable, Sendable {
    /// What a project has issued; its balance is minus that.
    case project(String)
    case host(HostID)
}
