import Domain

/// What a transaction has appended to ledger, days and log, and how much of it is written.
package struct Appended {
    package struct Day: Hashable {
        package var host: HostID
        package var day: Int64
        package var project: String
        package var team: Int64

        package init(host: HostID, day: Int64, project: String, team: Int64) {
            self.host = host
            self.day = day
            self.project = project
            self.team = team
        }
    }

    /// How far a list has come and how much of it the database has.
    package struct Mark {
        var ledger: Int
        var days: Int
        var leaves: Int
        package var written: Written
    }

    package struct Written {
        var ledger = 0
        var days = 0
        var leaves = 0
    }

    package private(set) var ledger: [LedgerEntry] = []
    package private(set) var days: [(day: Day, amount: Credit)] = []
    package private(set) var leaves: [[UInt8]] = []
    private var written = Written()
    /// Places of entries that are not written: the first one of each task.
    private var firstEntries: [TaskID: Int] = [:]
    /// The next numbers, when they are known; those of the lists are below them.
    package var nextEntry: Int64?
    package var nextLeaf: Int64?

    package var count: Int { ledger.count + days.count + leaves.count }
    package var mark: Mark { Mark(ledger: ledger.count, days: days.count, leaves: leaves.count, written: written) }

    package mutating func append(_ entry: LedgerEntry) {
        if firstEntries[entry.task] == nil { firstEntries[entry.task] = ledger.count }
        ledger.append(entry)
        nextEntry = entry.number + 1
    }

    package func unwrittenEntries(for task: TaskID) -> [LedgerEntry] {
        guard let first = firstEntries[task] else { return [] }
        return ledger[first...].filter { $0.task == task }
    }

    private mutating func findFirstEntries() {
        firstEntries.removeAll(keepingCapacity: true)
        for place in written.ledger..<ledger.count where firstEntries[ledger[place].task] == nil {
            firstEntries[ledger[place].task] = place
        }
    }

    package mutating func append(_ day: Day, _ amount: Credit) { days.append((day, amount)) }

    package mutating func append(leaf: [UInt8], at position: Int64) {
        leaves.append(leaf)
        nextLeaf = position + 1
    }

    package init() {}

    /// What is not written; afterwards it counts as written.
    package mutating func take() -> (entries: ArraySlice<LedgerEntry>, days: [Day: Credit], leaves: ArraySlice<[UInt8]>)
    {
        var sums: [Day: Credit] = [:]
        for (day, amount) in days[written.days...] { sums[day, default: .zero] = sums[day, default: .zero] + amount }
        let found = (ledger[written.ledger...], sums, leaves[written.leaves...])
        written = Written(ledger: ledger.count, days: days.count, leaves: leaves.count)
        firstEntries.removeAll(keepingCapacity: true)
        return found
    }

    package var hasUnwritten: Bool {
        written.ledger < ledger.count || written.days < days.count || written.leaves < leaves.count
    }

    /// The part that is not written.
    package var unwritten: Appended {
        var part = self
        part.ledger.removeFirst(written.ledger)
        part.days.removeFirst(written.days)
        part.leaves.removeFirst(written.leaves)
        part.written = Written()
        part.findFirstEntries()
        return part
    }

    package mutating func undo(to mark: Mark) {
        if let next = nextEntry { nextEntry = next - Int64(ledger.count - mark.ledger) }
        if let next = nextLeaf { nextLeaf = next - Int64(leaves.count - mark.leaves) }
        ledger.removeSubrange(mark.ledger...)
        days.removeSubrange(mark.days...)
        leaves.removeSubrange(mark.leaves...)
        written = mark.written
        findFirstEntries()
    }

    package mutating func commit() {
        ledger.removeAll(keepingCapacity: true)
        days.removeAll(keepingCapacity: true)
        leaves.removeAll(keepingCapacity: true)
        written = Written()
        firstEntries.removeAll(keepingCapacity: true)
    }

    package mutating func forget() { self = Appended() }
}
