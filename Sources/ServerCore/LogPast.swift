import Domain
import Storage
import Transparency

/// What can be found of the logs that a server has published, and whether its database still bears it out.
struct LogPast {
    /// Of the log that the database belongs to.
    let epoch: Int64
    /// Of any log that was found.
    private(set) var highestEpoch: Int64
    /// Of the checkpoint in the folder; nil when there is none that this server has signed.
    private(set) var epochInFolder: Int64?
    /// The largest checkpoint of the database's own log; nil when none was found.
    private(set) var published: SignedCheckpoint?
    /// Why the database cannot go on with what was published; nil: it can.
    private(set) var conflict: Conflict?

    struct Conflict {
        var reason: String
        /// The last that is known of the old log.
        var last: Checkpoint
    }

    init(disk: some LogDisk, store: any Store, keys: ServerKeys, elsewhere: [UInt8]?) throws {
        let stored = try store.transaction { try $0.logEdge() }
        epoch = stored.map { StoredEdge.epoch(of: $0) } ?? 1
        highestEpoch = epoch
        var found: [SignedCheckpoint] = []
        if let bytes = try disk.read(TilePath.checkpoint), let checkpoint = Self.checkpoint(bytes, keys) {
            epochInFolder = keys.logEpoch(ofOrigin: checkpoint.checkpoint.origin)
            found.append(checkpoint)
        }
        for number in try disk.oldNumbers() {
            let bytes = try disk.readOld(number, TilePath.checkpoint)
            if let checkpoint = bytes.flatMap({ Self.checkpoint($0, keys) }) { found.append(checkpoint) }
        }
        if let elsewhere {
            guard let checkpoint = Self.checkpoint(elsewhere, keys) else {
                throw Fault(.badData, "the given checkpoint is not one that this server has signed")
            }
            found.append(checkpoint)
        }
        for checkpoint in found {
            let own = keys.logEpoch(ofOrigin: checkpoint.checkpoint.origin) ?? 1
            if own > highestEpoch {
                highestEpoch = own
                conflict = Conflict(
                    reason: "the log \(checkpoint.checkpoint.origin) was begun after this copy of the database was "
                        + "made",
                    last: checkpoint.checkpoint)
            }
            if own == epoch, checkpoint.size > published?.size ?? -1 { published = checkpoint }
        }
        guard conflict == nil else { return }
        let origin = keys.log(epoch: epoch).key.name
        for checkpoint in found where checkpoint.checkpoint.origin == origin && conflict == nil {
            conflict = try Self.conflict(checkpoint.checkpoint, in: store)
        }
        guard conflict == nil, let stored else { return }
        conflict = try conflict(with: stored, origin, in: store)
    }

    /// What the database itself remembers is all there is when the folder is lost.
    private func conflict(with stored: [UInt8], _ origin: String, in store: any Store) throws -> Conflict? {
        guard published == nil else { return nil }
        let edge: LogEdge
        do throws(Fault) { edge = try StoredEdge(stored).edge } catch {
            return Conflict(
                reason: "neither the folder nor the row log_edge says what was published; a checkpoint that somebody "
                    + "kept (a witness, a volunteer) can be given with --published",
                last: Checkpoint(origin: origin, size: 0, root: LogHash.empty))
        }
        return try Self.conflict(Checkpoint(origin: origin, size: edge.size, root: edge.root), in: store)
    }

    private static func conflict(_ last: Checkpoint, in store: any Store) throws -> Conflict? {
        let (count, root) = try store.transaction { tx in
            (try tx.logLeafCount(), try LogAudit.root(over: last.size, in: tx))
        }
        guard let root else {
            return Conflict(
                reason: "\(last.size) leaves of \(last.origin) were published, the database has \(count): it was "
                    + "restored from an older copy", last: last)
        }
        guard root == last.root else {
            return Conflict(
                reason: "its first \(last.size) leaves have the root \(root), of \(last.origin) the root "
                    + "\(last.root) was published", last: last)
        }
        return nil
    }

    /// - Returns: nil for bytes that are no checkpoint of any log of this server.
    private static func checkpoint(_ bytes: [UInt8], _ keys: ServerKeys) -> SignedCheckpoint? {
        guard let note = try? SignedNote(bytes),
            let epoch = keys.logEpoch(ofOrigin: note.text.prefix { $0 != "\n" })
        else { return nil }
        return try? SignedCheckpoint(note, key: keys.log(epoch: epoch).key)
    }
}
