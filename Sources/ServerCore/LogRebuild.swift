import Bytes
import Domain
import Storage
import Transparency

/// The folder of the public log, and those that stand beside it because they were replaced. Writes are whole or not at
/// all, and durable; so is setting aside.
public protocol LogDisk: TileStore {
    /// Whether the folder is there at all.
    var isThere: Bool { get }
    /// The paths of all its files, in any order.
    func paths() throws(Fault) -> [String]
    func remove(_ path: String) throws(Fault)
    /// The numbers of the folders that were set aside.
    func oldNumbers() throws(Fault) -> [Int]
    func readOld(_ number: Int, _ path: String) throws(Fault) -> [UInt8]?
    /// Renames the folder, so that another can take its place. - Parameter number: not in use.
    func setAside(as number: Int) throws(Fault)
}

/// Puts the public log and the database together again while no server runs: writes all files anew from the leaves in
/// the database, or begins a new log where the old one cannot be gone on with.
///
/// What was published is never contradicted: the checkpoints that can be found, and what the database knows of its last
/// publication, must be the beginning of the leaves, else nothing is done. Killed at any step, the same command does
/// the rest: files are only ever replaced by the same bytes, the checkpoint comes after them, and a new log begins with
/// one transaction.
public struct LogRebuild<Disk: LogDisk> {
    private let disk: Disk
    private let store: any Store
    private let keys: ServerKeys
    private let elsewhere: [UInt8]?

    /// - Parameter elsewhere: the last checkpoint that somebody else keeps, a witness for example.
    public init(disk: Disk, store: any Store, keys: ServerKeys, elsewhere: [UInt8]? = nil) {
        self.disk = disk
        self.store = store
        self.keys = keys
        self.elsewhere = elsewhere
    }

    /// What was done.
    public struct Report: Sendable {
        public var checkpoint: SignedCheckpoint
        public var key: NoteKey
        /// Files that were not there, or were others.
        public var filesWritten = 0
        /// Files that belong to no size of this log.
        public var filesRemoved = 0
        /// The folder in which the log before lies now; nil: it is the same log.
        public var setAside: Int?
        /// Whether a new log was begun by this run.
        public var isNewLog = false
    }

    /// Leaves in memory at once.
    private static var leavesAtOnce: Int64 { 8192 }
    public static var keyFile: String { "key" }
    /// The act that tells of a new log.
    public static var newLogAct: String { "new-log" }

    /// - Parameter reason: given when the admin accepts that a new log is begun if the old one cannot be gone on with;
    ///   1 ... 100 bytes. nil: then the run ends with the reason.
    /// - Throws: `.negative` when the database contradicts what was published and no reason is given.
    public func run(acceptingRollback reason: String?, now: Timestamp) throws -> Report {
        let past = try LogPast(disk: disk, store: store, keys: keys, elsewhere: elsewhere)
        var epoch = past.epoch
        var isNewLog = false
        if let conflict = past.conflict {
            guard let reason else { throw Self.refusal(conflict) }
            epoch = past.highestEpoch + 1
            try begin(epoch, reason, conflict, now)
            isNewLog = true
        }
        guard try store.transaction({ try $0.logLeafCount() }) > 0 else {
            throw Fault(.noInput, "the log has no leaves yet: there is nothing to rebuild")
        }
        let published = isNewLog ? nil : past.published
        var setAside: Int?
        if disk.isThere, isNewLog || past.epochInFolder.map({ $0 != epoch }) ?? false {
            let number = (try disk.oldNumbers().max() ?? 0) + 1
            try disk.setAside(as: number)
            setAside = number
        }
        var report = try write(keys.log(epoch: epoch), published, epoch)
        report.setAside = setAside
        report.isNewLog = isNewLog
        return report
    }

    private static func refusal(_ conflict: LogPast.Conflict) -> Fault {
        Fault(
            .negative, "the public log cannot be rebuilt from this database: \(conflict.reason)",
            advice: "A published log may not be rolled back or rewritten: whoever saw it would call it a fork. Restore "
                + "a newer copy of the database. If there is none, `--accept-rollback REASON` keeps the old log aside "
                + "and begins a new one, under another key, that says so.")
    }

    /// Tells of the new log in the log itself, and makes it the present one, at once.
    private func begin(_ epoch: Int64, _ reason: String, _ conflict: LogPast.Conflict, _ now: Timestamp) throws {
        let last = conflict.last
        let object = "after \(last.origin) \(last.size) \(Base64.encode(last.root.bytes)): \(reason)"
        let act = LoggedAdminAct(actor: "admin", act: Self.newLogAct, object: object)
        let leaf: [UInt8]
        do throws(LeafRefusal) { leaf = try LedgerLeaf(at: now, event: .adminAct(act)).encoded() } catch {
            throw Fault(.usage, "the reason cannot be written into the log: \(error)", advice: "At most 100 bytes.")
        }
        try store.transaction { tx in
            _ = try tx.appendLogLeaf(leaf)
            try tx.saveLogEdge(StoredEdge(epoch: epoch).bytes)
        }
    }

    /// All files, then the checkpoint, then the database's note of it.
    private func write(_ signer: NoteSigner, _ published: SignedCheckpoint?, _ epoch: Int64) throws -> Report {
        var edge = LogEdge()
        var written = try replace(Self.keyFile, Array((signer.key.text + "\n").utf8)) ? 1 : 0
        let count = try store.transaction { try $0.logLeafCount() }
        var bundle: [[UInt8]] = []
        while edge.size < count {
            let first = edge.firstLeaf
            let leaves = try store.transaction { try $0.logLeaves(from: first, limit: Int(Self.leavesAtOnce)) }
            guard first + Int64(leaves.count) > edge.size else {
                throw StoreError.corrupt("the log's leaves have a gap behind \(edge.size)")
            }
            let (files, next) = try TileWriter.files(of: leaves, from: edge)
            // Partial tiles of the pages on the way belong to no checkpoint.
            for file in files where next.size == count || TilePath(file.path)?.isFull == true {
                if try replace(file.path, file.bytes) { written += 1 }
            }
            edge = next
            bundle = Array(leaves.suffix(Int(edge.size - edge.firstLeaf)))
        }
        let removed = try tidy(edge, bundle, &written)
        var checkpoint = try TileWriter(signer: signer).sign(edge)
        // With the lines of witnesses that stand under it.
        if let published, published.checkpoint == checkpoint.checkpoint { checkpoint = published }
        if try replace(TilePath.checkpoint, checkpoint.note.bytes) { written += 1 }
        try store.transaction { try $0.saveLogEdge(StoredEdge(epoch: epoch, edge).bytes) }
        return Report(checkpoint: checkpoint, key: signer.key, filesWritten: written, filesRemoved: removed)
    }

    /// - Returns: whether the file was not there, or another.
    private func replace(_ path: String, _ bytes: [UInt8]) throws(Fault) -> Bool {
        // What is there may be of any length; then it is another.
        if let old = try? disk.read(path), old == bytes { return false }
        try disk.write(path, bytes)
        return true
    }

    /// Partial tiles of earlier sizes are beginnings of the present ones; what else is there belongs to no size.
    private func tidy(_ edge: LogEdge, _ bundle: [[UInt8]], _ written: inout Int) throws -> Int {
        var removed = 0
        for name in try disk.paths() {
            guard let path = TilePath(name) else { continue }
            let level: Int
            switch path.kind {
            case .entries: level = 0
            case .hashes(let own): level = own
            }
            let hashes = TileShape.hashes(at: level, size: edge.size)
            let full = hashes / LogLimits.tileWidth
            if path.isFull, path.index < full { continue }
            guard path.index == full, !path.isFull, Int64(path.width) <= hashes % LogLimits.tileWidth else {
                try disk.remove(name)
                removed += 1
                continue
            }
            let bytes =
                switch path.kind {
                case .entries: try EntryBundle.bytes(of: bundle.prefix(path.width))
                case .hashes: edge.partialTile(level: level, width: path.width)
                }
            if try replace(name, bytes) { written += 1 }
        }
        return removed
    }
}
