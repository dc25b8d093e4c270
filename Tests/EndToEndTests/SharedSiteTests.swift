import Foundation
import PostgresServer
import Testing

/// A project that moves to PostgreSQL, goes on there with two servers, of which one is killed, and moves back.
@Suite("Two servers on one database", .placed, .serialized)
struct SharedSiteTests {
    @Test("The server with the daemons killed in the middle: the other one takes over, and nothing is lost or doubled")
    func killedInTheMiddle() async throws {
        let site = try SharedSite()
        try await site.startServer(1, isShared: false)
        let project = try SmallProject.make(in: site.folder)
        let submitted = try await site.millrace(["submit", project], at: 1)
        try #require(submitted.status == 0, "submit: \(submitted.errors)")
        try await site.stopServers()
        try await move(site, from: "sqlite:\(site.data)", to: site.database)
        let again = try await migrate(from: "sqlite:\(site.data)", to: site.database)
        #expect(again.status == 0 && again.output.contains("already"), "\(again.output) \(again.errors)")
        let stray = try await migrate(from: "sqlite:\(site.data)", to: try site.otherDatabase())
        #expect(stray.status == 78 && stray.errors.contains("moved to PostgreSQL before"), "\(stray.errors)")
        let wrong = try await Programs.run("millrace-server", ["run", "--data", site.data, "--listen", "127.0.0.1:0"])
        #expect(wrong.status != 0 && wrong.errors.contains("PostgreSQL"), "\(wrong.errors)")

        try await site.startServer(1)
        try await site.startServer(2)
        let early = try await Programs.run(
            "millrace-server", ["fsck", "--data", site.data, "--database", site.database])
        #expect(early.status == 78 && early.errors.contains("stop all servers"), "\(early.errors)")
        try await site.startClient("Ada", at: 1)
        #expect(try await eventually { try await site.json(["status", "1"], at: 2).number("tasks_done") >= 2 })
        // Whoever has the daemons dies, with jobs on its hands and answers on their way.
        let first = try #require(site.leader())
        site.servers[first]?.killNow()
        let other = 3 - first
        try await site.startClient("Grace", at: other)
        #expect(try await eventually(limitSeconds: 60) { site.leader() == other }, "\(site.logText("server-2.log"))")
        let goesOn = try await eventually {
            try await site.json(["status", "1"], at: other).number("units_validated") >= 1
        }
        #expect(goesOn, "units are validated without the server that died")
        try await site.startServer(first)
        let finished = try await site.millrace(["status", "1", "--watch"], at: first, limitSeconds: 900)
        #expect(finished.status == 0, "\(finished.output) \(finished.errors) \(site.logText("server-\(first).log"))")
        try await expectTheResult(site)
        for client in site.clients.values { #expect(await client.stop() == 0) }
        try await site.stopServers()
        try await expectOrder(site, ["--database", site.database])
        try await move(site, from: site.database, to: "sqlite:\(site.data)")
        try await expectOrder(site, [])
    }

    private func migrate(from: String, to: String) async throws -> Programs.Outcome {
        try await Programs.run("millrace-server", ["migrate", "--from", from, "--to", to])
    }

    private func move(_ site: SharedSite, from: String, to: String) async throws {
        let moved = try await migrate(from: from, to: to)
        try #require(moved.status == 0, "migrate: \(moved.output) \(moved.errors)")
        #expect(moved.output.contains("counts and hashes are equal on both sides"), "\(moved.output)")
    }

    /// The answer is the pulsar, and each valid task was paid once: both servers say the same.
    private func expectTheResult(_ site: SharedSite) async throws {
        let out = site.folder.path("answer")
        let outcome = try await site.millrace(["results", "1", "--out", out], at: 1)
        try #require(outcome.status == 0, "results: \(outcome.errors)")
        let table = try String(contentsOfFile: out + "/candidates.csv", encoding: .utf8).split(separator: "\n")
        let winner = try #require(table.dropFirst().first).split(separator: ",", omittingEmptySubsequences: false)
        #expect(abs(try #require(Double(winner[0])) - SmallProject.truthHz) < 2e-6)
        for server in 1...2 {
            let report = try await site.json(["report", "credit"], at: server)
            #expect(report["balanced"] as? Bool == true)
            let sum = report.list("hosts").reduce(0) { $0 + $1.number("microcobblestones") }
            #expect(sum == report.number("ledger_total_microcobblestones") && sum > 0)
            let validation = try await site.json(["report", "validation", "--batch", "1"], at: server)
            #expect(validation.number("units_total") == 6 && validation.number("units_agreed") == 6)
            let tasks = validation.list("units").flatMap { $0.list("tasks") }
            #expect(report.number("ledger_entries") == Double(tasks.count { $0.text("state") == "valid" }))
        }
        let key = site.data + "/log/key"
        let told = try await eventually {
            try await site.json(["ledger", "verify", site.url(2) + "/log", "--key", key], at: 2)["ok"] as? Bool == true
        }
        #expect(told, "the public log is complete")
    }

    private func expectOrder(_ site: SharedSite, _ arguments: [String]) async throws {
        let fsck = try await Programs.run("millrace-server", ["fsck", "--data", site.data, "--deep"] + arguments)
        #expect(fsck.status == 0, "fsck: \(fsck.output) \(fsck.errors)")
    }
}
