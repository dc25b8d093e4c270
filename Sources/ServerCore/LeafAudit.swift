import Domain
import Engine
import Storage
import Transparency

/// One pass over the log: each leaf can be read and tells of a row that is as it says. Verdicts are looked at by
/// `VerdictAudit`, which needs passes of its own.
struct LeafAudit {
    private let seal: RowSeal?
    /// The ledger's entries that the log tells of.
    private(set) var told = NumberSet()
    /// The batches of which the log tells what they are.
    private(set) var sealedBatches: Set<BatchID> = []
    /// How many units of a batch the log tells of.
    private(set) var sealedUnits: [BatchID: Int64] = [:]
    /// What ended a batch.
    private(set) var ends: [BatchID: End] = [:]
    /// When the log was begun for rows that were there already; nil when it is as old as they are.
    private(set) var begun: Timestamp?

    struct End {
        var act: String
        var leaf: Int64
        var at: Timestamp
    }

    init(seal: RowSeal?) {
        self.seal = seal
    }

    mutating func lookAtAll(in tx: any StoreTransaction, _ found: inout AuditLines) throws {
        var count: Int64 = 0
        try LogAudit.forEachLeaf(in: tx) { index, leaf in
            count += 1
            switch leaf {
            case .failure(let refusal): found.add("leaf \(index): \(refusal)")
            case .success(let leaf): try look(at: leaf, index, in: tx, &found)
            }
        }
        let numbered = try tx.logLeafCount()
        if count != numbered { found.add("the log has \(numbered) leaves by their numbers, \(count) are there") }
    }

    private mutating func look(
        at leaf: LedgerLeaf, _ index: Int64, in tx: any StoreTransaction, _ found: inout AuditLines
    ) throws {
        switch leaf.event {
        case .credit(let credit):
            if !told.insert(credit.number) {
                found.add("leaf \(index) tells of ledger entry \(credit.number) a second time")
            }
            guard let entry = try tx.ledger(fromNumber: credit.number, limit: 1).first,
                entry.number == credit.number
            else { return found.add("leaf \(index) tells of ledger entry \(credit.number), which is missing") }
            if PublicLog.credit(entry) != credit || entry.at != leaf.at {
                found.add("ledger entry \(entry.number) is not what leaf \(index) of the log says")
            }
        case .rows(let rows): try look(at: rows, index, in: tx, &found)
        case .adminAct(let act):
            guard let batch = PublicLog.batch(ofObject: act.object), PublicLog.isEnd(act) else { return }
            ends[batch] = End(act: act.act, leaf: index, at: leaf.at)
        case .verdict:
            // A log that is as old as its rows begins with the act that let the first batch in.
            if index == 0 { begun = leaf.at }
        case .release: break
        }
    }

    private mutating func look(
        at rows: LoggedRows, _ index: Int64, in tx: any StoreTransaction, _ found: inout AuditLines
    ) throws {
        switch rows.table {
        case .batch:
            for (place, told) in rows.seals.enumerated() {
                let id = BatchID(rawValue: rows.first &+ Int64(place))
                sealedBatches.insert(id)
                guard let batch = try tx.batch(id) else {
                    found.add("batch \(id), of which leaf \(index) tells, is missing")
                    continue
                }
                guard let seal, case let now = seal.seal(batch), now != told else { continue }
                found.add(Self.line("batch \(id)", RowSeal.batchColumns, index, now, told))
            }
        case .workUnit:
            let first = WorkUnitID(rawValue: rows.first)
            sealedUnits[first.batch, default: 0] += Int64(rows.seals.count)
            let page = try tx.workUnits(of: first.batch, fromIndex: first.index, limit: rows.seals.count)
            var next = page[...]
            for (place, told) in rows.seals.enumerated() {
                let id = WorkUnitID(rawValue: rows.first &+ Int64(place))
                guard let unit = next.first?.unit, unit.id == id else {
                    found.add("work unit \(id), of which leaf \(index) tells, is missing")
                    continue
                }
                next = next.dropFirst()
                guard let seal, case let now = seal.seal(unit), now != told else { continue }
                found.add(Self.line("work unit \(id)", RowSeal.unitColumns, index, now, told))
            }
        }
    }

    static func line(_ row: String, _ columns: String, _ leaf: Int64, _ now: Digest, _ told: Digest) -> String {
        "\(row): one of its columns \(columns) was changed: their seal is \(now), leaf \(leaf) of the log says \(told)"
    }
}

extension PublicLog {
    /// Whether an act ends a batch.
    static func isEnd(_ act: LoggedAdminAct) -> Bool {
        act.act == cancelAct || act.actor == serverActor && (act.act == "finish" || act.act == "fail")
    }

    static func batch(ofObject text: String) -> BatchID? {
        guard text.hasPrefix("batch "), let number = Int64(text.dropFirst(6)), number >= 1 else { return nil }
        return BatchID(rawValue: number)
    }
}
