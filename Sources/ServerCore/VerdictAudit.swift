import Domain
import Engine
import Storage
import Transparency

/// That the log tells of every verdict once, and as it is.
///
/// In windows of units, so that what was told of can be marked in memory: a pass over the log and one over the rows for
/// each window.
struct VerdictAudit {
    private let seal: RowSeal?
    private let window: Int

    /// A stretch of one batch's units inside the present window.
    private struct Stretch {
        let units: Range<Int64>
        /// A bit for each task of a unit.
        private var told: [UInt64]

        init(_ units: Range<Int64>) {
            self.units = units
            told = [UInt64](repeating: 0, count: units.count)
        }

        func isTold(_ task: TaskID) -> Bool {
            told[Int(task.unit.index - units.lowerBound)] >> UInt64(task.ordinal) & 1 == 1
        }

        /// - Returns: whether it was told of before; nil for a task outside.
        mutating func mark(_ task: TaskID) -> Bool? {
            guard units.contains(task.unit.index) else { return nil }
            let wasTold = isTold(task)
            told[Int(task.unit.index - units.lowerBound)] |= 1 << UInt64(task.ordinal)
            return wasTold
        }
    }

    init(seal: RowSeal?, window: Int) {
        self.seal = seal
        self.window = max(1, window)
    }

    func look(in tx: any StoreTransaction, _ found: inout AuditLines) throws {
        var ends: [BatchID: Int64] = [:]
        var stretches: [BatchID: Stretch] = [:]
        var room = Int64(window)
        for batch in try tx.batches().reversed() {
            let end = try Self.unitsEnd(of: batch.id, in: tx)
            ends[batch.id] = end
            var first: Int64 = 0
            while first < end {
                let last = min(end, first + room)
                stretches[batch.id] = Stretch(first..<last)
                room -= last - first
                first = last
                guard room == 0 else { continue }
                try look(&stretches, in: tx, &found)
                stretches = [:]
                room = Int64(window)
            }
        }
        if !stretches.isEmpty { try look(&stretches, in: tx, &found) }
        try LogAudit.forEachLeaf(in: tx) { index, leaf in
            guard case .success(let leaf) = leaf, case .verdict(let verdict) = leaf.event,
                verdict.unit.index >= ends[verdict.unit.batch] ?? 0
            else { return }
            found.add("leaf \(index) tells of a verdict on task \(verdict.task), which is missing")
        }
    }

    /// The highest index of a batch's units, plus 1. By halving: columns that count them may be wrong themselves.
    private static func unitsEnd(of batch: BatchID, in tx: any StoreTransaction) throws -> Int64 {
        var (low, high): (Int64, Int64) = (0, 1 << 36)
        while low < high {
            let middle = low + (high - low) / 2
            if try tx.workUnits(of: batch, fromIndex: middle, limit: 1).isEmpty {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return low
    }

    private func look(
        _ stretches: inout [BatchID: Stretch], in tx: any StoreTransaction, _ found: inout AuditLines
    ) throws {
        try LogAudit.forEachLeaf(in: tx) { index, leaf in
            guard case .success(let leaf) = leaf, case .verdict(let verdict) = leaf.event,
                let wasTold = stretches[verdict.unit.batch]?.mark(verdict.task)
            else { return }
            if wasTold { found.add("leaf \(index) tells of a second verdict on task \(verdict.task)") }
            try look(at: verdict, index, in: tx, &found)
        }
        for (batch, stretch) in stretches.sorted(by: { $0.key < $1.key }) {
            let units = stretch.units
            try LogAudit.forEachUnit(of: batch, from: units.lowerBound, below: units.upperBound, in: tx) { aggregate in
                for task in aggregate.tasks where PublicLog.isDue(task, of: aggregate) && !stretch.isTold(task.id) {
                    found.add("the log does not tell of the verdict on task \(task.id)")
                }
            }
        }
    }

    private func look(
        at verdict: LoggedVerdict, _ index: Int64, in tx: any StoreTransaction, _ found: inout AuditLines
    ) throws {
        guard let aggregate = try tx.workUnit(verdict.unit) else {
            return found.add("leaf \(index) tells of a verdict on task \(verdict.task), which is missing")
        }
        guard let task = aggregate.tasks.first(where: { $0.id == verdict.task }),
            case .decided(let assignment, let report, let now) = task.state
        else { return found.add("leaf \(index) tells of a verdict on task \(verdict.task), which has none") }
        let row = "task \(verdict.task)"
        let says = "leaf \(index) of the log says"
        var isSame = true
        func expect(_ column: String, _ stored: String, _ told: String) {
            guard stored != told else { return }
            isSame = false
            found.add(row, column, stored: stored, expected: "\(says) \(told)")
        }
        expect("host", "\(assignment.host)", "\(verdict.host)")
        expect("outcome, its verdict,", now.outcome.word, verdict.outcome.word)
        expect(
            "the hash of reason", "\(LoggedVerdict.digest(ofReason: now.reason))", "\(verdict.reason)")
        // The canonical result may have been found after this verdict.
        if let canonical = verdict.canonical, canonical != aggregate.unit.state.canonical {
            let stored = aggregate.unit.state.canonical.map { "\($0)" } ?? "NULL"
            found.add("work unit \(verdict.unit)", "canonical", stored: stored, expected: "\(says) \(canonical)")
        }
        guard let basis = verdict.basis else { return }
        expect("result", "\(report.result)", "\(basis.result)")
        expect("compared_with", Self.text(now.comparedWith), Self.text(basis.comparedWith))
        guard isSame, let seal, case let own = seal.seal(task.id, assignment, report, now), own != basis.seal else {
            return
        }
        found.add(LeafAudit.line(row, RowSeal.taskColumns, index, own, basis.seal))
    }

    private static func text(_ task: TaskID?) -> String { task.map { "\($0)" } ?? "NULL" }
}

extension PublicLog {
    /// Whether the log must tell of the verdict on a task by now.
    static func isDue(_ task: TaskRecord, of aggregate: WorkUnitAggregate) -> Bool {
        guard case .decided = task.state else { return false }
        return aggregate.isPublic
    }
}
