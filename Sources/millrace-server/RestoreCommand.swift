import ArgumentParser
import Bytes
import Domain
import Glibc
import ServerCore
import ServerHTTP
import Storage
import StorageSQLite
import Transparency
import WorkerHost

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Makes a data directory from a backup.",
        discussion: """
            The target must not be there, or be empty. The databases must have the hash that they were backed up with, \
            every blob the one that it is named by. With --keys, key and token are put in and the public log is written.

            What was published after the backup is not in it, and a published log may not be rolled back: --published \
            compares with the last checkpoint that somebody kept, a witness or the old server's folder log/. \
            docs/admin.md says what to do when it is newer than the backup.

            Example: millrace-server restore --from /backup/millrace --keys /safe/millrace-keys --data /var/lib/millrace

            Exit codes: 0 done, 1 more was published than is in the backup (the directory is made all the same), 65 \
            the backup is not whole or damaged, 66 there is none, 73 the disk cannot be written, 78 the target is not \
            empty.
            """)

    @Option(help: "The folder of the backup.")
    var from: String

    @Option(help: "The data directory to be made.")
    var data: String

    @Option(help: "The folder with the project's key and the token.")
    var keys: String?

    @Option(help: "A file with the last checkpoint that was published.")
    var published: String?

    func run() async throws {
        try await endingInOrder {
            guard published == nil || keys != nil else {
                throw Fault(.usage, "--published needs --keys", advice: "the key says which checkpoint is ours")
            }
            var checkpoint: [UInt8]?
            if let published { checkpoint = try Files.read(published, limit: LogLimits.noteBytesMax) }
            let restored = try Restore.run(
                from: from, data: data, keys: keys, published: checkpoint, isLinking: false)
            print("\(data) is as it was \(restored.takenAt.milliseconds / 1000) seconds after 1970")
            guard keys != nil else {
                let text = "put the project's key into \(data)/keys/project.key, then run `log rebuild`"
                return say("millrace-server: \(text)", to: STDERR_FILENO)
            }
            print("public log: \(restored.leaves) leaves; witnesses must know no more of it")
        }
    }
}

enum Restore {
    struct Outcome {
        var takenAt: Timestamp
        var leaves: Int64
    }

    static func run(from: String, data: String, keys: String?, published: [UInt8]?, isLinking: Bool) throws -> Outcome {
        guard access(from, F_OK) == 0 else {
            throw Fault(.noInput, "there is no folder \(from)", advice: "check --from")
        }
        let restore = DataRestore(backup: from, data: data, hash: BlobHash.factory, isLinking: isLinking)
        let takenAt = try Backup.inTerms("name a folder that is empty or not there with --data") { try restore.run() }
        guard let keys else { return Outcome(takenAt: takenAt, leaves: 0) }
        let files = ServerFiles(path: data)
        try files.takeSecrets(from: keys)
        guard let key = try files.presentProjectKey() else {
            throw Fault(.noInput, "\(keys)/project.key is missing or no key", advice: "check --keys")
        }
        let directory = try configured { try DataDirectory(path: data, hash: BlobHash.factory) }
        let store = try DataCheck.openStore(directory)
        let leaves = try store.transaction { try $0.logLeafCount() }
        if leaves > 0 || published != nil {
            let log = LogFolder(path: files.logPath)
            _ = try LogRebuild(disk: log, store: store, keys: ServerKeys(project: key), elsewhere: published)
                .run(acceptingRollback: nil, now: wallClock())
        }
        return Outcome(takenAt: takenAt, leaves: leaves)
    }
}
