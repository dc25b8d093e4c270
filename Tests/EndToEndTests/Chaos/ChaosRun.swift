import Foundation
import PostgresServer
import Testing

/// A server and three volunteers compute two batches, while somebody kills them, or nobody.
final class ChaosRun {
    let site: Site
    static let names = ["Ada", "Grace", "Edsger"]
    private let projects: ChaosProjects
    /// Where its rows are, unless in SQLite; nil as well for one that nobody kills.
    private let database: PostgresServer?
    private let isTold: Bool
    /// What was killed and where, for whoever must find out why.
    private(set) var diary: [String] = []

    /// - Parameters:
    ///   - database: is killed too.
    ///   - isTold: print each kill as it happens.
    init(
        _ projects: ChaosProjects, database: PostgresServer? = nil,
        isTold: Bool = false
    ) throws {
        (self.projects, self.database, self.isTold) = (projects, database, isTold)
        let own = try database.map { ["--database", $0.uri(schema: try $0.makeSchema())] } ?? []
        site = try Site(serverArguments: own)
    }

    var victims: [Victims] {
        [.server(site), .clients(site, Self.names)] + (database.map { [.database($0)] } ?? [])
    }

    func start() async throws {
        try await site.startServer()
        for folder in try projects.make(in: site.folder) {
            let submitted = try await site.millrace(["submit", folder])
            try #require(submitted.status == 0, "submit: \(submitted.errors)")
        }
        for name in Self.names {
            try await site.attach(name)
            try site.startClient(name)
        }
    }

    /// Kills as the plan says, one after the other.
    func suffer(_ plan: KillPlan) async throws {
        let victims = victims
        for kill in plan.kills {
            // All may be over sooner than planned on a fast machine: then who rests is killed.
            _ = try await eventually(limitSeconds: 600) { try await validated() >= kill.afterUnits }
            try await carryOut(kill, victims[kill.kind])
        }
    }

    private func carryOut(_ kill: Kill, _ victims: Victims) async throws {
        let which = kill.which % victims.count
        var pid = try await victims.pid(which)
        var told = "\(victims.plan.name) \(which) "
        switch kill.moment {
        case .after(let milliseconds):
            try await Task.sleep(for: .milliseconds(milliseconds))
            told += "after \(milliseconds) ms"
        case .starting(let milliseconds):
            try await victims.kill(which, pid)
            try victims.launch(which)
            try await Task.sleep(for: .milliseconds(milliseconds))
            pid = try await victims.pid(which)
            told += "and again \(milliseconds) ms after its start"
        case .whenTouched(let folder, let times):
            let path = victims.folder(which) + (folder.isEmpty ? "" : "/" + folder)
            // Answers are assembled once: that is waited for longer.
            let happened = await FolderWatch.kill(
                pid, after: times, at: path,
                limitMilliseconds: folder == victims.plan.lastFolder ? 10_000 : 3000)
            told += "at change \(times) of \(folder.isEmpty ? "its folder" : folder)" + (happened ? "" : ", waited for")
        }
        try await victims.kill(which, pid)
        diary.append(told)
        if isTold { print("kill \(diary.count), \(kill.afterUnits) units: \(told)") }
        try await Task.sleep(for: .milliseconds(kill.downMilliseconds))
        try victims.launch(which)
        try await victims.ready(which)
    }

    /// Units of both batches; 0 while the server does not answer.
    private func validated() async throws -> Int {
        var sum = 0.0
        for batch in ["1", "2"] {
            let outcome = try await site.millrace(["status", batch, "--json"], limitSeconds: 20)
            let object = try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
            sum += object?.number("units_validated") ?? 0
        }
        return sum.isFinite ? Int(sum) : 0
    }

    /// Waits for both batches. - Returns: the files of both answers.
    func answers(limitSeconds: Double) async throws -> [String: Data] {
        var files: [String: Data] = [:]
        for batch in ["1", "2"] {
            let ended = try await site.millrace(["status", batch, "--watch"], limitSeconds: limitSeconds)
            try #require(
                ended.status == 0, "\(ended.output) \(ended.errors) \(site.logText("server.log").suffix(3000))")
            let out = site.folder.path("answer-\(batch)")
            let outcome = try await site.millrace(["results", batch, "--out", out])
            try #require(outcome.status == 0, "results: \(outcome.errors)")
            for name in try FileManager.default.contentsOfDirectory(atPath: out) {
                files["\(batch)/\(name)"] = try Data(contentsOf: URL(filePath: out + "/" + name))
            }
        }
        return files
    }

    /// Ends clients and server in order.
    func stop() async {
        for client in site.clients.values { #expect(await client.stop() == 0) }
        #expect(await site.server?.stop() == 0)
    }
}
