import ArgumentParser
import Domain
import FoundationEssentials
import Glibc
import ServerHTTP
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
        defer { Self.remove(path) }
        let server = try await BenchServer.start(path: path, database: database)
        let before = Self.cpuSeconds()
        let token = try server.parts.files.adminToken()
        let code = try await Self.child(load.arguments(port: server.port, quorum: quorum), token: token)
        let used = Self.cpuSeconds() - before
        print("server: \((used * 100).rounded() / 100) s of CPU")
        await server.stop()
        if code != 0 { throw ExitCode(code) }
    }

    /// A job that was under way when the server ended may still put a file there.
    private static func remove(_ path: String) {
        for _ in 0..<50 {
            try? FileManager.default.removeItem(atPath: path)
            guard FileManager.default.fileExists(atPath: path) else { return }
            usleep(100_000)
        }
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
