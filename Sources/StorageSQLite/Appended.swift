import Domain
import Storage

/// What a transaction has appended to ledger, days and log, and how much of it is written.
struct Appended {
    struct Day: Hashable {
        var host: HostID
        var day: Int64
        var project: String
        var team: Int64
    }

    /// How far a list has come and how much of it the database has.
    struct Mark {
        var ledger: Int
        var days: Int
        var leaves: Int
        var written: Written
    }

    struct Written {
        var ledger = 0
        var days = 0
        var leaves = 0
    }

    private(set) var ledger: [LedgerEntry] = []
    private(set) var days: [(day: Day, amount: Credit)] = []
    private(set) var leaves: [[UInt8]] = []
    private var written = Written()
    /// The next numbers, when they are known; those of the lists are below them.
    var nextEntry: Int64?
    var nextLeaf: Int64?

    var count: Int { ledger.count + days.count + leaves.count }
    var mark: Mark { Mark(ledger: ledger.count, days: days.count, leaves: leaves.count, written: written) }

    mutating func append(_ entry: LedgerEntry) {
        ledger.append(entry)
        nextEntry = entry.number + 1
    }

    func unwrittenEntries(for task: TaskID) -> [LedgerEntry] { ledger[written.ledger...].filter { $0.task == task } }

    mutating func append(_ day: Day, _ amount: Credit) { days.append((day, amount)) }

    mutating func append(leaf: [UInt8], at position: Int64) {
        leaves.append(leaf)
        nextLeaf = position + 1
    }

    /// What is not written; afterwards it counts as written.
    mutating func take() -> (entries: ArraySlice<LedgerEntry>, days: [Day: Credit], leaves: ArraySlice<[UInt8]>) {
        var sums: [Day: Credit] = [:]
        for (day, amount) in days[written.days...] { sums[day, default: .zero] = sums[day, default: .zero] + amount }
        let found = (ledger[written.ledger...], sums, leaves[written.leaves...])
        written = Written(ledger: ledger.count, days: days.count, leaves: leaves.count)
        return found
    }

    /// Whether some of it is in the database already.
    var hasWritten: Bool { written.ledger > 0 }

    var hasUnwritten: Bool {
        written.ledger < ledger.count || written.days < days.count || written.leaves < leaves.count
    }

    /// The part that is not written.
    var unwritten: Appended {
        var part = self
        part.ledger.removeFirst(written.ledger)
        part.days.removeFirst(written.days)
        part.leaves.removeFirst(written.leaves)
        part.written = Written()
        return part
    }

    mutating func undo(to mark: Mark) {
        if let next = nextEntry { nextEntry = next - Int64(ledger.count - mark.ledger) }
        if let next = nextLeaf { nextLeaf = next - Int64(leaves.count - mark.leaves) }
        ledger.removeSubrange(mark.ledger...)
        days.removeSubrange(mark.days...)
        leaves.removeSubrange(mark.leaves...)
        written = mark.written
    }

    mutating func commit() {
        ledger.removeAll(keepingCapacity: true)
        days.removeAll(keepingCapacity: true)
        leaves.removeAll(keepingCapacity: true)
        written = Written()
    }

    mutating func forget() { self = Appended() }
}
