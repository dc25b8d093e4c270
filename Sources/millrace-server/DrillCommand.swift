import ArgumentParser
import Bytes
import Domain
import Foundation
import Glibc
import ServerCore
import ServerHTTP
import Storage
import StorageSQLite
import Transparency

struct DrillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drill", abstract: "Tries whether a backup of a data directory can be restored.",
        discussion: """
            Makes a backup while the server runs, restores it beside it, checks the restored directory as `fsck` does, \
            writes its public log, and compares that with what the server has published. Everything is removed again.

            The scratch folder is made beside the data directory; it needs the space of the databases, twice, and none \
            for blobs where the file system has hard links.

            Example: millrace-server drill --data /var/lib/millrace

            Exit codes: 0 it can, 1 it cannot, and why; else as `backup`.
            """)

    @Option(help: "The data directory.")
    var data: String

    @Option(help: "Where the scratch folder is made; made when it is not there. Default: beside the data directory.")
    var scratch: String?

    @Flag(help: "Also hash every blob.")
    var deep = false

    func run() async throws {
        try await endingInOrder {
            let parent = scratch ?? URL(filePath: data).deletingLastPathComponent().path
            let folder = "\(parent)/millrace-drill-\(getpid())"
            do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
                throw Fault(.cannotWrite, "cannot make the folder \(folder)", advice: "choose another with --scratch")
            }
            defer { try? FileManager.default.removeItem(atPath: folder) }
            chmod(folder, 0o700)
            let clock = ContinuousClock()
            let start = clock.now
            // What everybody could see before: the restored log must go on from it.
            let published = try LogFolder(path: ServerFiles(path: data).logPath).read(TilePath.checkpoint)
            let report = try Backup.take(data: data, to: folder + "/backup", isLinking: true)
            print(report.text("backup"))
            try Backup.copyKeys(from: data, to: folder + "/keys")
            let restored = folder + "/data"
            _ = try Restore.run(
                from: folder + "/backup", data: restored, keys: folder + "/keys", published: published,
                isLinking: true)
            let check = try configured { try DataCheck(data: restored, deep: deep).run() }
            for line in check.found { print(line) }
            guard check.found.isEmpty else { throw ExitCode(FaultKind.negative.rawValue) }
            let seconds = start.duration(to: clock.now).components.seconds
            print(
                "a restored server has \(check.blobs) blobs and \(check.leaves) leaves, and all is in order; "
                    + "\(seconds) s")
        }
    }
}
