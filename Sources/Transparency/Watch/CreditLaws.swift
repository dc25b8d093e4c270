import Domain

/// Reads the credit of a log leaf by leaf and holds it to the laws of the ledger, with nothing but the leaves.
///
/// Laws: no entry is told of twice, and those of a task come in their order; a task's credit is either final at once,
/// or provisional first and then final or void once, over the same amount, host and project; what was void may still
/// become final; nothing follows what is final, so nothing is granted twice; no account gives what it has not, but a
/// project, which issues.
///
/// What is remembered of a task that is paid for good is one bit of its unit's 64.
public struct CreditLaws: Sendable {
    /// A leaf that breaks a law.
    public struct Breach: Hashable, Sendable, CustomStringConvertible {
        /// The leaf, from 0.
        public var leaf: Int64
        public var reason: String

        public init(leaf: Int64, reason: String) {
            self.leaf = leaf
            self.reason = reason
        }

        public var description: String { "leaf \(leaf) breaks a law of the ledger: \(reason)" }
    }

    private enum Last {
        case held
        case void
    }

    private struct Open {
        var last: Last
        var amount: Credit
        var host: HostID
        var project: String

        /// What an entry says otherwise than the one before it; nil: nothing.
        func difference(_ amount: Credit, _ host: HostID, _ project: String?) -> String? {
            if self.amount != amount {
                return "is over \(amount.microcobblestones), the one before it over \(self.amount.microcobblestones)"
            }
            if self.host != host { return "is of host \(host), the one before it of host \(self.host)" }
            if let project, self.project != project { return "is of another project than the one before it" }
            return nil
        }
    }

    private var numbers = NumberSet()
    private var open: [TaskID: Open] = [:]
    /// By unit, a bit for each task that is paid for good.
    private var paid: [WorkUnitID: UInt64] = [:]
    private var final: [HostID: Int64] = [:]
    private var provisional: [HostID: Int64] = [:]
    private var issued: [String: Int64] = [:]
    /// The first that was found; what follows it may follow from it.
    public private(set) var first: Breach?

    public init() {}

    /// - Parameter leaf: the index of the entry's leaf.
    public mutating func add(_ entry: LoggedCredit, leaf: Int64) {
        guard first == nil else { return }
        if let reason = breach(by: entry) { first = Breach(leaf: leaf, reason: reason) }
    }

    private mutating func breach(by entry: LoggedCredit) -> String? {
        // Entries of a unit are told of when nobody can copy its results any more, so their numbers have gaps.
        guard entry.number >= 1, numbers.insert(entry.number) else {
            return "entry \(entry.number) is told of a second time"
        }
        let name = "entry \(entry.number) of task \(entry.task)"
        let isPaid = paid[entry.task.unit, default: 0] >> UInt64(entry.task.ordinal) & 1 == 1
        let last = open[entry.task]
        if isPaid { return "\(name) moves credit of a task that is paid for good" }
        switch (entry.kind, entry.debit, entry.credit) {
        case (.provisional, .project(let project), .provisional(let host)):
            if last != nil { return "\(name) is provisional, and not the first of its task" }
            open[entry.task] = Open(last: .held, amount: entry.amount, host: host, project: project)
        case (.final, .project(let project), .host(let host)):
            if let last, last.last == .held { return "\(name) is granted beside what is held for the task" }
            if let last, let other = last.difference(entry.amount, host, project) { return "\(name) \(other)" }
            pay(entry.task)
        case (.final, .provisional(let giver), .host(let host)):
            guard let last, last.last == .held else { return "\(name) releases what was not held" }
            if giver != host { return "\(name) goes from host \(giver) to host \(host)" }
            if let other = last.difference(entry.amount, host, nil) { return "\(name) \(other)" }
            pay(entry.task)
        case (.void, .provisional(let host), .project(let project)):
            guard let last, last.last == .held else { return "\(name) voids what was not held" }
            if let other = last.difference(entry.amount, host, project) { return "\(name) \(other)" }
            open[entry.task]?.last = .void
        default: return "\(name) is \(entry.kind), between accounts that do not belong to that"
        }
        guard move(entry.debit, -entry.amount.microcobblestones), move(entry.credit, entry.amount.microcobblestones)
        else { return "\(name) brings an account below zero, or beyond what can be counted" }
        return nil
    }

    private mutating func pay(_ task: TaskID) {
        paid[task.unit, default: 0] |= 1 << UInt64(task.ordinal)
        open[task] = nil
    }

    /// - Returns: false when the account has not so much, or the sum cannot be counted.
    private mutating func move(_ account: LoggedCredit.Account, _ amount: Int64) -> Bool {
        switch account {
        case .project(let name):
            return Self.add(amount, to: &issued[name, default: 0])
        case .host(let host):
            return Self.add(amount, to: &final[host, default: 0]) && final[host, default: 0] >= 0
        case .provisional(let host):
            return Self.add(amount, to: &provisional[host, default: 0]) && provisional[host, default: 0] >= 0
        }
    }

    private static func add(_ amount: Int64, to sum: inout Int64) -> Bool {
        let (value, overflow) = sum.addingReportingOverflow(amount)
        if !overflow { sum = value }
        return !overflow
    }

    /// What a host has for good, in millionths of a cobblestone.
    public func balance(of host: HostID) -> Int64 { final[host] ?? 0 }
}
