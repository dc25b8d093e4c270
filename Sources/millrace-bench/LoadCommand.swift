import ArgumentParser
import Bytes
import Domain
import FoundationEssentials
import Glibc
import SwiftProtobuf
import Synchronization
import Wire
import WorkerHost

struct LoadOptions: ParsableArguments {
    @Option(name: .long, help: "Hosts, each of a volunteer of its own.")
    var hosts = 256

    @Option(name: .long, help: "Connections, each kept open; hosts share them.")
    var connections = 64

    @Option(name: .long, help: "How long to measure.")
    var seconds = 10.0

    @Option(name: .long, help: "Tasks that a call reports and asks for.")
    var tasks = 1

    @Flag(name: .long, help: "Sign every call instead of making it inside of a session.")
    var signed = false

    func validate() throws {
        guard (1...20_000).contains(hosts), (1...1000).contains(connections), connections <= hosts,
            (0.1...600).contains(seconds), (1...64).contains(tasks)
        else { throw ValidationError("a number is out of its range") }
    }

    func arguments(port: Int, quorum: Int) -> [String] {
        [
            "load", "--port", "\(port)", "--quorum", "\(quorum)", "--hosts", "\(hosts)", "--connections",
            "\(connections)", "--seconds", "\(seconds)", "--tasks", "\(tasks)",
        ] + (signed ? ["--signed"] : [])
    }
}

/// `millrace-bench load`: the hosts of `calls`, in a process of their own.
struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "The hosts of `calls`; started by it.", shouldDisplay: false)
    static let tokenVariable = "MILLRACE_BENCH_TOKEN"

    @OptionGroup var load: LoadOptions
    @Option var port: Int
    @Option var quorum: Int
    /// Of several that run at the same time each has other hosts.
    @Option var firstHost = 0

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        let first = try BenchConnection(port: port)
        try submit(first)
        let hosts = try (0..<load.hosts).map { try LoadHost(firstHost + $0, first) }
        if !load.signed {
            let project = try Self.projectKey(first)
            for host in hosts { try host.openSession(first, project: project) }
        }
        let tally = Mutex(LoadTally())
        let ended = BlockingWait(count: load.connections)
        let clock = ContinuousClock()
        let (start, stop) = (clock.now, clock.now + .seconds(load.seconds))
        for number in 0..<load.connections {
            let own = hosts.enumerated().filter { $0.offset % load.connections == number }.map(\.element)
            let (port, tasks) = (port, load.tasks)
            BlockingThread.start("bench-host") {
                var mine = LoadTally()
                do {
                    let connection = try BenchConnection(port: port)
                    var at = 0
                    while clock.now < stop {
                        let sent = clock.now
                        mine.note(try own[at % own.count].call(connection, want: tasks), sent.duration(to: clock.now))
                        at += 1
                    }
                    mine.bytes = connection.bytes
                } catch {
                    mine.failures.append("\(error)")
                }
                tally.withLock { $0.add(mine) }
                ended.signal()
            }
        }
        ended.wait()
        let elapsed = start.duration(to: clock.now)
        let all = tally.withLock { $0 }
        print(all.text(seconds: Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18))
        if !all.failures.isEmpty { throw ExitCode(1) }
    }

    static func projectKey(_ connection: BenchConnection) throws -> VerifyingKey {
        let answer = try connection.get("/v1/project")
        guard answer.status == 200,
            let key = VerifyingKey(
                rawRepresentation: Array(try WireProjectInfo(serializedBytes: answer.body).publicKey))
        else { throw Fault(.protocolError, "the server has no key") }
        return key
    }

    private func submit(_ connection: BenchConnection) throws {
        var request = WireSubmitRequest()
        request.manifest = NoOp.manifest(quorum: quorum)
        let token = getenv(LoadCommand.tokenVariable).map { String(cString: $0) } ?? ""
        let fields = ["Authorization: Bearer \(token)", "Content-Type: application/x-protobuf"]
        let answer = try connection.post("/v1/batches", fields, try request.serializedBytes())
        guard answer.status == 201 else { throw Fault(.refused, String(decoding: answer.body, as: UTF8.self)) }
        // The first units must be there.
        sleep(2)
    }
}

/// What the hosts saw.
struct LoadTally: Sendable {
    private var calls = 0
    private var tasks = 0
    private var milliseconds: [Double] = []
    var bytes = 0
    var failures: [String] = []

    mutating func note(_ reported: Int, _ time: Duration) {
        calls += 1
        tasks += reported
        milliseconds.append(Double(time.components.attoseconds) * 1e-15 + Double(time.components.seconds) * 1e3)
    }

    mutating func add(_ other: LoadTally) {
        calls += other.calls
        tasks += other.tasks
        milliseconds += other.milliseconds
        bytes += other.bytes
        failures += other.failures
    }

    func text(seconds: Double) -> String {
        let sorted = milliseconds.sorted()
        func at(_ share: Double) -> String {
            sorted.isEmpty
                ? "-" : "\((sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))] * 100).rounded() / 100)"
        }
        let lines = [
            "calls: \(calls), \(Int(Double(calls) / seconds)) a second; latency p50 \(at(0.5)) ms, p99 \(at(0.99)) ms",
            "tasks reported: \(tasks), \(Int(Double(tasks) / seconds)) a second;"
                + " \(bytes / max(1, tasks)) bytes on the wire each, both directions",
        ]
        return (lines + failures.prefix(3).map { "failed: \($0)" }).joined(separator: "\n")
    }
}

/// Waits for a number of threads.
private final class BlockingWait: Sendable {
    private let left: Mutex<Int>

    init(count: Int) { left = Mutex(count) }

    func signal() { left.withLock { $0 -= 1 } }

    func wait() { while left.withLock({ $0 }) > 0 { usleep(10_000) } }
}
