import ArgumentParser
import Domain
import Glibc
import ServerCore
import ServerHTTP
import Storage
import StorageSQLite

struct PurgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge", abstract: "Moves batches that have ended from the database into archives.",
        discussion: """
            Stop the server first. Each batch goes into one file, archive/batch-N.tar.zst: its work units, tasks and \
            verdicts, their containers and results. It is read back and compared, its hash goes into the public log, \
            and only then rows and blobs are removed. Ledger, public log, credit, inputs and the answer stay. Killed \
            at any moment, the same command goes on. `fsck` reads the archives.

            Example: millrace-server purge --data /var/lib/millrace --older-than 90

            Exit codes: 0 done, 1 a batch cannot be purged, 66 there is no such batch, 73 the disk cannot be written, \
            78 the directory or the database is in use.
            """)

    @Option(help: "The data directory.")
    var data: String

    @Option(help: "The number of a batch; may be given several times.")
    var batch: [Int64] = []

    @Option(help: "Every batch that ended more than so many days ago.")
    var olderThan: Int?

    @OptionGroup var rows: DatabaseOption

    @OptionGroup(title: "Where blobs lie")
    var blobOptions: BlobOptions

    func run() async throws {
        try await endingInOrder {
            guard batch.isEmpty != (olderThan == nil) else {
                throw Fault(.usage, "give --batch or --older-than", advice: "for example --older-than 90")
            }
            guard olderThan ?? 0 >= 0 else { throw Fault(.usage, "--older-than needs a number of days") }
            guard access(data, F_OK) == 0 else {
                throw Fault(.noInput, "there is no data directory \(data)", advice: "name it with --data")
            }
            try configured { try purge() }
        }
    }

    private func purge() throws {
        let directory = try rows.openDirectory(data)
        let store = try DataCheck.openStore(directory, rows)
        let blobs = try blobOptions.open(directory) { say("millrace-server: \($0)", to: STDERR_FILENO) }
        let files = ServerFiles(path: directory.path)
        let core = ProjectServer(
            settings: ServerSettings(site: "purge", resultsPath: files.resultsPath),
            keys: ServerKeys(project: try files.projectKey()), blobs: blobs
        ) { _ in throw Fault(.software, "purging reads no manifest") }
        let releases = ReleaseShelf(path: files.releasesPath, project: core.keys.project)
        let purging = Purging(core, store, kept: try releases.programs())
        let chosen = try batch.isEmpty ? old(store) : batch.map { BatchID(rawValue: $0) }
        for id in chosen { try purge(id, purging, ArchiveFolder(data: directory.path), files) }
        if chosen.isEmpty { print("no batch ended so long ago") }
    }

    /// Batches that still have rows and ended long enough ago, oldest first.
    private func old(_ store: any Store) throws -> [BatchID] {
        let limit = wallClock() + TimeSpan(seconds: -86_400 * Double(olderThan ?? 0))
        return try store.transaction { tx in
            try tx.batches().reversed().filter { batch in
                guard let ended = batch.finishedAt, ended < limit else { return false }
                return try !tx.workUnits(of: batch.id, fromIndex: 0, limit: 1).isEmpty
            }.map(\.id)
        }
    }

    private func purge(_ id: BatchID, _ purging: Purging, _ archives: ArchiveFolder, _ files: ServerFiles) throws {
        let (batch, place) = try purging.place(of: id)
        let path = archives.file(id)
        if place == .rows {
            if batch.state == .finished, access("\(files.resultsPath)/\(id)", F_OK) != 0 {
                throw Fault(
                    .negative, "the answer of batch \(id) is not in \(files.resultsPath)/\(id)",
                    advice: "restore it from a backup: it cannot be made again once the results are archived")
            }
            var summary: ArchiveSummary?
            try archives.write(id) {
                summary = try purging.archive(batch, $0)
            } check: {
                _ = try purging.verify(batch, comparing: true, $0)
            }
            let whole = try ArchiveInput(path)
            _ = try purging.verify(batch, comparing: false) { try whole.read($0) }
            try purging.removeRows(batch, archive: try whole.digest(), now: wallClock())
            if let summary {
                print(
                    "batch \(id): \(summary.units) work units, \(summary.tasks) tasks, \(summary.blobs) blobs in "
                        + path
                )
            }
        }
        let archive = try ArchiveInput(path)
        let removed = try purging.removeBlobs { try archive.read($0) }
        print("batch \(id): \(removed.count) blobs with \(removed.bytes) bytes removed")
    }
}

struct ArchiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive", abstract: "Looks at archives of purged batches.", subcommands: [Verify.self])

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Reads archives and checks every hash in them.",
            discussion: """
                Needs no server to be stopped. Whether an archive is the one that the public log names, `fsck` says, \
                and so does the hash that is printed: the log has it as `archive` of `batch N sha256 ...`.

                Exit codes: 0 all are whole, 1 one is damaged, 66 there is none.
                """)

        @Option(help: "The data directory.")
        var data: String

        @Option(help: "Only the archive of this batch.")
        var batch: Int64?

        func run() async throws {
            try await endingInOrder {
                let archives = ArchiveFolder(data: data)
                let chosen = batch.map { [BatchID(rawValue: $0)] } ?? archives.batches()
                if chosen.isEmpty { throw Fault(.noInput, "there are no archives in \(archives.path)") }
                var damaged = 0
                for id in chosen {
                    let input = try ArchiveInput(archives.file(id))
                    do {
                        var reader = ArchiveReader { try input.read($0) }
                        let summary = try reader.run { _ in }
                        let hash = try input.digest()
                        print(
                            "batch \(id): \(summary.units) work units, \(summary.tasks) tasks, \(summary.blobs) blobs, "
                                + "sha256 \(hash)")
                    } catch let error as StoreError {
                        damaged += 1
                        print("batch \(id): \(error)")
                    }
                }
                if damaged > 0 { throw ExitCode(FaultKind.negative.rawValue) }
            }
        }
    }
}
