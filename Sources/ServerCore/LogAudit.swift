import Bytes
import Domain
import Engine
import Storage
import Transparency

/// Holds the log against the rows that it tells of: who edits a row by hand must edit a leaf as well, and the public
/// checkpoints tell that.
public enum LogAudit {
    /// - Returns: one line for each difference; at most `linesMax`, and one that says how many there were.
    public static func differences(in tx: any StoreTransaction) throws -> [String] {
        var audit = Audit()
        var index: Int64 = 0
        while true {
            let page = try tx.logLeaves(from: index, limit: 1000)
            if page.isEmpty { break }
            for bytes in page {
                try audit.look(at: bytes, index, in: tx)
                index += 1
            }
        }
        let count = try tx.logLeafCount()
        if count != index { audit.add("the log has \(count) leaves by their numbers, \(index) are there") }
        try audit.lookAtVerdicts(in: tx)
        try audit.lookAtLedger(in: tx)
        return audit.lines
    }

    /// The root over the first leaves; nil when there are fewer.
    public static func root(over count: Int64, in tx: any StoreTransaction) throws -> Digest? {
        var frontier = Frontier()
        while frontier.size < count {
            let page = try tx.logLeaves(from: frontier.size, limit: Int(min(1000, count - frontier.size)))
            if page.isEmpty { return nil }
            for leaf in page { frontier.append(LogHash.leaf(leaf)) }
        }
        return frontier.root
    }

    private static let linesMax = 100

    private struct Audit {
        private var told: Set<Int64> = []
        private var judged: Set<TaskID> = []
        private var found: [String] = []
        private var count = 0

        var lines: [String] {
            count > found.count
                ? found + ["... and \(count - found.count) more differences between log and rows"] : found
        }

        mutating func add(_ line: String) {
            count += 1
            if found.count < LogAudit.linesMax { found.append(line) }
        }

        /// The laws of the ledger, entry by entry, and that the log tells of each.
        mutating func lookAtLedger(in tx: any StoreTransaction) throws {
            var laws = LedgerAudit()
            var entries: Int64 = 0
            while true {
                let page = try tx.ledger(fromNumber: entries + 1, limit: 1000)
                if page.isEmpty { break }
                for entry in page {
                    entries += 1
                    if let broken = laws.add(entry) { add(broken) }
                    guard !told.contains(entry.number), try tx.workUnit(entry.task.unit)?.isPublic ?? true else {
                        continue
                    }
                    add("the log does not tell of ledger entry \(entry.number)")
                }
            }
            if let broken = laws.violationOfSum() { add(broken) }
        }

        /// That the log tells of every verdict.
        mutating func lookAtVerdicts(in tx: any StoreTransaction) throws {
            for batch in try tx.batches() {
                var next: Int64 = 0
                while true {
                    let page = try tx.workUnits(of: batch.id, fromIndex: next, limit: 500)
                    guard let last = page.last else { break }
                    next = last.unit.id.index + 1
                    for task in page.filter(\.isPublic).flatMap(\.tasks) {
                        guard case .decided = task.state, !judged.contains(task.id) else { continue }
                        add("the log does not tell of the verdict on task \(task.id)")
                    }
                }
            }
        }

        mutating func look(at bytes: [UInt8], _ index: Int64, in tx: any StoreTransaction) throws {
            let leaf: LedgerLeaf
            do throws(LeafRefusal) { leaf = try LedgerLeaf(bytes) } catch { return add("leaf \(index): \(error)") }
            switch leaf.event {
            case .credit(let credit):
                if !told.insert(credit.number).inserted {
                    add("leaf \(index) tells of ledger entry \(credit.number) a second time")
                }
                guard let entry = try tx.ledger(fromNumber: credit.number, limit: 1).first else {
                    return add("leaf \(index) tells of ledger entry \(credit.number), which is missing")
                }
                if PublicLog.credit(entry) != credit || entry.at != leaf.at {
                    add("ledger entry \(entry.number) is not what leaf \(index) of the log says")
                }
            case .verdict(let verdict): try look(at: verdict, index, in: tx)
            case .adminAct, .release: break
            }
        }

        private mutating func look(at verdict: LoggedVerdict, _ index: Int64, in tx: any StoreTransaction) throws {
            if !judged.insert(verdict.task).inserted {
                add("leaf \(index) tells of a second verdict on task \(verdict.task)")
            }
            guard let unit = try tx.workUnit(verdict.task.unit) else { return }
            guard let task = unit.tasks.first(where: { $0.id == verdict.task }),
                let now = PublicLog.verdict(task, of: unit.unit)
            else { return add("leaf \(index) tells of a verdict on task \(verdict.task), which has none") }
            // The canonical result may have been found after this verdict.
            let isSame =
                now.host == verdict.host && now.outcome == verdict.outcome && now.reason == verdict.reason
                && (verdict.canonical == nil || verdict.canonical == now.canonical)
            if !isSame { add("the verdict on task \(verdict.task) is not what leaf \(index) of the log says") }
        }
    }
}
