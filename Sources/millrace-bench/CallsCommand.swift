import ArgumentParser
import Bytes
import Domain
import FoundationEssentials
import Glibc
import Logging
import ServerCore
import ServerHTTP
import Storage
import StoragePostgres
import StorageSQLite
import Wire
import WorkerHost

/// `millrace-bench calls`.
struct CallsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calls",
        abstract:
            "Scheduler calls through HTTP on loopback: the real server on SQLite and files, a second process as hosts.",
        discussion: """
            Every call is signed, reports what the host holds and asks for as much again; every reply is durable.

            Example:
              millrace-bench calls --seconds 10 --connections 64
            """)

    @OptionGroup var load: LoadOptions

    @Option(name: .long, help: "Where the server's data lies; it is made and removed.")
    var folder = "/tmp"

    @Option(name: .long, help: "Results that must agree.")
    var quorum = 1

    @Option(name: .long, help: "A PostgreSQL database with an empty schema, in place of SQLite.")
    var database: String?

    func run() async throws {
        let path = "\(folder)/millrace-bench-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let directory = try DataDirectory(
            path: path, hash: BlobHash.factory, shared: database.map { PostgresSmallBlobs($0) })
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var log = Logger(label: "millrace-bench")
        log.logLevel = .error
        let parts = try ServerStart.start(
            files: ServerFiles(path: path), blobs: directory.blobs,
            options: ServerStart.Options(site: "Bench", workers: 1, webFolder: nil), log: log,
            clock: { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) },
            makePerformer: { NoOpPerformer() }, leadership: database.map { PostgresElection($0) } ?? SoleLeadership(),
            makeStore: { [database] in
                if let database { return try PostgresStore(database) }
                return try directory.openStore()
            })
        let server = WebServer(routes: parts.routes, address: try WebServer.Address("127.0.0.1:0"), log: log)
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        let serving = Task {
            defer { found.finish() }
            try await server.run(signals: []) { found.yield($0.port) }
        }
        var iterator = ports.makeAsyncIterator()
        guard let port = await iterator.next() else { return try await serving.value }
        let before = Self.cpuSeconds()
        let token = try parts.files.adminToken()
        let code = try await Self.child(load.arguments(port: port, quorum: quorum), token: token)
        let used = Self.cpuSeconds() - before
        print("server: \(Int(used * 100) / 100) s of CPU")
        serving.cancel()
        _ = await serving.result
        await withCheckedContinuation { done in
            BlockingThread.start("bench-stop") {
                parts.runtime.stop()
                done.resume()
            }
        }
        if code != 0 { throw ExitCode(code) }
    }

    private static func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Runs this program again as the hosts. - Returns: its exit code.
    private static func child(_ arguments: [String], token: String) async throws -> Int32 {
        var pid: pid_t = 0
        var argv: [UnsafeMutablePointer<CChar>?] = (["millrace-bench"] + arguments).map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = [strdup("\(LoadCommand.tokenVariable)=\(token)"), nil]
        defer { for text in argv + envp { free(text) } }
        guard posix_spawn(&pid, "/proc/self/exe", nil, nil, &argv, &envp) == 0 else {
            throw Fault(.osError, "cannot start the hosts: \(String(cString: strerror(errno)))")
        }
        let child = pid
        return await withCheckedContinuation { done in
            BlockingThread.start("bench-wait") {
                var status: Int32 = 0
                while waitpid(child, &status, 0) < 0 && errno == EINTR {}
                done.resume(returning: status == 0 ? 0 : 1)
            }
        }
    }
}

struct NoOpPerformer: JobPerformer {
    func perform(_ job: WireWorkerJob, timeoutSeconds: Double) throws(Fault) -> WireWorkerReply {
        NoOp.answer(job, units: LoadCommand.unitsMax)
    }

    func abandon() {}
}
