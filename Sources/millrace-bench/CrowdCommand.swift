import ArgumentParser
import Domain
import Glibc
import Measuring
import Synchronization
import WorkerHost

/// `millrace-bench crowd`.
struct CrowdCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crowd",
        abstract: "Idle connections and slow writers beside honest calls: how far does their p99 move?",
        discussion: """
            Example: millrace-bench crowd --idle 10000 --slow 200
            """)

    @OptionGroup var shape: LoadShape
    @OptionGroup var crowd: CrowdOptions

    @Option(name: .long, help: "Write the figures into this file as JSON, too.")
    var json: String?

    func run() async throws {
        let loaded = try await LoadedSite(shape, name: "crowd")
        defer { loaded.end() }
        let found = try CrowdMeasurement(loaded: loaded, shape: shape, crowd: crowd).run()
        print(found.text)
        try BenchFile.write(["alone": found.alone.values, "in a crowd": found.among.values], to: json)
        guard found.alone.outcome.trouble == nil, found.among.outcome.trouble == nil else { throw ExitCode(1) }
    }
}

struct CrowdOptions: ParsableArguments {
    @Option(name: .long, help: "Connections that are opened and say nothing.")
    var idle = 10_000

    @Option(name: .long, help: "Connections that send a request byte by byte, ten a second.")
    var slow = 200

    func validate() throws {
        guard (0...60_000).contains(idle), (0...10_000).contains(slow) else {
            throw ValidationError("--idle is 0 to 60000, --slow 0 to 10000")
        }
    }
}

/// The same rate of honest calls, alone and in a crowd.
struct CrowdMeasurement {
    var loaded: LoadedSite
    var shape: LoadShape
    var crowd: CrowdOptions

    struct Found {
        var rate: Double
        var alone: Measured
        var among: Measured
        var told: String
        var factor: Double { among.outcome.milliseconds(0.99) / max(alone.outcome.milliseconds(0.99), 1e-3) }

        var text: String {
            "honest calls at \(BenchTable.short(rate)) a second, alone:\n\(alone.text)\n\(told):\n\(among.text)\n"
                + "p99 is \(BenchTable.short(factor)) times as long; load average \(loadAverage())"
        }
    }

    func run() throws -> Found {
        let closed = try loaded.driver(shape, seconds: min(2, shape.seconds)).run()
        let rate = max(1, closed.callsPerSecond / 2)
        let alone = try loaded.measure(loaded.driver(shape, rate: rate))
        let strangers = Strangers(port: loaded.site.port, idle: crowd.idle, slow: crowd.slow)
        defer { strangers.end() }
        settle()
        let among = try loaded.measure(loaded.driver(shape, rate: rate))
        return Found(rate: rate, alone: alone, among: among, told: strangers.told)
    }
}

extension CrowdMeasurement {
    /// Waits until the server has taken in all that have just connected: what it does with a crowd is asked, not what
    /// one costs that comes within a second. At most ten seconds.
    private func settle() {
        let clock = ContinuousClock()
        let start = clock.now
        var quick = 0
        while quick < 5, start.duration(to: clock.now) < .seconds(10) {
            let asked = clock.now
            let isAnswered = (try? loaded.control.status(loaded.batch)) != nil
            quick = isAnswered && asked.duration(to: clock.now) < .milliseconds(20) ? quick + 1 : 0
            usleep(50_000)
        }
    }
}

/// Connections that hold the server's and give it nothing to do.
final class Strangers: Sendable {
    private let sockets: [Int32]
    private let goesOn = Atomic<Bool>(true)
    private let isOver = Atomic<Bool>(false)
    /// How many there are, and why not more.
    let told: String

    init(port: Int, idle: Int, slow: Int) {
        var limits = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
        limits.rlim_cur = limits.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
        // The hosts' own connections and what else is open.
        let most = max(0, Int(clamping: limits.rlim_cur) - 2200)
        var sockets: [Int32] = []
        var reason = ""
        let slow = min(slow, most)
        for _ in 0..<slow + min(idle, most - slow) {
            guard let socket = try? BenchConnection.open(port: port) else {
                reason = "; the system or the server took no more"
                break
            }
            sockets.append(socket)
        }
        if slow + idle > most { reason = "; `ulimit -n` allows no more" }
        let slowOnes = Array(sockets.prefix(slow))
        self.sockets = sockets
        told = "with \(max(0, sockets.count - slow)) idle connections and \(slowOnes.count) slow writers\(reason)"
        BlockingThread.start("slow-writers") { [self] in
            let text = Array("POST /v1/scheduler HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 600\r\nX-Slow: ".utf8)
            var at = 0
            while goesOn.load(ordering: .acquiring) {
                var byte = at < text.count ? text[at] : UInt8(ascii: "a")
                for socket in slowOnes {
                    send(socket, &byte, 1, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
                }
                at += 1
                usleep(100_000)
            }
            isOver.store(true, ordering: .releasing)
        }
    }

    func end() {
        goesOn.store(false, ordering: .releasing)
        while !isOver.load(ordering: .acquiring) { usleep(5000) }
        for socket in sockets { close(socket) }
    }
}
