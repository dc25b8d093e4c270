import ArgumentParser
import Domain
import Glibc
import ServerCore
import ServerHTTP
import Storage
import StorageSQLite
import Transparency
import WorkerHost

struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Mends the public log of a data directory that no server is using.",
        subcommands: [LogRebuildCommand.self])
}

struct LogRebuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild", abstract: "Writes all public files anew from the leaves in the database.",
        discussion: """
            After the folder log/ was lost or damaged, or restored from an old copy: the files become what they were, \
            byte by byte, and what was published stays as it is. Killed at any point, the same command does the rest.

            When the DATABASE is older than what was published, or another one, nothing is done: a published log may \
            not be rolled back, and witnesses would call it a fork. Restore a newer copy of the database. If there is \
            none, --accept-rollback keeps the old log in log-old-N and begins a new one, with another name and key, \
            whose entry names the last checkpoint of the old one and the reason. Publish the new key then.

            Example: millrace-server log rebuild --data /var/lib/millrace

            Exit codes: 0 done, 1 the database contradicts what was published, 65 --published is no checkpoint of this \
            server, 66 no server has run there, 73 the disk cannot be written, 78 directory or database are in use or \
            damaged.
            """)

    @Option(help: "The data directory.")
    var data: String

    @OptionGroup var rows: DatabaseOption

    @Option(help: "A file with the last checkpoint that somebody kept, a witness for example.")
    var published: String?

    @Option(help: "Begin a new log if the old one cannot be gone on with; the reason is published. At most 100 bytes.")
    var acceptRollback: String?

    func run() async throws {
        try await endingInOrder {
            if let reason = acceptRollback, !(1...100).contains(reason.utf8.count) {
                throw Fault(.usage, "--accept-rollback needs a reason of 1 to 100 bytes")
            }
            guard access(data, F_OK) == 0 else {
                throw Fault(.noInput, "there is no data directory \(data)", advice: "name it with --data")
            }
            var elsewhere: [UInt8]?
            if let published { elsewhere = try Files.read(published, limit: LogLimits.noteBytesMax) }
            let report = try rebuild(elsewhere)
            if let number = report.setAside { print("the old log is kept in \(data)/log-old-\(number)") }
            if report.isNewLog { print("a NEW log was begun; publish its key: \(report.key.text)") }
            print(
                "\(report.checkpoint.size) leaves, root \(report.checkpoint.root): "
                    + "\(report.filesWritten) files written, \(report.filesRemoved) removed")
        }
    }

    private func rebuild(_ elsewhere: [UInt8]?) throws -> LogRebuild<LogFolder>.Report {
        let directory = try configured { try rows.openDirectory(data) }
        let store = try DataCheck.openStore(directory, rows)
        let files = ServerFiles(path: directory.path)
        guard let key = try files.presentProjectKey() else {
            throw Fault(
                .configuration, "\(files.keyPath) is missing or no key: without it no checkpoint can be signed",
                advice: "restore it from a backup; it cannot be replaced")
        }
        return try LogRebuild(
            disk: LogFolder(path: files.logPath), store: store, keys: ServerKeys(project: key), elsewhere: elsewhere
        ).run(acceptingRollback: acceptRollback, now: wallClock())
    }
}
