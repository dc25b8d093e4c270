import Domain

/// The laws of the ledger: how a grant is written, and what every ledger must satisfy.
public enum Ledger {
    /// The entry for a grant: from the project's issue account to the host's.
    /// - Returns: number 0; the store gives the next one.
    public static func entry(
        for task: TaskID, _ assignment: Assignment, amount: Credit, project: String, at: Timestamp
    ) -> LedgerEntry {
        LedgerEntry(
            number: 0, at: at, debit: .project(project), credit: .host(assignment.host), amount: amount, task: task,
            project: project)
    }

    /// The first law that a whole ledger breaks, in words; nil when it is sound.
    /// - Parameter entries: all of them, from number 1.
    public static func violation(in entries: [LedgerEntry]) -> String? {
        var audit = LedgerAudit()
        for entry in entries {
            if let violation = audit.add(entry) { return violation }
        }
        return audit.violationOfSum()
    }
}

/// Reads a ledger entry by entry, so that a long one need not be in memory, and keeps the balances.
///
/// Laws: numbers 1, 2, 3 ... without gaps; at most one entry per task; a positive amount; from the account of the
/// project that the entry names to a host; the sum over all accounts is zero.
public struct LedgerAudit: Sendable {
    private var lastNumber: Int64 = 0
    private var tasks: Set<TaskID> = []
    private var balanceOf: [Account: Int64] = [:]

    public init() {}

    /// - Returns: the law that this entry breaks, in words; the entry is then not added.
    public mutating func add(_ entry: LedgerEntry) -> String? {
        let name = "ledger entry \(entry.number)"
        guard entry.number == lastNumber + 1 else { return "\(name) follows entry \(lastNumber): expected no gap" }
        guard entry.amount > .zero else { return "\(name) moves \(entry.amount.microcobblestones), expected above 0" }
        guard entry.debit == .project(entry.project) else { return "\(name) is not paid by its project" }
        guard case .host = entry.credit else { return "\(name) is not paid to a host" }
        guard tasks.insert(entry.task).inserted else { return "\(name) pays task \(entry.task) a second time" }
        let amount = entry.amount.microcobblestones
        let (debit, debitOverflow) = balanceOf[entry.debit, default: 0].subtractingReportingOverflow(amount)
        let (credit, creditOverflow) = balanceOf[entry.credit, default: 0].addingReportingOverflow(amount)
        guard !debitOverflow, !creditOverflow else { return "\(name) overflows a balance" }
        balanceOf[entry.debit] = debit
        balanceOf[entry.credit] = credit
        lastNumber = entry.number
        return nil
    }

    /// Credits minus debits of an account.
    public func balance(of account: Account) -> Credit {
        Credit(microcobblestones: balanceOf[account, default: 0])
    }

    /// What all hosts received.
    public var granted: Credit {
        var sum: Int64 = 0
        for (account, balance) in balanceOf {
            if case .host = account { sum += balance }
        }
        return Credit(microcobblestones: sum)
    }

    /// Double entry: what is given and what is received cancel out.
    public func violationOfSum() -> String? {
        let sum = balanceOf.values.reduce(0, &+)
        return sum == 0 ? nil : "the sum over all accounts is \(sum), expected 0"
    }

    /// Compares the balances with what host rows say they have.
    public func violation(ofHostTotals totals: [(host: HostID, credit: Credit)]) -> String? {
        for (host, credit) in totals where balance(of: .host(host)) != credit {
            let booked = balance(of: .host(host)).microcobblestones
            return "host \(host) has \(credit.microcobblestones), its ledger entries sum to \(booked)"
        }
        let sum = totals.reduce(Credit.zero) { $0 + $1.credit }
        return sum == granted
            ? nil : "hosts have \(sum.microcobblestones), the ledger granted \(granted.microcobblestones)"
    }
}
