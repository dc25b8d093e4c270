import Domain
import Glibc
import Storage
import Transparency
import WorkerHost

/// Brings the leaves of the log into its public files, after the transactions that appended them.
///
/// What a crash leaves: before the checkpoint is written, files that no checkpoint names, which are written again with
/// the same bytes; after it, an edge in the database that is behind, from which the same leaves are published again.
struct LogPublisher: Sendable {
    let files: LogFolder
    private let signer: NoteSigner
    /// Leaves in one publication: a bound of its memory.
    private static let leavesAtOnce = 8192
    /// Beside the log, for those who serve the folder by another web server.
    static let keyName = "key"

    init(folder: String, signer: NoteSigner) {
        files = LogFolder(path: folder)
        self.signer = signer
    }

    /// What verifiers need: `millrace ledger verify URL --key KEY`.
    var key: String { signer.key.text }

    /// Publishes until nothing is left. - Returns: how many leaves are new.
    @discardableResult
    func publish(_ writer: WriterThread) throws -> Int64 {
        var published: Int64 = 0
        let keyBytes = Array((key + "\n").utf8)
        if try files.read(Self.keyName) != keyBytes { try files.write(Self.keyName, keyBytes) }
        while true {
            let (stored, count) = try writer.performBlocking { tx, _ in (try tx.logEdge(), try tx.logLeafCount()) }
            let edge = try stored.map { bytes throws(Fault) in try LogEdge(bytes) } ?? LogEdge()
            // Not before there is anything to tell: a log without leaves has no checkpoint.
            guard count > edge.size else { return published }
            let leaves = try writer.performBlocking { tx, _ in
                try tx.logLeaves(from: edge.firstLeaf, limit: Self.leavesAtOnce)
            }
            let next = try TileWriter(signer: signer).publish(leaves, from: edge, to: files)
            try writer.performBlocking { tx, _ in try tx.saveLogEdge(next.bytes) }
            published += next.size - edge.size
        }
    }
}

/// The folder of the public files; each is there whole or not at all.
public struct LogFolder: TileStore, Sendable {
    public let path: String

    public init(path: String) {
        self.path = path
    }

    public func read(_ name: String) throws(Fault) -> [UInt8]? {
        let file = "\(path)/\(name)"
        guard Files.exists(file) else { return nil }
        return try Files.read(file, limit: LogLimits.fileBytesMax)
    }

    public func write(_ name: String, _ bytes: [UInt8]) throws(Fault) {
        let file = "\(path)/\(name)"
        if let slash = file.lastIndex(of: "/") { try Files.makeFolder(String(file[..<slash]), mode: 0o755) }
        try Files.replace(file, with: bytes)
    }
}
