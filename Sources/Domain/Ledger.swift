/// One line of the append-only ledger: credit moves from one account to another.
///
/// Double entry: the amount is debited to one account and credited to the other, so the sum over all accounts is
/// always zero, and what hosts have, final and provisional, equals what the projects issued. Nothing is ever edited:
/// what was provisional becomes final, or void, by a further entry.
public struct LedgerEntry: Hashable, Sendable {
    /// 1, 2, 3 ... without gaps; 0 before the store has given it.
    public var number: Int64
    public var at: Timestamp
    public var kind: LedgerKind
    /// The account that gives.
    public var debit: Account
    /// The account that receives.
    public var credit: Account
    public var amount: Credit
    /// The task that earned it; at most one entry of each kind per task.
    public var task: TaskID
    public var project: String

    public init(
        number: Int64, at: Timestamp, kind: LedgerKind = .grant, debit: Account, credit: Account, amount: Credit,
        task: TaskID, project: String
    ) {
        self.number = number
        self.at = at
        self.kind = kind
        self.debit = debit
        self.credit = credit
        self.amount = amount
        self.task = task
        self.project = project
    }
}

/// What an entry does. The raw value is what is stored and published.
public enum LedgerKind: Int, Hashable, Sendable, CaseIterable {
    /// A valid result is paid: from the project to the host.
    case grant = 1
    /// A result stands provisionally: from the project to the host's provisional account.
    case hold = 2
    /// A provisional result became final: from the host's provisional account to the host.
    case release = 3
    /// A provisional result was voided: from the host's provisional account back to the project.
    case void = 4
}

/// An account of the ledger.
public enum Account: Hashable, Comparable, Sendable {
    /// What a project has issued; its balance is minus that.
    case project(String)
    case host(HostID)
    /// What a host has earned provisionally.
    case provisional(HostID)

    /// The host that it belongs to, if any.
    public var host: HostID? {
        switch self {
        case .project: nil
        case .host(let id), .provisional(let id): id
        }
    }
}
