import ArgumentParser
import Domain
import FoundationEssentials
import Glibc
import Logging
import ServerCore
import ServerHTTP
import Storage
import StoragePostgres
import StorageSQLite
import WorkerHost

/// `millrace-bench serve`: the server of `calls` alone, for several of them on one database.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "The server of `calls`, until its standard input ends.",
        discussion: """
            Says its port, and where the token is. `millrace-bench load` sends the calls, each with other hosts
            (--first-host).

            Example:
              millrace-bench serve --folder /tmp/bench --database "host=/tmp/pg dbname=postgres"
            """, shouldDisplay: false)

    @Option(name: .long, help: "The data directory that all of them share; made, and not removed.")
    var folder: String

    @Option(name: .long, help: "A PostgreSQL database.")
    var database: String

    func run() async throws {
        let directory = try DataDirectory(
            path: folder, hash: BlobHash.factory, shared: PostgresSmallBlobs(database))
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var log = Logger(label: "millrace-bench")
        log.logLevel = .error
        let parts = try ServerStart.start(
            files: ServerFiles(path: folder), blobs: directory.blobs,
            options: ServerStart.Options(site: "Bench", workers: 1, webFolder: nil), log: log,
            clock: { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) },
            makePerformer: { NoOpPerformer() }, leadership: PostgresElection(database),
            makeStore: { [database] in try PostgresStore(database) })
        let server = WebServer(routes: parts.routes, address: try WebServer.Address("127.0.0.1:0"), log: log)
        let serving = Task {
            try await server.run(signals: []) { bound in
                let text = Array("port \(bound.port) token \(parts.files.tokenPath)\n".utf8)
                _ = text.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            }
        }
        await withCheckedContinuation { done in
            BlockingThread.start("bench-input") {
                while readLine() != nil {}
                done.resume()
            }
        }
        serving.cancel()
        _ = await serving.result
        await withCheckedContinuation { done in
            BlockingThread.start("bench-stop") {
                parts.runtime.stop()
                done.resume()
            }
        }
    }
}
