import Bytes
import Domain
import Engine
import Storage
import Transparency

/// Holds the log against the rows that it tells of, and the rows against each other: who edits a row by hand must edit
/// a leaf as well, and the public checkpoints tell that.
///
/// `docs/ledger.md` lists the columns, and those that nothing covers. Memory is bounded: rows and leaves are read in
/// pages, and what is remembered grows with hosts and batches, not with tasks (8 bytes for each unit of a window).
public enum LogAudit {
    /// - Parameter seal: of the server's key; nil when the key is lost: then seals are not looked at.
    /// - Parameter window: units whose verdicts are looked for in one pass over the log.
    /// - Returns: one line for each difference; at most `linesMax`, and one that says how many there were.
    public static func differences(
        in tx: any StoreTransaction, seal: RowSeal? = nil, window: Int = 2_000_000
    ) throws -> [String] {
        var found = AuditLines(max: linesMax)
        var leaves = LeafAudit(seal: seal)
        try leaves.lookAtAll(in: tx, &found)
        var rows = RowAudit(leaves)
        try rows.look(in: tx, &found)
        let verdicts = VerdictAudit(seal: seal, window: window)
        try verdicts.look(in: tx, &found)
        try lookAtLedger(in: tx, told: leaves.told, &found)
        try lookAtEdge(in: tx, &found)
        return found.lines
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

    /// Every leaf in order, a page at a time. - Parameter body: told the index from 0, and what cannot be read as nil.
    static func forEachLeaf(
        in tx: any StoreTransaction, _ body: (Int64, Result<LedgerLeaf, LeafRefusal>) throws -> Void
    ) throws {
        var index: Int64 = 0
        while true {
            let page = try tx.logLeaves(from: index, limit: 1000)
            if page.isEmpty { return }
            for bytes in page {
                let leaf: Result<LedgerLeaf, LeafRefusal>
                do throws(LeafRefusal) { leaf = .success(try LedgerLeaf(bytes)) } catch { leaf = .failure(error) }
                try body(index, leaf)
                index += 1
            }
        }
    }

    /// Every unit of a batch in order, a page at a time.
    static func forEachUnit(
        of batch: BatchID, from first: Int64 = 0, below end: Int64 = .max, in tx: any StoreTransaction,
        _ body: (WorkUnitAggregate) throws -> Void
    ) throws {
        var next = first
        while next < end {
            let page = try tx.workUnits(of: batch, fromIndex: next, limit: Int(min(500, end - next)))
            guard let last = page.last else { return }
            for aggregate in page where aggregate.unit.id.index < end { try body(aggregate) }
            next = last.unit.id.index + 1
        }
    }

    /// The laws of the ledger, entry by entry, and that the log tells of each.
    private static func lookAtLedger(
        in tx: any StoreTransaction, told: NumberSet, _ found: inout AuditLines
    ) throws {
        var laws = LedgerAudit()
        var entries: Int64 = 0
        while true {
            let page = try tx.ledger(fromNumber: entries + 1, limit: 1000)
            if page.isEmpty { break }
            for entry in page {
                entries += 1
                // The task's own entries are at most four, and found by an index.
                let before = try tx.ledgerEntries(for: entry.task).last { $0.number < entry.number }
                if let broken = laws.add(entry, after: before) { found.add(broken) }
                // As long as its unit is secret, the log need not tell of an entry.
                guard !told.contains(entry.number), try tx.workUnit(entry.task.unit)?.isPublic ?? true else { continue }
                found.add("the log does not tell of ledger entry \(entry.number)")
            }
        }
        if let broken = laws.violationOfSum() { found.add(broken) }
    }

    /// The publisher's row: what it says was published must be the beginning of the leaves.
    private static func lookAtEdge(in tx: any StoreTransaction, _ found: inout AuditLines) throws {
        guard let bytes = try tx.logEdge() else { return }
        let stored: LogEdge
        do throws(Fault) { stored = try StoredEdge(bytes).edge } catch {
            return found.add("log_edge: \(error.message); `log rebuild` makes it anew")
        }
        var edge = LogEdge()
        while edge.size < stored.size {
            let page = try tx.logLeaves(from: edge.size, limit: Int(min(1000, stored.size - edge.size)))
            if page.isEmpty {
                return found.add("log_edge: says that \(stored.size) leaves are published, there are \(edge.size)")
            }
            for leaf in page { edge.append(leaf) }
        }
        if edge != stored {
            found.add(
                "log_edge: the hashes of the first \(stored.size) leaves lead to the root \(stored.root), "
                    + "the leaves to \(edge.root); `log rebuild` makes it anew")
        }
    }
}

/// Findings, of which only the first are kept.
struct AuditLines {
    private let max: Int
    private var found: [String] = []
    private var count = 0

    init(max: Int) {
        self.max = max
    }

    mutating func add(_ line: String) {
        count += 1
        if found.count < max { found.append(line) }
    }

    /// A column that is not what it should be.
    mutating func add(_ row: String, _ column: String, stored: some Any, expected: String) {
        add("\(row): \(column) is \(stored), \(expected)")
    }

    var lines: [String] {
        count > found.count ? found + ["... and \(count - found.count) more differences between log and rows"] : found
    }
}
