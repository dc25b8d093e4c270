import ArgumentParser
import Glibc
import Measuring
import Wire

/// What the hosts of a measurement do.
struct LoadShape: ParsableArguments {
    @Option(name: .long, help: "Hosts.")
    var hosts = 256

    @Option(
        name: .long,
        help: """
            Volunteers who share the hosts; 0: each has one. Among more than 8 a secret lot gives the second task of a \
            unit, at first to two of them, so that with a quorum units wait for minutes, as they should.
            """)
    var volunteers = 0

    @Option(
        name: .long, help: "A PostgreSQL database with an empty schema that servers share, in place of SQLite.")
    var database: String?

    @Option(name: .long, help: "Server processes on the database: 1 to 8; connections are spread over them.")
    var servers = 1

    @Option(name: .long, help: "Connections, each kept open; hosts share them.")
    var connections = 64

    @Option(name: .long, help: "How long to measure, in seconds.")
    var seconds = 5.0

    @Option(name: .long, help: "Tasks that calls report and ask for: sizes with weights, for example 1:9,8:1.")
    var mix = "1"

    @Option(name: .long, help: "Results that must agree.")
    var quorum = 1

    @Option(name: .long, help: "Bytes of a result: 8 to 65536.")
    var resultBytes = 8

    @Flag(name: .long, help: "Upload each result as a blob instead of sending it inside of the report.")
    var blobs = false

    @Option(name: .long, help: "The share of hosts that send wrong results, each its own: 0 to 0.5.")
    var cheats = 0.0

    @Option(name: .long, help: "Where the server's data lies; it is made and removed.")
    var folder = "/tmp"

    @Option(name: .long, help: "A directory that `fill` made, with as many hosts; it is used and left there.")
    var data: String?

    @Flag(name: .long, help: "Sign every call instead of making it inside of a session.")
    var signed = false

    var sizes: WeightedMix { get throws { try Self.sizes(mix) } }

    func validate() throws {
        _ = try Self.sizes(mix)
        guard (1...50_000).contains(hosts), (1...2000).contains(connections), connections <= hosts,
            (0.1...600).contains(seconds), (1...4).contains(quorum), (8...65_536).contains(resultBytes),
            (0...0.5).contains(cheats), (0...hosts).contains(volunteers), (1...8).contains(servers)
        else { throw ValidationError("a number is out of its range") }
        guard servers == 1 || database != nil else { throw ValidationError("--servers needs --database") }
        guard database == nil || data == nil else { throw ValidationError("--data and --database exclude each other") }
    }

    private static func sizes(_ text: String) throws -> WeightedMix {
        guard let mix = WeightedMix(text, most: 64) else {
            throw ValidationError("--mix \(text): sizes from 1 to 64, each with a weight, for example 1:9,8:1")
        }
        return mix
    }
}

/// A server with hosts that wait for the first call.
struct LoadedSite {
    /// The first of the servers.
    let site: ServedSite
    private let others: [ServedSite]
    let control: BenchControl
    let hosts: [LoadHost]
    let batch: UInt64
    /// For people: how long that took, and what it holds in memory.
    let started: String
    private let isKept: Bool

    init(_ shape: LoadShape, name: String = "drive") async throws {
        signalsIgnored()
        let clock = ContinuousClock()
        let start = clock.now
        isKept = shape.data != nil
        let folder = shape.data ?? benchFolder(shape.folder, name)
        site = try await ServedSite.start(
            folder: folder, hosts: isKept ? 0 : shape.hosts, volunteers: shape.volunteers, database: shape.database)
        var others: [ServedSite] = []
        for _ in 1..<shape.servers {
            others.append(try await ServedSite.start(folder: folder, hosts: 0, database: shape.database))
        }
        self.others = others
        let seconds = start.duration(to: clock.now).inSeconds
        started = "started in \(BenchTable.short(seconds)) s, \(BenchTable.short(site.usage.residentMiB)) MiB resident"
        do {
            control = try BenchControl(port: site.port, folder: site.folder)
            batch =
                isKept
                ? FillCommand.waitingBatch
                : try control.submit(quorum: shape.quorum, outputBytes: max(1024, shape.resultBytes))
            hosts = try (0..<shape.hosts).map { number in
                let host = try LoadHost(known: number)
                // Cheats are spread over all connections.
                let isCheat = Int(Double(number + 1) * shape.cheats) > Int(Double(number) * shape.cheats)
                host.results = ResultMaker(
                    bytes: shape.resultBytes, isBlob: shape.blobs,
                    lie: isCheat ? UInt8(truncatingIfNeeded: number) : nil)
                return host
            }
            if !shape.signed { try Self.openSessions(hosts, port: site.port) }
            if !isKept { try control.wait(batch, ready: 4000) }
        } catch {
            for other in others { other.kill() }
            if isKept { site.kill() } else { site.remove() }
            throw error
        }
    }

    /// As clients have that call often. A server gives an address a thousand at once; the other hosts sign.
    private static func openSessions(_ hosts: [LoadHost], port: Int) throws {
        let connection = try BenchConnection(port: port)
        let project = try LoadCommand.projectKey(connection)
        for host in hosts.prefix(900) { try host.openSession(connection, project: project) }
    }

    /// Of all servers; a database has its own.
    private var usage: ProcessUsage {
        others.map(\.usage).reduce(into: site.usage) { sum, usage in
            sum.cpuSeconds += usage.cpuSeconds
            sum.residentMiB += usage.residentMiB
            sum.peakMiB += usage.peakMiB
        }
    }

    func end() {
        for other in others { other.kill() }
        if isKept { site.kill() } else { site.remove() }
    }

    func driver(_ shape: LoadShape, seconds: Double? = nil, rate: Double? = nil) throws -> LoadDriver {
        LoadDriver(
            ports: [site.port] + others.map(\.port), hosts: hosts, connections: shape.connections, mix: try shape.sizes,
            seconds: seconds ?? shape.seconds, rate: rate)
    }

    /// Caches fill, connections open; with a quorum, until as many units end as their results come in: hosts get tasks
    /// from all over the queue, so at first most units have one result only. At most 20 seconds.
    func warmUp(_ shape: LoadShape) throws {
        let seconds = min(1, shape.seconds)
        for _ in 0..<(shape.quorum == 1 ? 1 : 20) {
            let measured = try measure(driver(shape, seconds: seconds))
            let needed = Double(measured.outcome.tasks) / Double(shape.quorum)
            if measured.outcome.tasks == 0 || Double(measured.unitsValidated) > 0.9 * needed { return }
        }
    }

    /// One measurement, with what both sides have used meanwhile and how many units were validated.
    func measure(_ driver: LoadDriver) throws -> Measured {
        let (server, own, units) = (usage, ProcessUsage.of(getpid()), try control.status(batch).unitsValidated)
        let outcome = driver.run()
        let (serverAfter, ownAfter) = (usage, ProcessUsage.of(getpid()))
        let status = try control.status(batch)
        return Measured(
            outcome: outcome, serverCPU: serverAfter.cpuSeconds - server.cpuSeconds,
            loadCPU: ownAfter.cpuSeconds - own.cpuSeconds, serverMiB: serverAfter.residentMiB,
            loadMiB: ownAfter.residentMiB, unitsValidated: status.unitsValidated - units, unitsReady: status.unitsReady)
    }
}
