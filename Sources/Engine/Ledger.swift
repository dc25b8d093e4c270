import Domain

/// The laws of the ledger: how a transfer is written, and what every ledger must satisfy.
public enum Ledger {
    /// The next entry of a task.
    /// - Returns: number 0; the store gives the next one.
    public static func entry(
        _ kind: LedgerKind, for task: TaskID, _ assignment: Assignment, amount: Credit, project: String, at: Timestamp
    ) -> LedgerEntry {
        let (debit, credit) = accounts(of: kind, project: project, host: assignment.host)
        return LedgerEntry(
            number: 0, at: at, kind: kind, debit: debit, credit: credit, amount: amount, task: task, project: project)
    }

    /// Between which accounts each kind moves credit.
    static func accounts(of kind: LedgerKind, project: String, host: HostID) -> (debit: Account, credit: Account) {
        switch kind {
        case .grant: (.project(project), .host(host))
        case .hold: (.project(project), .provisional(host))
        case .release: (.provisional(host), .host(host))
        case .void: (.provisional(host), .project(project))
        }
    }

    /// Which entry a task may have next: a hold is released or voided once, what was voided may still be granted, and
    /// nothing follows a grant or a release. So at most once is anything paid for good.
    static func follows(_ kind: LedgerKind, _ before: LedgerKind?) -> Bool {
        switch (before, kind) {
        case (nil, .grant), (nil, .hold), (.hold, .release), (.hold, .void), (.void, .grant): true
        default: false
        }
    }

    /// How a valid task of which these entries exist is paid; nil: it was paid already.
    public static func payment(after entries: [LedgerEntry]) -> LedgerKind? {
        switch entries.last?.kind {
        case nil, .void: .grant
        case .hold: .release
        case .grant, .release: nil
        }
    }

    /// Whether a provisional amount of these entries is open.
    public static func isHeld(_ entries: [LedgerEntry]) -> Bool { entries.last?.kind == .hold }

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
/// Laws: numbers 1, 2, 3 ... without gaps; the entries of a task follow each other as `Ledger.follows` says, over the
/// same amount, project and host; a positive amount; between the accounts of its kind; the sum over all accounts is
/// zero.
public struct LedgerAudit: Sendable {
    private struct Last {
        var kind: LedgerKind
        var amount: Credit
        var host: HostID?
        var project: String

        init(_ entry: LedgerEntry) {
            kind = entry.kind
            amount = entry.amount
            host = entry.credit.host ?? entry.debit.host
            project = entry.project
        }
    }

    private var lastNumber: Int64 = 0
    private var tasks: [TaskID: Last] = [:]
    private var balanceOf: [Account: Int64] = [:]

    public init() {}

    /// Remembers the last entry of every task.
    /// - Returns: the law that this entry breaks, in words; the entry is then not added.
    public mutating func add(_ entry: LedgerEntry) -> String? {
        if let violation = add(entry, after: tasks[entry.task]) { return violation }
        tasks[entry.task] = Last(entry)
        return nil
    }

    /// The same for who can look entries up: nothing is remembered but the balances.
    /// - Parameter before: the entry of the same task before this one; nil when it is the first.
    public mutating func add(_ entry: LedgerEntry, after before: LedgerEntry?) -> String? {
        add(entry, after: before.map { Last($0) })
    }

    private mutating func add(_ entry: LedgerEntry, after last: Last?) -> String? {
        let name = "ledger entry \(entry.number)"
        guard entry.number == lastNumber + 1 else { return "\(name) follows entry \(lastNumber): expected no gap" }
        guard entry.amount > .zero else { return "\(name) moves \(entry.amount.microcobblestones), expected above 0" }
        guard let host = entry.credit.host ?? entry.debit.host else { return "\(name) concerns no host" }
        let (debit, credit) = Ledger.accounts(of: entry.kind, project: entry.project, host: host)
        guard entry.debit == debit else { return "\(name) is a \(entry.kind) paid by \(entry.debit), not by \(debit)" }
        guard entry.credit == credit else {
            return "\(name) is a \(entry.kind) paid to \(entry.credit), not to \(credit)"
        }
        guard Ledger.follows(entry.kind, last?.kind) else {
            let before = last.map { "a \($0.kind)" } ?? "nothing"
            return "\(name) is a \(entry.kind) of task \(entry.task) after \(before)"
        }
        if let last, last.amount != entry.amount || last.host != host || last.project != entry.project {
            return "\(name) differs from the entry of task \(entry.task) before it in amount, host or project"
        }
        let amount = entry.amount.microcobblestones
        let (paid, debitOverflow) = balanceOf[entry.debit, default: 0].subtractingReportingOverflow(amount)
        let (got, creditOverflow) = balanceOf[entry.credit, default: 0].addingReportingOverflow(amount)
        guard !debitOverflow, !creditOverflow else { return "\(name) overflows a balance" }
        balanceOf[entry.debit] = paid
        balanceOf[entry.credit] = got
        lastNumber = entry.number
        return nil
    }

    /// Credits minus debits of an account.
    public func balance(of account: Account) -> Credit {
        Credit(microcobblestones: balanceOf[account, default: 0])
    }

    /// What all hosts received for good.
    public var granted: Credit { sum { if case .host = $0 { true } else { false } } }
    /// What all hosts have provisionally.
    public var provisional: Credit { sum { if case .provisional = $0 { true } else { false } } }

    private func sum(_ isMeant: (Account) -> Bool) -> Credit {
        Credit(microcobblestones: balanceOf.reduce(0) { isMeant($1.key) ? $0 + $1.value : $0 })
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
