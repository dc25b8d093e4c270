import Domain

/// Which results agree, independent of the order in which they came.
///
/// Closeness within a tolerance is not transitive, so results are not chained: the comparisons are the edges of a
/// graph, and only a clique (each agrees with each) of enough different volunteers decides.
public enum Quorum {
    /// A result and whose it is.
    public struct Member: Hashable, Sendable {
        public var task: TaskID
        public var volunteer: VolunteerID

        public init(task: TaskID, volunteer: VolunteerID) {
            self.task = task
            self.volunteer = volunteer
        }
    }

    public enum Decision: Hashable, Sendable {
        /// `clique` is the largest group that agrees, in order of task number; `canonical` is one of it.
        case agreed(canonical: TaskID, clique: [TaskID])
        /// No group is large enough, or several are equally large and have no result in common.
        case undecided
    }

    /// The largest clique with at least `quorum` different volunteers wins.
    ///
    /// Several equally large cliques are no contradiction as long as they share results: those agree with all of
    /// them. So the canonical result is the lowest task number common to all largest cliques, which for a single one
    /// is its lowest number. Without a common result the camps contradict each other and another task must decide.
    /// - Parameter members: at most `Limits.replicasMax`, each task once, in any order.
    /// - Parameter comparisons: in any order; a pair that is missing or was ever different does not agree.
    public static func decide(_ members: [Member], _ comparisons: [PairComparison], quorum: Int) -> Decision {
        precondition(members.count <= Limits.replicasMax)
        let members = members.sorted { $0.task < $1.task }
        let cliques = maximalCliques(agreement(of: members.map(\.task), comparisons))
        let weighed = cliques.map { clique in (clique: clique, weight: volunteers(of: clique, members)) }
        guard let most = weighed.map(\.weight).max(), most >= max(quorum, 1) else { return .undecided }
        let largest = weighed.filter { $0.weight == most }.map(\.clique)
        let common = largest.reduce(UInt64.max, &)
        guard common != 0 else { return .undecided }
        // The smallest mask by lowest differing bit first: the clique with the lowest task numbers.
        let winner = largest.min { bits($0).lexicographicallyPrecedes(bits($1)) } ?? common
        return .agreed(
            canonical: members[common.trailingZeroBitCount].task, clique: bits(winner).map { members[$0].task })
    }

    /// Whether every pair of members has been compared.
    public static func covers(_ members: [Member], _ comparisons: [PairComparison]) -> Bool {
        let tasks = members.map(\.task)
        var compared = Set<TaskPair>(minimumCapacity: comparisons.count)
        for comparison in comparisons { compared.insert(TaskPair(comparison.first, comparison.second)) }
        for (at, first) in tasks.enumerated() {
            for second in tasks[(at + 1)...] where !compared.contains(TaskPair(first, second)) { return false }
        }
        return true
    }

    /// What was found for a pair; the first difference when it was compared more than once, nil when never.
    static func comparison(
        of first: TaskID, and second: TaskID, in comparisons: [PairComparison]
    ) -> PairComparison? {
        let pair = TaskPair(first, second)
        let found = comparisons.filter { TaskPair($0.first, $0.second) == pair }
        return found.first { $0.difference != nil } ?? found.first
    }

    // MARK: The graph

    /// Row `i` has bit `j` when `tasks[i]` and `tasks[j]` agree.
    private static func agreement(of tasks: [TaskID], _ comparisons: [PairComparison]) -> [UInt64] {
        var places: [TaskID: Int] = [:]
        for (at, task) in tasks.enumerated() { places[task] = at }
        var agree = [UInt64](repeating: 0, count: tasks.count)
        var differ = agree
        for comparison in comparisons {
            guard let a = places[comparison.first], let b = places[comparison.second], a != b else { continue }
            if comparison.difference == nil {
                agree[a] |= 1 << UInt64(b)
                agree[b] |= 1 << UInt64(a)
            } else {
                differ[a] |= 1 << UInt64(b)
                differ[b] |= 1 << UInt64(a)
            }
        }
        return zip(agree, differ).map { $0 & ~$1 }
    }

    /// All maximal cliques of a graph of at most 64 vertices as bit masks: Bron and Kerbosch (CACM 16, 1973) with the
    /// pivot of Tomita et al. (2006), at most 3^(n/3) cliques, which is 123,000 for 32 results that conspire.
    static func maximalCliques(_ rows: [UInt64]) -> [UInt64] {
        var found: [UInt64] = []
        func extend(_ clique: UInt64, _ candidates: UInt64, _ excluded: UInt64) {
            if candidates | excluded == 0 {
                found.append(clique)
                return
            }
            var candidates = candidates
            var excluded = excluded
            let pivot = bits(candidates | excluded).max {
                (rows[$0] & candidates).nonzeroBitCount < (rows[$1] & candidates).nonzeroBitCount
            }
            for vertex in bits(candidates & ~(pivot.map { rows[$0] } ?? 0)) {
                let bit = UInt64(1) << UInt64(vertex)
                extend(clique | bit, candidates & rows[vertex], excluded & rows[vertex])
                candidates &= ~bit
                excluded |= bit
            }
        }
        if !rows.isEmpty { extend(0, ~0 >> UInt64(64 - rows.count), 0) }
        return found
    }

    private static func volunteers(of clique: UInt64, _ members: [Member]) -> Int {
        Set(bits(clique).map { members[$0].volunteer }).count
    }

    /// The numbers of the set bits, lowest first.
    private static func bits(_ mask: UInt64) -> [Int] {
        var rest = mask
        var numbers: [Int] = []
        while rest != 0 {
            numbers.append(rest.trailingZeroBitCount)
            rest &= rest - 1
        }
        return numbers
    }
}

/// Two tasks without an order.
private struct TaskPair: Hashable {
    let low: TaskID
    let high: TaskID

    init(_ a: TaskID, _ b: TaskID) {
        low = min(a, b)
        high = max(a, b)
    }
}
