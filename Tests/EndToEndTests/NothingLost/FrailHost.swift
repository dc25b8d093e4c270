import Foundation
import TestChild
import Testing

/// A volunteer's computer on which everything may go wrong: one real client that talks to a real server through a
/// relay, and a project of six tiny work units, one task each.
final class FrailHost {
    static let units = 6
    let site: Site
    let relay: Relay
    private(set) var client: Running?
    /// Of the clients; nil: the real time.
    var clock: FakedClock?

    var data: String { site.folder.path("Ada") }
    var log: String { site.logText("Ada.log") }

    /// Starts the server, submits, attaches.
    ///
    /// - Parameter steps: of a unit, each some 50 ms of a core.
    init(serverEnvironment: [String: String] = [:], steps: Int = 1) async throws {
        site = try Site()
        site.serverEnvironment = serverEnvironment
        try await site.startServer()
        let manifest = SmallProject.manifest(
            quorum: 1, deadline: "1 h", steps: steps, ratios: steps - 1, maxHz: 192 + 8 * Self.units)
        let project = try SmallProject.make(in: site.folder, manifest: manifest)
        let submitted = try await site.millrace(["submit", project])
        try #require(submitted.status == 0, "submit: \(submitted.errors)")
        relay = try Relay(to: site.url)
        let attached = try await Programs.run(
            "millrace-client", ["attach", relay.url, "--name", "Ada", "--data", data])
        try #require(attached.status == 0, "attach: \(attached.errors)")
    }

    deinit { client?.killNow() }

    /// Starts the client on its folder, or on another one, as a copy of it.
    func start(on folder: String? = nil, log: String = "Ada.log", cores: Int = 2) throws {
        client = try Running(
            "millrace-client",
            ["run", "--always", "--cores", "\(cores)", "--buffer-seconds", "100000", "--data", folder ?? data],
            environment: ["MILLRACE_WORKER": Programs.path("millrace-worker")]
                .merging(clock?.environment ?? [:]) { $1 },
            outputPath: site.folder.path(log), errorPath: site.folder.path(log))
    }

    var hasEnded: Bool { client?.process.isRunning != true }

    /// SIGTERM. - Returns: the exit code.
    func stop() async -> Int32 { await client?.stop() ?? -1 }

    /// The client and every worker of it, as when the power goes.
    func killAll() {
        guard let client else { return }
        let workers = Self.children(of: client.pid)
        client.killNow()
        for worker in workers { kill(worker, SIGKILL) }
    }

    static func children(of process: Int32) -> [Int32] {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
        let direct = threads.flatMap { thread in
            let path = "/proc/\(process)/task/\(thread)/children"
            return ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: " ")
                .compactMap { Int32($0) }
        }
        return direct + direct.flatMap { children(of: $0) }
    }

    /// Puts the client on all tasks, then takes the server away; all of them are finished when it returns.
    func finishAllWhileServerIsAway() async throws {
        try start()
        try await holdAll()
        relay.set(.refuses)
        try await finishAll()
    }

    /// Waits until it holds all tasks, or has finished and reported some of them already.
    ///
    /// - Parameter folder: of the client; nil: its own.
    func holdAll(in folder: String? = nil) async throws {
        let holds = try await eventually {
            let reported = Int(try await reported())
            return held(in: folder ?? data).count + reported >= Self.units
        }
        try #require(holds, "it was given no work: \(log)")
    }

    func finishAll() async throws {
        let isDone = try await eventually(limitSeconds: 900) { finished(in: data) == held(in: data) }
        try #require(isDone, "not finished: \(held(in: data).subtracting(finished(in: data))) \(log)")
    }

    /// Lines of a client's log that say that a task failed.
    static func failures(in log: String) -> [Substring] {
        log.split(separator: "\n").filter { $0.contains(" task ") && $0.contains(" failed: ") }
    }

    // MARK: What lies there

    static func project(in data: String) -> String {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: data + "/projects")) ?? []
        return data + "/projects/" + (names.filter { !$0.contains(".damaged") && !$0.hasSuffix(".leave") }.min() ?? "")
    }

    /// Tasks that have a folder with a work unit in it.
    func held(in data: String) -> Set<String> { tasks(in: data, having: "unit") }

    /// Tasks whose complete result lies there.
    func finished(in data: String) -> Set<String> { tasks(in: data, having: "result") }

    private func tasks(in data: String, having file: String) -> Set<String> {
        let slots = Self.project(in: data) + "/slots"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: slots)) ?? []
        return Set(
            names.filter { Int64($0) != nil && FileManager.default.fileExists(atPath: "\(slots)/\($0)/\(file)") })
    }

    /// Sets a client to work on the folder until it has got rid of these tasks: it does so by a receipt only, or when
    /// it says what became of them.
    func reports(_ tasks: Set<String>, in folder: String, log: String) async throws {
        try start(on: folder, log: log)
        // One that is told to end before it listens to that has an exit code of its own.
        let isDone = try await eventually {
            site.logText(log).contains("sandbox:") && finished(in: folder).isDisjoint(with: tasks)
        }
        #expect(isDone, "not reported: \(finished(in: folder).intersection(tasks)): \(site.logText(log))")
        #expect(await stop() == 0, "\(site.logText(log))")
    }

    // MARK: What the server says

    /// Results that it has taken from this host.
    func reported() async throws -> Double {
        let report = try await site.json(["report", "validation", "--batch", "1"])
        return report.list("units").reduce(0) { sum, unit in
            sum + Double(unit.list("tasks").count { !["unsent", "sent", "expired"].contains($0.text("state")) })
        }
    }

    /// Every unit is agreed by exactly one valid task, nothing failed, and the books balance: nothing was lost, nothing
    /// was credited twice.
    ///
    /// - Parameter isLate: deadlines have passed: the server has counted that, and made further tasks.
    func expectAllValidOnce(isLate: Bool = false) async throws {
        let ended = try await eventually(limitSeconds: 900) {
            try await site.json(["status", "1"]).number("units_validated") == Double(Self.units)
        }
        #expect(ended, "\(log) \(site.logText("server.log"))")
        let report = try await site.json(["report", "validation", "--batch", "1"])
        for unit in report.list("units") {
            let states = unit.list("tasks").map { $0.text("state") }
            #expect(states.count { $0 == "valid" } == 1 && (isLate || states.count == 1), "\(unit)")
        }
        let credit = try await site.json(["report", "credit"])
        let host = try #require(credit.list("hosts").first)
        #expect(credit.list("hosts").count == 1 && host.number("valid") == Double(Self.units), "\(credit)")
        #expect(host.number("invalid") == 0 && (isLate || host.number("errors") == 0), "\(credit)")
        #expect(credit["balanced"] as? Bool == true)
        #expect(host.number("microcobblestones") == credit.number("issued_microcobblestones"))
    }
}
