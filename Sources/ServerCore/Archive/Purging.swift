import Domain
import Engine
import Storage
import Transparency

/// Brings a batch that has ended out of the working set: first into an archive, then out of the store.
///
/// In this order, on a store that no server uses:
/// 1. The archive is written, read back and compared with the rows; only then it gets its name.
/// 2. One transaction removes all rows of the batch's units and tasks, and writes into the public log that they lie in
///    the archive with this hash. The batch itself, the ledger, trust, and all leaves stay.
/// 3. Containers and results that no row names any more are removed.
///
/// A crash in 1 leaves a file without a name, which the next run replaces; between 1 and 2 the archive and the rows,
/// and the next run writes it again; after 2 blobs that nobody names, which the next run removes.
public struct Purging {
    private let core: ProjectServer
    private let store: any Store
    /// Blobs that no row names and that stay all the same: the files of released apps.
    private let kept: Set<Digest>

    public init(_ core: ProjectServer, _ store: any Store, kept: Set<Digest> = []) {
        self.core = core
        self.store = store
        self.kept = kept
    }

    public static let actor = "admin"
    public static let act = "archive"

    /// Where the rows of a batch are.
    public enum Place: Hashable, Sendable {
        case rows, archive
    }

    /// - Throws: `Fault` of kind `.noInput` for no such batch, `.negative` for one that cannot be purged, with the
    ///   reason.
    public func place(of id: BatchID) throws -> (batch: BatchRecord, place: Place) {
        try store.transaction { tx in
            guard let batch = try tx.batch(id) else { throw Fault(.noInput, "there is no batch \(id)") }
            switch batch.state {
            case .running, .assembling:
                throw Fault(.negative, "batch \(id) is \(batch.state.word)", advice: "wait until it has ended")
            case .finished, .failed, .cancelled: break
            }
            let open = try tx.counts(of: id).open
            if open > 0 {
                throw Fault(
                    .negative, "\(open) work units of batch \(id) have not been ended yet",
                    advice: "start the server for a minute: it ends them")
            }
            if batch.workUnitCount == 0 { throw Fault(.negative, "batch \(id) has no work units to archive") }
            let isEmpty = try tx.workUnits(of: id, fromIndex: 0, limit: 1).isEmpty
            return (batch, isEmpty ? .archive : .rows)
        }
    }

    /// Step 1: writes the archive. - Parameter write: takes the bytes of the file in order.
    public func archive(_ batch: BatchRecord, _ write: @escaping ([UInt8]) throws -> Void) throws -> ArchiveSummary {
        var writer = ArchiveWriter(batch, blobs: core.blobs, write)
        var next: Int64 = 0
        while true {
            let page = try store.transaction {
                try $0.workUnits(of: batch.id, fromIndex: next, limit: ArchiveLayout.unitsPerPage)
            }
            guard let last = page.last else { return try writer.finish() }
            try writer.add(page)
            next = last.unit.id.index + 1
        }
    }

    /// Reads an archive back. - Parameter comparing: hold it against the rows that are there.
    /// - Throws: `StoreError.corrupt` when it is damaged, another batch's, or not what the rows say.
    public func verify(
        _ batch: BatchRecord, comparing: Bool, _ read: @escaping (Int) throws -> [UInt8]
    ) throws -> ArchiveSummary {
        var reader = ArchiveReader(read)
        let summary = try reader.run { units in
            guard let first = units.first?.unit.id, first.batch == batch.id else {
                throw StoreError.corrupt("the archive is not of batch \(batch.id)")
            }
            guard comparing else { return }
            let rows = try store.transaction {
                try $0.workUnits(of: batch.id, fromIndex: first.index, limit: units.count)
            }
            guard rows == units else {
                throw StoreError.corrupt("the archive of batch \(batch.id) is not what the rows say from \(first) on")
            }
        }
        guard summary.batch == batch.id.rawValue, summary.units == batch.workUnitCount else {
            throw StoreError.corrupt(
                "the archive has \(summary.units) units of batch \(summary.batch), not \(batch.workUnitCount) of "
                    + "batch \(batch.id)")
        }
        return summary
    }

    /// Step 2. - Parameter archive: the hash of the archive's bytes.
    public func removeRows(_ batch: BatchRecord, archive: Digest, now: Timestamp) throws {
        try store.transaction { tx in
            let object = "\(PublicLog.object(batch.id)) sha256 \(archive.hex)"
            let act = LoggedAdminAct(actor: Purging.actor, act: Purging.act, object: object)
            try core.log(.adminAct(act), in: tx, now: now)
            while try tx.removeWorkUnits(of: batch.id, limit: 10_000) > 0 {}
        }
    }

    /// The hash that the public log names for the archive of each batch: of several, the last.
    public static func archived(in tx: any StoreTransaction) throws -> [BatchID: Digest] {
        var found: [BatchID: Digest] = [:]
        try LogAudit.forEachLeaf(in: tx) { _, leaf in
            guard case .success(let leaf) = leaf, case .adminAct(let act) = leaf.event, act.act == Purging.act else {
                return
            }
            let words = act.object.split(separator: " ")
            guard words.count == 4, words[0] == "batch", words[2] == "sha256", let number = Int64(words[1]),
                let digest = Digest(hex: words[3])
            else { return }
            found[BatchID(rawValue: number)] = digest
        }
        return found
    }

    /// Step 3: a window of blobs at a time, each held against all rows that are left. They go in the transaction that
    /// looked, so that nobody names one in between.
    ///
    /// - Returns: how many were removed, and their bytes.
    public func removeBlobs(
        _ read: @escaping (Int) throws -> [UInt8], window: Int = 1_000_000
    ) throws -> (count: Int64, bytes: Int64) {
        var removed: (count: Int64, bytes: Int64) = (0, 0)
        var candidates: Set<Digest> = []
        func sweep() throws {
            try store.transaction { tx in
                candidates.subtract(kept)
                try NamedBlobs.forEach(in: tx) { digest, _ in candidates.remove(digest) }
                for digest in candidates.sorted() {
                    guard let size = try core.blobs.size(of: digest) else { continue }
                    try core.blobs.remove(digest)
                    removed.count += 1
                    removed.bytes += size
                }
            }
            candidates.removeAll()
        }
        var reader = ArchiveReader(read)
        _ = try reader.run { units in
            for aggregate in units { candidates.formUnion(ArchiveLayout.blobs(of: aggregate)) }
            if candidates.count >= window { try sweep() }
        }
        try sweep()
        return removed
    }

    /// Puts the units of an archive back into a transaction, for audits that look at rows; whoever calls undoes it.
    ///
    /// - Returns: what the archive holds.
    public static func restore(
        _ read: @escaping (Int) throws -> [UInt8], into tx: any StoreTransaction
    ) throws -> ArchiveSummary {
        var reader = ArchiveReader(read)
        return try reader.run { try tx.insertWorkUnits($0) }
    }
}
