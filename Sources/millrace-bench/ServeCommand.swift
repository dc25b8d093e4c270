import ArgumentParser
import Domain
import FoundationEssentials
import Glibc
import WorkerHost

/// `millrace-bench serve`: the server of the other commands, in a process of its own.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "The server of the other commands; started by them.", shouldDisplay: false)

    @Option(name: .long) var folder: String
    @Option(name: .long) var hosts = 0
    @Option(name: .long) var volunteers = 0
    @Option(name: .long) var port = 0
    @Option(name: .long) var database: String?
    @Option(name: .long) var units = NoOp.unitsMax
    @Option(name: .long) var ready: Int?

    func run() async throws {
        let server = try await BenchServer.start(
            path: folder, hosts: hosts, volunteers: volunteers, port: port, database: database,
            batch: BenchBatch(units: units, ready: ready))
        let line = Array("\(server.port)\n".utf8)
        _ = line.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        await withCheckedContinuation { done in
            BlockingThread.start("lifeline") {
                // Whoever started this has ended, or has had enough.
                var byte: UInt8 = 0
                while read(STDIN_FILENO, &byte, 1) > 0 {}
                done.resume()
            }
        }
        await server.stop()
    }
}

/// A server process: started, asked, measured, stopped.
final class ServedSite: Sendable {
    let port: Int
    let folder: String
    private let child: LineChild

    /// - Parameter folder: of its data; removed by `stop` unless it is to be kept.
    static func start(
        folder: String, hosts: Int, volunteers: Int = 0, port: Int = 0, database: String? = nil,
        batch: BenchBatch = BenchBatch()
    ) async throws -> ServedSite {
        let (lines, said) = AsyncStream.makeStream(of: String.self)
        let child = try LineChild.start(
            executable: "/proc/self/exe",
            arguments: [
                "serve", "--folder", folder, "--hosts", "\(hosts)", "--volunteers", "\(volunteers)", "--port",
                "\(port)", "--units", "\(batch.units)",
            ] + (batch.ready.map { ["--ready", "\($0)"] } ?? []) + (database.map { ["--database", $0] } ?? []),
            variables: [], onLine: { said.yield($0) }, onEnd: { _ in said.finish() })
        var iterator = lines.makeAsyncIterator()
        guard let line = await iterator.next(), let port = Int(line) else {
            throw Fault(.software, "the server did not start in \(folder)")
        }
        return ServedSite(port: port, folder: folder, child: child)
    }

    private init(port: Int, folder: String, child: LineChild) {
        self.port = port
        self.folder = folder
        self.child = child
    }

    /// SIGKILL; the data stays, and another start goes on with it.
    func kill() {
        child.stop()
        while Glibc.kill(child.pid, 0) == 0 { usleep(10_000) }
    }

    func remove() {
        kill()
        try? FileManager.default.removeItem(atPath: folder)
    }

    var usage: ProcessUsage { ProcessUsage.of(child.pid) }
}

/// What a process has used, by the kernel's account.
struct ProcessUsage: Sendable {
    var cpuSeconds: Double
    /// Now, and at most so far.
    var residentMiB: Double
    var peakMiB: Double

    static func of(_ pid: pid_t) -> ProcessUsage {
        let fields = text(pid, "stat").split(separator: ")").last?.split(separator: " ") ?? []
        // Of the whole line: the fields 14 and 15.
        let ticks = [11, 12].reduce(0.0) { $0 + (fields.count > $1 ? Double(fields[$1]) ?? 0 : 0) }
        let status = text(pid, "status")
        func mebibytes(_ name: String) -> Double {
            let line = status.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
            return (line.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Double($0) } ?? 0)
                / 1024
        }
        return ProcessUsage(
            cpuSeconds: ticks / Double(sysconf(Int32(_SC_CLK_TCK))), residentMiB: mebibytes("VmRSS:"),
            peakMiB: mebibytes("VmHWM:"))
    }

    /// Files of /proc say that they are empty, so they are read to their end.
    private static func text(_ pid: pid_t, _ name: String) -> String {
        let file = open("/proc/\(pid)/\(name)", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 8192)
        while true {
            let count = read(file, &piece, piece.count)
            guard count > 0 else { return String(decoding: text, as: UTF8.self) }
            text += piece[..<count]
        }
    }
}
