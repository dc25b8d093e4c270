import Bytes
import Domain
import Glibc
import ServerCore
import ServerHTTP
import Storage
import StorageSQLite
import Transparency

/// Looks at a data directory that no server is using; changes nothing.
struct DataCheck {
    let data: String
    /// Also hash every blob.
    var deep = false

    struct Report {
        /// What is wrong, a line each.
        var found: [String]
        /// Blobs that were looked for.
        var blobs: Int
        /// Of the public log.
        var leaves: Int64
    }

    /// - Throws: `.corrupt` wherever the damage is met.
    func run() throws -> Report {
        guard access(data, F_OK) == 0 else {
            throw Fault(.noInput, "there is no data directory \(data)", advice: "name it with --data")
        }
        let directory = try DataDirectory(path: data, hash: BlobHash.factory)
        let store = try Self.openStore(directory)
        let files = ServerFiles(path: directory.path)
        var found = try files.differences()
        found += try store.transaction { try StoreAudit.differences($0) }
        found += try logDifferences(store, files: files)
        var blobs = 0
        var leaves: Int64 = 0
        try store.transaction { tx in
            try NamedBlobs.forEach(in: tx) { digest, what in
                blobs += 1
                if try !directory.blobs.contains(digest) {
                    found.append("\(what()): blob \(digest) is missing")
                } else if deep {
                    do { try directory.blobs.verify(digest) } catch { found.append("\(what()): \(error)") }
                }
            }
        }
        try store.transaction { leaves = try $0.logLeafCount() }
        return Report(found: found, blobs: blobs, leaves: leaves)
    }

    /// The log against the rows, and the public files against the log.
    private func logDifferences(_ store: SQLiteStore, files: ServerFiles) throws -> [String] {
        // An older version kept no log: the server begins it with all that is there when it starts next.
        let isBegun = try store.transaction { tx in try tx.logLeafCount() > 0 || tx.logEdge() != nil }
        let keys = try files.presentProjectKey().map { ServerKeys(project: $0) }
        var found = isBegun ? try store.transaction { try LogAudit.differences(in: $0, seal: keys?.rows) } : []
        guard let keys else { return found }
        let stored = try store.transaction { try $0.logEdge() }
        let key = keys.log(epoch: stored.map { StoredEdge.epoch(of: $0) } ?? 1).key
        let folder = LogFolder(path: files.logPath)
        if let bytes = try folder.read(LogFolder.keyName), bytes != Array((key.text + "\n").utf8) {
            let stored = String(decoding: bytes.prefix(200), as: UTF8.self).split(separator: "\n").first ?? ""
            found.append("\(files.logPath)/\(LogFolder.keyName) is \(stored), the log's key is \(key.text)")
        }
        var verifier = LogVerifier(folder, key: key)
        let report = try verifier.run()
        guard let checkpoint = report.checkpoint else {
            // Nothing was ever published, or it is gone.
            let isNew = stored == nil && report.findings == [.noCheckpoint]
            return isNew ? found : found + report.findings.map { "public log: \($0)" }
        }
        found += report.findings.map { "public log: \($0)" }
        let root = try store.transaction { try LogAudit.root(over: checkpoint.size, in: $0) }
        if root != checkpoint.root {
            found.append(
                root == nil
                    ? "the public log has \(checkpoint.size) leaves, more than the database: `log rebuild` says more"
                    : "the first \(checkpoint.size) leaves of the database are not those of the public checkpoint")
        }
        return found
    }

    static func openStore(_ directory: DataDirectory) throws -> SQLiteStore {
        do {
            return try directory.openStore(mayMake: false)
        } catch StoreError.missing(let what) {
            throw Fault(.noInput, what, advice: "name the directory of a server with --data")
        }
    }
}
