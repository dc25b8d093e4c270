import Domain
import ServerCore
import Storage
import Synchronization
import Transparency

/// Brings the leaves of the log into its public files, after the transactions that appended them.
///
/// What a crash leaves: before the checkpoint is written, files that no checkpoint names, which are written again with
/// the same bytes; after it, an edge in the database that is behind, which is made up for from the leaves.
final class LogPublisher: Sendable {
    let files: LogFolder
    private let signer: NoteSigner
    private let epoch: Int64
    private let state: Mutex<LogHealth>
    /// Leaves in one publication: a bound of its memory.
    private let leavesAtOnce: Int

    /// - Parameter epoch: of the log that the database belongs to, as `epoch(in:)` gives it.
    init(
        folder: String, keys: ServerKeys, epoch: Int64, now: ContinuousClock.Instant = .now, leavesAtOnce: Int = 8192
    ) {
        files = LogFolder(path: folder)
        signer = keys.log(epoch: epoch)
        self.epoch = epoch
        self.leavesAtOnce = leavesAtOnce
        state = Mutex(LogHealth(since: now))
    }

    /// Changes only while no server runs.
    static func epoch(in tx: any StoreTransaction) throws -> Int64 {
        try tx.logEdge().map { StoredEdge.epoch(of: $0) } ?? 1
    }

    /// What verifiers need: `millrace ledger verify URL --key KEY`.
    var key: String { signer.key.text }

    var health: LogHealth { state.withLock { $0 } }

    /// Publishes, and remembers how it went.
    ///
    /// - Returns: how many leaves are new; what is new about it, for the server's own log: the same trouble is told
    ///   once.
    func attempt(_ writer: DaemonWriter) -> (leaves: Int64, news: LogHealth.News?) {
        do {
            let leaves = try publish(writer)
            return (leaves, state.withLock { $0.went(nil, waiting: 0, now: .now) })
        } catch {
            let waiting = (try? behind(writer)) ?? nil
            return (0, state.withLock { $0.went("\(error)", waiting: waiting, now: .now) })
        }
    }

    /// Another process publishes.
    func rest() { state.withLock { _ = $0.went(nil, waiting: 0, now: .now) } }

    /// Leaves that the public has not seen; nil when that cannot be told.
    private func behind(_ writer: DaemonWriter) throws -> Int64? {
        let count = try writer.performBlocking { tx, _ in try tx.logLeafCount() }
        return (try? published())?.map { max(0, count - $0.size) }
    }

    /// Publishes what is there; what comes meanwhile is for the next time. - Returns: how many leaves are new.
    @discardableResult
    func publish(_ writer: DaemonWriter) throws -> Int64 {
        let keyBytes = Array((key + "\n").utf8)
        if try files.read(LogFolder.keyName) != keyBytes { try files.write(LogFolder.keyName, keyBytes) }
        var total: Int64 = 0
        while true {
            let (stored, count) = try writer.performBlocking { tx, _ in (try tx.logEdge(), try tx.logLeafCount()) }
            // Not before there is anything to tell: a log without leaves has no checkpoint.
            guard count > 0 else { return total }
            let published = try published()
            let edge = try edge(stored, published, writer)
            guard count > edge.size else { return total }
            let leaves = try page(from: edge.firstLeaf, writer)
            let next = try TileWriter(signer: signer).publish(leaves, from: edge, to: files)
            try save(next, writer)
            total += next.size - edge.size
            guard leaves.count == leavesAtOnce else { return total }
        }
    }

    private func published() throws -> SignedCheckpoint? {
        guard let bytes = try files.read(TilePath.checkpoint) else { return nil }
        do throws(NoteRefusal) { return try SignedCheckpoint(bytes, key: signer.key) } catch {
            throw Fault(.badData, "the published checkpoint is not this log's: \(error)", advice: LogFolder.advice)
        }
    }

    /// The stored edge; where it is lost, or behind what was published, it is made from the leaves, page by page.
    private func edge(
        _ stored: [UInt8]?, _ published: SignedCheckpoint?, _ writer: DaemonWriter
    ) throws -> LogEdge {
        let old = stored.flatMap { try? StoredEdge($0).edge }
        guard let published else {
            if let old, old.size == 0 { return old }
            guard stored != nil else { return LogEdge() }
            let size = old.map { "\($0.size) leaves" } ?? "leaves"
            throw Fault(
                .badData, "there is no published checkpoint, although \(size) were published",
                advice: LogFolder.advice)
        }
        if let old, old.size > published.size || old.size == published.size && old.root == published.root {
            return old
        }
        // From the first leaf on: an edge that is wrong would make a wrong root of right leaves.
        var edge = LogEdge()
        while edge.size < published.size {
            let from = edge.size
            let leaves = try page(from: from, writer)
            guard !leaves.isEmpty else {
                throw Fault(
                    .badData, "the log has \(edge.size) leaves; \(published.size) were published",
                    advice: LogFolder.advice)
            }
            for leaf in leaves.prefix(Int(published.size - edge.size)) { edge.append(leaf) }
        }
        guard edge.root == published.root else {
            throw Fault(
                .badData, "the first \(published.size) leaves of the log are not those of the published checkpoint",
                advice: LogFolder.advice)
        }
        try save(edge, writer)
        return edge
    }

    /// Read in short turns of the writer's thread, between which calls are served.
    private func page(from first: Int64, _ writer: DaemonWriter) throws -> [[UInt8]] {
        var leaves: [[UInt8]] = []
        while leaves.count < leavesAtOnce {
            let (from, limit) = (first + Int64(leaves.count), min(LogPace.leavesInATurn, leavesAtOnce - leaves.count))
            let turn = try writer.performBlocking { tx, _ in try tx.logLeaves(from: from, limit: limit) }
            leaves += turn
            if turn.count < limit { break }
        }
        return leaves
    }

    private func save(_ edge: LogEdge, _ writer: DaemonWriter) throws {
        try writer.performBlocking { [epoch] tx, _ in try tx.saveLogEdge(StoredEdge(epoch: epoch, edge).bytes) }
    }
}
