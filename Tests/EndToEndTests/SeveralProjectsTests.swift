import Foundation
import TestChild
import Testing

/// One client that works for two sites, with the real programs.
@Suite("One client, several projects", .placed, .serialized)
struct SeveralProjectsTests {
    /// Attaches a client of the first site to the second one.
    private func attach(_ name: String, of site: Site, to other: Site) async throws {
        let outcome = try await Programs.run(
            "millrace-client", ["attach", other.url, "--name", name, "--data", site.folder.path(name)])
        try #require(outcome.status == 0, "attach: \(outcome.errors)")
    }

    private func status(_ site: Site, _ name: String) async throws -> [String: Any] {
        let outcome = try await Programs.run(
            "millrace-client", ["status", "--json", "--data", site.folder.path(name)])
        let object = try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        return object as? [String: Any] ?? [:]
    }

    private func submit(_ site: Site) async throws {
        let project = try SmallProject.make(in: site.folder, quorum: 1, deadline: "5 days")
        let submitted = try await site.millrace(["submit", project])
        try #require(submitted.status == 0, "submit: \(submitted.errors)")
    }

    private func validated(_ site: Site) async throws -> Double {
        try await site.json(["status", "1"]).number("units_validated")
    }

    @Test("Two sites' units are computed in turn on one core, and both give credit")
    func twoSites() async throws {
        let (one, two) = (try Site(), try Site())
        for site in [one, two] {
            try await site.startServer()
            try await submit(site)
        }
        try await one.attach("Ada")
        try await attach("Ada", of: one, to: two)
        try one.startClient("Ada")
        // Neither waits until the other is done.
        #expect(
            try await eventually {
                let (first, second) = (try await validated(one), try await validated(two))
                return first > 0 && second > 0
            }, "\(one.logText("Ada.log"))")
        for site in [one, two] {
            let finished = try await site.millrace(["status", "1", "--watch"], limitSeconds: 600)
            #expect(finished.status == 0, "\(finished.output) \(one.logText("Ada.log"))")
        }
        let both = try await status(one, "Ada").list("projects")
        #expect(both.map { $0.text("server") }.sorted() == [one.url, two.url].sorted())
        #expect(
            try await eventually {
                try await status(one, "Ada").list("projects").allSatisfy { $0.number("creditCobblestones") > 0 }
            })
        // A host is not the same to both: each has a key of its own.
        let projects = one.folder.path("Ada/projects")
        let keys = try FileManager.default.contentsOfDirectory(atPath: projects).map {
            try String(contentsOfFile: "\(projects)/\($0)/host.key", encoding: .utf8)
        }
        #expect(Set(keys).count == 2)
        #expect(await one.clients["Ada"]?.stop() == 0)
    }

    @Test("A site that is away, and a project whose key is lost, leave the good one alone; put right, they work")
    func brokenBesideGood() async throws {
        let (good, bad) = (try Site(), try Site())
        for site in [good, bad] {
            try await site.startServer()
            try await submit(site)
        }
        try await good.attach("Ada")
        let before = good.projectFolder("Ada")
        try await attach("Ada", of: good, to: bad)
        let projects = good.folder.path("Ada/projects")
        let other = try FileManager.default.contentsOfDirectory(atPath: projects).map { "\(projects)/\($0)" }
            .first { $0 != before }
        let key = try #require(other) + "/host.key"
        let text = try String(contentsOfFile: key, encoding: .utf8)
        try "damaged".write(toFile: key, atomically: false, encoding: .utf8)
        bad.server?.killNow()
        try good.startClient("Ada")
        let finished = try await good.millrace(["status", "1", "--watch"], limitSeconds: 600)
        #expect(finished.status == 0, "\(finished.output) \(good.logText("Ada.log"))")
        let states = try await status(good, "Ada").list("projects").map { $0.text("state") }
        #expect(states.sorted() == ["set aside", "working"])
        try text.write(toFile: key, atomically: false, encoding: .utf8)
        try await bad.startServer()
        let later = try await bad.millrace(["status", "1", "--watch"], limitSeconds: 600)
        #expect(later.status == 0, "\(later.output) \(good.logText("Ada.log"))")
        #expect(await good.clients["Ada"]?.stop() == 0)
    }

    @Test("Attached and detached beside a running client, a project comes and goes; its tasks are given back")
    func comesAndGoes() async throws {
        let (one, two) = (try Site(), try Site())
        for site in [one, two] { try await site.startServer() }
        try await submit(two)
        try await one.attach("Ada")
        try one.startClient("Ada")
        try await attach("Ada", of: one, to: two)
        #expect(try await eventually { try await validated(two) > 0 }, "\(one.logText("Ada.log"))")
        let data = one.folder.path("Ada")
        let unclear = try await Programs.run("millrace-client", ["detach", "--data", data])
        #expect(unclear.status == 64 && unclear.errors.contains("2 projects"), "\(unclear.errors)")
        let left = try await Programs.run("millrace-client", ["detach", two.url, "--force", "--data", data])
        #expect(left.status == 0, "\(left.output) \(left.errors)")
        #expect(one.clients["Ada"]?.process.isRunning == true)
        let listed = try await Programs.run("millrace-client", ["projects", "--data", data])
        #expect(listed.output.split(separator: "\n").count == 1 && listed.output.contains(one.url), "\(listed.output)")
        let hosts = try await two.json(["report", "credit"]).list("hosts")
        #expect(hosts.first?.number("in_progress") == 0)
        #expect(await one.clients["Ada"]?.stop() == 0)
    }
}
