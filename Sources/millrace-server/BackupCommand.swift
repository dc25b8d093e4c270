import ArgumentParser
import Bytes
import Domain
import Glibc
import ServerCore
import ServerHTTP
import Storage
import StorageSQLite

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copies a data directory, while its server runs or not.",
        discussion: """
            The folder is made, or brought up to date: blobs that it has are not copied again. Databases are copied as \
            they are at one moment; every blob that they name is looked for in the copy, and its hash is checked when \
            it is copied. The public log is not copied: it follows from database and key.

            The project's key and the admin's token are NOT in the backup, so that whoever may read it cannot sign in \
            the project's name. --keys copies them to a place of their own; without the key no restored server can \
            go on.

            Example: millrace-server backup --data /var/lib/millrace --to /backup/millrace --keys /safe/millrace-keys

            Exit codes: 0 done, 65 a file of the data directory is damaged, 66 no server has run there, 73 the backup \
            cannot be written, 78 the folder holds something else or is in use, or the rows or blobs lie elsewhere.
            """)

    @Option(help: "The data directory.")
    var data: String

    @Option(help: "The folder of the backup.")
    var to: String

    @Option(help: "A folder for the project's key and the token, on another machine or medium.")
    var keys: String?

    @Flag(help: "Second names of blobs on the same file system instead of copies: no protection against a broken disk.")
    var link = false

    func run() async throws {
        try await endingInOrder {
            let report = try Backup.take(data: data, to: to, isLinking: link)
            print(report.text(to))
            if let keys {
                try Backup.copyKeys(from: data, to: keys)
                print("the project's key and the token are in \(keys)")
            } else {
                let text = "the project's key is not in the backup: copy \(data)/keys/project.key to another place"
                say("millrace-server: \(text)", to: STDERR_FILENO)
            }
        }
    }
}

/// What backup, restore and drill share.
enum Backup {
    static func take(data: String, to: String, isLinking: Bool) throws -> DataBackup.Report {
        guard !DataDirectory.isElsewhere(data) else {
            throw Fault(
                .configuration, "the rows of \(data) lie in a PostgreSQL database, which this command does not read",
                advice: "take pg_dump first, then copy the data directory with a tool of yours; the servers may run")
        }
        guard access(data + "/millrace.sqlite", F_OK) == 0 else {
            throw Fault(
                .noInput, "\(data)/millrace.sqlite is not there: no server has run here", advice: "check --data")
        }
        guard access(data + "/blobs-location", F_OK) != 0 else {
            throw Fault(
                .configuration, "the blobs of \(data) lie in a bucket, which this command does not read",
                advice: "stop the server and copy the data directory; let the service keep versions of the bucket")
        }
        let backup = DataBackup(data: data, target: to, hash: BlobHash.factory, isLinking: isLinking)
        return try inTerms("choose another folder with --to") {
            try backup.run(now: wallClock()) { tx, contains in
                var lost: [String] = []
                try NamedBlobs.forEach(in: tx) { digest, what in
                    if try !contains(digest) { lost.append("\(what()): blob \(digest)") }
                }
                return lost
            }
        }
    }

    /// What a store says, in the terms of a copy.
    static func inTerms<T>(_ advice: String, _ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch StoreError.conflict(let what) {
            throw Fault(.configuration, what, advice: advice)
        } catch StoreError.missing(let what) {
            throw Fault(.badData, what)
        }
    }

    /// Secrets go to a folder for one person, by themselves.
    static func copyKeys(from data: String, to folder: String) throws {
        let files = ServerFiles(path: data)
        try files.copySecrets(to: folder)
    }
}

extension DataBackup.Report {
    func text(_ folder: String) -> String {
        let databases = Self.mebibytes(databaseBytes + smallBytes)
        let new = Self.mebibytes(bytesNew)
        return "\(folder): databases \(databases) MiB, \(files) files, \(filesNew) of them new (\(new) MiB)"
    }

    private static func mebibytes(_ bytes: Int64) -> String {
        let tenths = (Double(bytes) / 104_857.6).rounded()
        return String(tenths / 10)
    }
}
