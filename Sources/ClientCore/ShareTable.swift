import Domain

/// One division of the machine in the making: cores are given out one by one.
struct ShareTable {
    private struct Row {
        let claim: ShareBook.Claim
        let use: Double
        var cores = 0
        var memoryBytes: Int64 = 0
        /// Its next task does not fit into the memory that is left.
        var isBlocked = false
    }

    private var rows: [Row]
    private let cores: Int
    private let memoryBytes: Int64?

    /// - Parameter claims: in a fixed order; equals are served in it.
    init(claims: [ShareBook.Claim], use: [String: Double], cores: Int, memoryBytes: Int64?) {
        rows = claims.map { Row(claim: $0, use: use[$0.project] ?? 0) }
        self.cores = max(0, cores)
        self.memoryBytes = memoryBytes
    }

    private var given: Int { rows.reduce(0) { $0 + $1.cores } }

    /// Endangered tasks that run keep their cores, or two projects with such tasks would take the machine from each
    /// other at every look.
    mutating func keepEndangered() {
        for at in order() where rows[at].claim.share > 0 {
            give(at, upTo: rows[at].claim.demand.needs.count { $0.isEndangered && $0.isRunning })
        }
    }

    /// Cores for tasks that would miss their deadlines, while their project is not too far above its share.
    mutating func lendToEndangered() {
        let all = rows.reduce(0) { $0 + $1.use }
        let shares = rows.reduce(0) { $0 + $1.claim.share }
        // Who takes only what nobody wants borrows nothing.
        for at in order() where rows[at].claim.share > 0 {
            let fair = shares > 0 ? all * rows[at].claim.share / shares : 0
            guard rows[at].use <= fair + ShareRules.borrowSeconds * Double(cores) else { continue }
            // The project computes its tasks in its own order; endangered ones come first in it.
            let endangered = rows[at].claim.demand.needs.prefix { $0.isEndangered }.count
            give(at, upTo: endangered)
        }
    }

    /// Who has workers keeps them.
    mutating func keepRunning() {
        for at in order() { give(at, upTo: rows[at].claim.demand.staying) }
    }

    /// All that is left, a core at a time, to whoever is furthest below its share and has a use for it.
    mutating func fill() {
        while given < cores, let at = order().first(where: { wants($0) }) { give(at, upTo: rows[at].cores + 1) }
    }

    /// What each may do now. An increase waits until others have let go, so that never more workers live than cores.
    ///
    /// - Parameter coresNow: on which workers may compute.
    func grants(coresNow: Int) -> [String: CoreGrant] {
        var cores = rows.map { min($0.cores, $0.claim.demand.running) }
        var free = max(0, self.cores - rows.reduce(0) { $0 + $1.claim.demand.running })
        let keeping = order().filter { rows[$0].cores >= rows[$0].claim.demand.running }
        for at in keeping {
            let more = min(free, rows[at].cores - cores[at])
            cores[at] += more
            free -= more
        }
        // Nobody's cores: whoever is due begins with them at once when work comes.
        if let first = keeping.first { cores[first] += free }
        let computing = computing(cores, coresNow)
        let memory = rows.map { max($0.memoryBytes, $0.claim.demand.runningMemoryBytes) }
        let releasing = releasing
        var grants: [String: CoreGrant] = [:]
        for at in rows.indices {
            var grant = CoreGrant(
                cores: cores[at], bufferCores: due(at) { $0.mayHaveMore || $0.isHolding },
                heldCores: due(at) { $0.isHolding },
                othersMemoryBytes: memory.indices.reduce(Int64(0)) { $1 == at ? $0 : $0.clampedSum(memory[$1]) },
                isShared: rows.count > 1, computing: computing[at])
            grant.mayReleaseMemory = at == releasing
            grants[rows[at].claim.project] = grant
        }
        return grants
    }

    /// Whose worker leaves when memory is short: the largest of all. nil: one is on its way, or there is none.
    private var releasing: Int? {
        guard !rows.contains(where: { $0.claim.demand.isReleasingMemory }) else {
            return rows.count == 1 ? 0 : nil
        }
        return rows.indices.max { size($0) < size($1) }
    }

    private func size(_ at: Int) -> Int64 { rows[at].claim.demand.largestWorkerBytes ?? -1 }

    /// Who may compute on fewer cores than workers have: one each in turn, who is due first at the front.
    private func computing(_ granted: [Int], _ coresNow: Int) -> [Int?] {
        var left = max(0, coresNow)
        guard left < cores else { return rows.map { _ in nil } }
        var computing = rows.map { _ in 0 }
        let order = order()
        while left > 0,
            let at = order.filter({ computing[$0] < granted[$0] }).min(by: { computing[$0] < computing[$1] })
        {
            computing[at] += 1
            left -= 1
        }
        return computing
    }

    // MARK: One row

    /// The rows, who is due first at the front.
    private func order() -> [Int] {
        rows.indices.sorted { level($0) < level($1) }
    }

    private func level(_ at: Int) -> (Int, Double, Int) {
        let row = rows[at]
        // Half of the slice that the next core would bring: so that use swings about the share, not below it.
        let planned = row.use + (Double(row.cores) + 0.5) * ShareRules.sliceSeconds
        return row.claim.share > 0 ? (0, planned / row.claim.share, at) : (1, planned, at)
    }

    private func wants(_ at: Int) -> Bool {
        !rows[at].isBlocked && rows[at].cores < rows[at].claim.demand.needs.count
    }

    private mutating func give(_ at: Int, upTo count: Int) {
        while given < cores, rows[at].cores < count, wants(at) {
            let need = rows[at].claim.demand.needs[rows[at].cores].memoryBytes
            let promised = rows.reduce(Int64(0)) { $0.clampedSum($1.memoryBytes) }
            // One may always run, or it never could.
            guard promised == 0 || memoryBytes.map({ need <= $0 - promised }) ?? true else {
                rows[at].isBlocked = true
                return
            }
            rows[at].cores += 1
            rows[at].memoryBytes = rows[at].memoryBytes.clampedSum(need)
        }
    }

    /// Cores that a project is due beside those others.
    private func due(_ at: Int, beside counts: (ProjectDemand) -> Bool) -> Double {
        let others = rows.indices.filter { $0 != at && counts(rows[$0].claim.demand) }
        let share = rows[at].claim.share
        let sum = others.reduce(share) { $0 + rows[$1].claim.share }
        if others.isEmpty { return Double(cores) }
        // Only such as take what nobody wants: all alike.
        if sum == 0 { return Double(cores) / Double(others.count + 1) }
        return Double(cores) * share / sum
    }
}

extension Int64 {
    /// Of two that are not negative; the largest number where the sum is beyond it.
    func clampedSum(_ other: Int64) -> Int64 {
        let sum = addingReportingOverflow(other)
        return sum.overflow ? .max : sum.partialValue
    }
}
