import Domain

/// Where to begin the search for unsent tasks, per volunteer.
///
/// A volunteer who runs ahead of the others holds a task of every unit at the head of the queue, whose second replicas
/// wait for somebody else. Walking over them at each request would make requests dearer the further he runs. So it is
/// kept that all unsent tasks below a number belong to units he holds. Only a hint: 0 is always right.
struct UnsentHints {
    private static let volunteersMax = 4096

    private var starts: [VolunteerID: Int64] = [:]
    private var raised: [(volunteer: VolunteerID, from: Int64)] = []

    func start(for volunteer: VolunteerID) -> Int64 { starts[volunteer] ?? 0 }

    /// A search from `start(for:)` has found `first`, or nothing at all.
    mutating func found(_ first: Int64?, for volunteer: VolunteerID) {
        let old = start(for: volunteer)
        let new = first ?? .max
        guard new > old else { return }
        if starts.count >= UnsentHints.volunteersMax, starts[volunteer] == nil { starts.removeAll() }
        starts[volunteer] = new
        raised.append((volunteer, old))
    }

    /// A task has become unsent, or somebody has ceased to hold one, in the unit whose tasks begin at `first`.
    mutating func reopened(at first: Int64) {
        for (volunteer, start) in starts where start > first { starts[volunteer] = first }
    }

    /// A point to which `undo` returns.
    var mark: Int { raised.count }

    /// Takes back what was learnt since `mark` from rows that are now undone. Hints that were lowered stay so.
    mutating func undo(to mark: Int) {
        while raised.count > mark, let last = raised.popLast() {
            starts[last.volunteer] = min(start(for: last.volunteer), last.from)
        }
    }

    /// The transaction is kept: nothing can be undone any more.
    mutating func keep() { raised.removeAll(keepingCapacity: true) }
}
