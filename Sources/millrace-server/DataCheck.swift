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
    /// Where rows and blobs are, when it is not the data directory.
    var openDirectory: (String) throws -> DataDirectory = { try DataDirectory(path: $0, hash: BlobHash.factory) }
    var openRows: (DataDirectory) throws -> any Store = { try DataCheck.openStore($0) }
    var openBlobs: (DataDirectory) throws -> any BlobStore = { $0.blobs }

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
        let directory = try openDirectory(data)
        let store = try openRows(directory)
        let place = try openBlobs(directory)
        let files = ServerFiles(path: directory.path)
        var found = try files.differences()
        if let store = store as? SQLiteStore {
            found += try store.missingTriggers() + store.danglingReferences()
        }
        found += try withArchives(store, data: directory.path) { tx in
            try StoreAudit.differences(tx) + rowDifferences(tx, files: files)
        }
        found += try logDifferences(store, files: files)
        var blobs = 0
        var leaves: Int64 = 0
        try store.transaction { tx in
            try NamedBlobs.forEach(in: tx) { digest, what in
                blobs += 1
                if try !place.contains(digest) {
                    found.append("\(what()): blob \(digest) is missing")
                } else if deep {
                    do { try place.verify(digest) } catch { found.append("\(what()): \(error)") }
                }
            }
        }
        try store.transaction { leaves = try $0.logLeafCount() }
        return Report(found: found, blobs: blobs, leaves: leaves)
    }

    /// Looks at the rows together with those that lie in archives: they are put into the transaction, which is undone.
    private func withArchives(
        _ store: any Store, data: String, _ body: (any StoreTransaction) throws -> [String]
    ) throws -> [String] {
        struct Undone: Error {}
        let archives = ArchiveFolder(data: data)
        var found: [String] = []
        do {
            try store.transaction { tx in
                for (batch, named) in try Purging.archived(in: tx).sorted(by: { $0.key < $1.key }) {
                    do {
                        let input = try ArchiveInput(archives.file(batch))
                        try tx.savepoint { inner in _ = try Purging.restore({ try input.read($0) }, into: inner) }
                        let hash = try input.digest()
                        if hash != named {
                            found.append("\(archives.file(batch)): its hash is \(hash), the log says \(named)")
                        }
                    } catch let error as StoreError {
                        found.append("\(archives.file(batch)): \(error)")
                    } catch let fault as Fault {
                        found.append(fault.message)
                    }
                }
                found += try body(tx)
                throw Undone()
            }
        } catch is Undone {
            // Nothing was changed.
        }
        return found
    }

    /// The log against the rows.
    private func rowDifferences(_ tx: any StoreTransaction, files: ServerFiles) throws -> [String] {
        // An older version kept no log: the server begins it with all that is there when it starts next.
        guard try tx.logLeafCount() > 0 || tx.logEdge() != nil else { return [] }
        let keys = try files.presentProjectKey().map { ServerKeys(project: $0) }
        return try LogAudit.differences(in: tx, seal: keys?.rows)
    }

    /// The public files against the log.
    private func logDifferences(_ store: any Store, files: ServerFiles) throws -> [String] {
        let keys = try files.presentProjectKey().map { ServerKeys(project: $0) }
        var found: [String] = []
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

    static func openStore(_ directory: DataDirectory, _ rows: DatabaseOption) throws -> any Store {
        if rows.database != nil { return try rows.openStore(directory, mayMake: false) }
        return try openStore(directory)
    }

    static func openStore(_ directory: DataDirectory) throws -> SQLiteStore {
        do {
            var options = SQLiteOptions()
            options.quickCheckBytesMax = .max
            return try directory.openStore(options: options, mayMake: false)
        } catch StoreError.missing(let what) {
            throw Fault(.noInput, what, advice: "name the directory of a server with --data")
        }
    }
}
