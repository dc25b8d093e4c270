import ArgumentParser
import Domain
import Glibc
import Measuring
import WorkerHost

/// Measures row by row. What cannot be measured has a row that says why.
struct TableMaker {
    let options: TableCommand
    private(set) var rows: [BenchTable.Row] = []
    /// With one report and one claim: calls per second, bytes of a call in both directions.
    private var single: [Measured] = []
    /// Tasks per second at eight a call.
    private var eight: [Measured] = []

    init(options: TableCommand) { self.options = options }

    private mutating func add(_ row: BenchTable.Row) {
        rows.append(row)
        let median = row.median.map { "\(BenchTable.short($0)) \(row.unit)" } ?? "not measured"
        let text = Array("\(row.figure): \(median)\n".utf8)
        // At once, so that whoever waits sees how far it is.
        _ = text.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private func measure(_ arguments: [String]) async throws -> [Measured] {
        let shape = try options.shape(arguments)
        let loaded = try await LoadedSite(shape, name: "table")
        defer { loaded.end() }
        try loaded.warmUp(shape)
        return try (0..<options.runs).map { _ in try whole(loaded.measure(loaded.driver(shape))) }
    }

    /// - Throws: when calls were not made or not answered: then there is no figure.
    private func whole(_ measured: Measured) throws -> Measured {
        if let trouble = measured.outcome.trouble { throw Fault(.refused, trouble) }
        return measured
    }

    /// What was seen beside the figure, in the middle of the runs.
    private func note(_ all: [Measured]) -> String {
        func middle(_ value: (Measured) -> Double) -> String {
            BenchTable.median(all.map(value)).map { BenchTable.short($0) } ?? "-"
        }
        let calls = { (measured: Measured) in Double(max(1, measured.outcome.calls)) }
        let starved = all.contains { $0.unitsReady == 0 } ? "; the splitter made no more units" : ""
        let latencies =
            "p50 \(middle { $0.outcome.milliseconds(0.5) }), p99 \(middle { $0.outcome.milliseconds(0.99) }) ms"
        let (server, load) = (middle { $0.serverCPU * 1e6 / calls($0) }, middle { $0.loadCPU * 1e6 / calls($0) })
        let memory = middle { $0.serverMiB }
        return "\(latencies); CPU a call: server \(server), load \(load) us; server \(memory) MiB\(starved)"
    }

    mutating func measureServer() async throws {
        single = try await measure(["--mix", "1"])
        add(
            .init(
                "durable calls, 1 report + 1 claim", "/s", .atLeast, 15_000, runs: single.map(\.outcome.callsPerSecond),
                note: note(single)))
        eight = try await measure(["--mix", "8"])
        add(
            .init(
                "tasks, 8 a call", "/s", .atLeast, 50_000, runs: eight.map(\.outcome.tasksPerSecond), note: note(eight))
        )
        add(
            .init(
                "units validated, inline, quorum 1", "/s", .atLeast, 10_000, runs: eight.map(\.unitsPerSecond),
                note: "of the same runs, by the hash of the result"))
        let pair = ["--mix", "8", "--quorum", "2", "--volunteers", "\(min(8, options.hosts))"]
        let two = try await measure(pair)
        add(
            .init(
                "units validated, inline, quorum 2", "/s", .atLeast, 5000, runs: two.map(\.unitsPerSecond),
                note: "hosts of 8 volunteers, among whom no lot is drawn; " + note(two)))
        let blobs = try await measure(pair + ["--blobs", "--result-bytes", "1024"])
        add(
            .init(
                "units validated, 1 KB blobs, quorum 2", "/s", .atLeast, 2000, runs: blobs.map(\.unitsPerSecond),
                note: "every result is a request of its own, within the latency of its call; " + note(blobs)))
        add(
            .init(
                "bytes on the wire per no-op task", "B", .atMost, 400, runs: single.map(\.bytesPerTask),
                note: "8 a call: \(BenchTable.short(BenchTable.median(eight.map(\.bytesPerTask)) ?? .nan)) B"))
    }

    mutating func measureCreation() async throws {
        // What the target takes so long for.
        let units = Int(options.seconds * CreateCommand.target)
        let made = try await CreateCommand.measure(units: units, runs: options.runs, folder: options.folder)
        add(
            .init(
                "work units created", "/s", .atLeast, CreateCommand.target, runs: made.rates,
                note: "split, packed, signed, written, and nothing else; \(made.told)"))
    }

    mutating func measureHalf() async throws {
        let shape = try options.shape(["--mix", "1"])
        let loaded = try await LoadedSite(shape, name: "half")
        defer { loaded.end() }
        let rate = max(1, (BenchTable.median(single.map(\.outcome.callsPerSecond)) ?? 2) / 2)
        let all = try (0..<options.runs).map { _ in try whole(loaded.measure(loaded.driver(shape, rate: rate))) }
        add(
            .init(
                "p99 at half of the maximum", "ms", .atMost, 10, runs: all.map { $0.outcome.milliseconds(0.99) },
                note: "open loop, \(BenchTable.short(rate)) calls/s; \(note(all))"))
    }

    mutating func measurePostgres() async throws {
        var (found, told) = ([Measured](), "not measured: name an empty schema with --database")
        if let database = options.database {
            found = try await measure(["--mix", "1", "--database", database, "--servers", "2"])
            told = "fsync on; without the CPU of PostgreSQL; " + note(found)
        }
        add(
            .init(
                "PostgreSQL, two server processes, 1 + 1", "/s", .atLeast, 12_000,
                runs: found.map(\.outcome.callsPerSecond), note: told))
    }

    mutating func measureNginx() async throws {
        var (shares, told) = ([Double](), "not measured: name nginx with --nginx")
        if let program = options.nginx {
            // Half of the bytes each way: requests and replies are about alike.
            let bytes = Int(
                BenchTable.median(single.map { Double($0.outcome.bytes) / Double(max(1, $0.outcome.calls)) }) ?? 2)
            let peer = try await NginxPeer.run(
                program: program, folder: options.folder, requestBytes: bytes / 2, answerBytes: bytes / 2,
                runs: options.runs, seconds: options.seconds, connections: options.connections)
            let middle = BenchTable.median(peer) ?? .nan
            shares = single.map { 100 * $0.outcome.callsPerSecond / middle }
            told = "nginx answered \(BenchTable.short(middle)) POSTs/s of \(bytes) bytes both ways from the same load"
        }
        add(.init("calls as a share of nginx", "%", .atLeast, 20, runs: shares, note: told))
    }

    mutating func measureScripts() async {
        let ours = BenchTable.median(eight.map(\.outcome.tasksPerSecond)) ?? .nan
        let one = BenchTable.median(single.map(\.outcome.tasksPerSecond)) ?? .nan
        for (name, script) in [("Ray", "ray_noop.py"), ("Dask", "dask_noop.py")] {
            var (ratios, told) = ([Double](), "not measured: no Python with \(name) was named with --python")
            if let python = options.python {
                let peer = await ScriptPeer.run(
                    python: python, script: "\(options.peers)/\(script)", runs: options.runs, seconds: options.seconds,
                    limitSeconds: 60 + 2 * Double(options.runs) * options.seconds)
                ratios = peer.map { ours / $0 }
                let middle = BenchTable.median(peer) ?? .nan
                told =
                    peer.isEmpty
                    ? "not measured: \(script) does not run here"
                    : "\(name) ran \(BenchTable.short(middle)) tasks/s, not durable; with one task a call the ratio is"
                        + " \(BenchTable.short(one / middle))"
            }
            add(.init("no-op tasks, ratio to \(name)", "x", .atLeast, 20, runs: ratios, note: told))
        }
    }

    mutating func measureCrowd() async throws {
        let shape = try options.shape(["--mix", "1"])
        let loaded = try await LoadedSite(shape, name: "crowd")
        defer { loaded.end() }
        let crowd = try CrowdOptions.parse(["--idle", "\(options.idle)", "--slow", "200"])
        let found = try CrowdMeasurement(loaded: loaded, shape: shape, crowd: crowd).run()
        _ = try whole(found.alone)
        // In the crowd that is what was to be found out: the row says it, and has no figure.
        let trouble = found.among.outcome.trouble
        add(
            .init(
                "p99 in a crowd, times that alone", "x", .atMost, 1.5, runs: trouble == nil ? [found.factor] : [],
                note: "\(found.told); p99 \(BenchTable.short(found.alone.outcome.milliseconds(0.99))) and"
                    + " \(BenchTable.short(found.among.outcome.milliseconds(0.99))) ms"
                    + (trouble.map { "; honest calls: \($0)" } ?? "")))
    }
}
