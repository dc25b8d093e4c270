import Foundation
import Testing

/// A volunteer leaves with work on the desk.
@Suite("Leaving", .placed, .serialized)
struct LeavingTests {
    @Test("Detach gives unfinished tasks back, and others need not wait for their deadlines")
    func givesTasksBack() async throws {
        let site = try Site()
        try await site.startServer()
        let project = try SmallProject.make(in: site.folder, quorum: 1, deadline: "5 days")
        let submitted = try await site.millrace(["submit", project])
        try #require(submitted.status == 0, "submit: \(submitted.errors)")
        try await site.attach("Ada")
        try site.startClient("Ada")
        #expect(try await eventually { try await inProgress(site, "Ada") > 0 })
        #expect(await site.clients["Ada"]?.stop() == 0)
        let held = try await inProgress(site, "Ada")
        let detached = try await Programs.run(
            "millrace-client", ["detach", "--data", site.folder.path("Ada"), "--force"])
        #expect(detached.status == 0, "\(detached.errors)")
        let lines = detached.output.split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("given back: task ") } + lines.count { $0.hasPrefix("lost: ") } == Int(held))
        #expect(lines.contains { $0.hasPrefix("given back: task ") }, "\(detached.output)")
        // A result that was finished in the last moment, and lost by --force, is all that the server may wait for.
        let waits = lines.count { $0.hasPrefix("lost: ") }
        #expect(try await inProgress(site, "Ada") == Double(waits))
        try #require(waits == 0, "no task was finished: a unit takes longer than it took to stop")
        try await site.attach("Grace")
        try site.startClient("Grace", cores: 2)
        let finished = try await site.millrace(["status", "1", "--watch"], limitSeconds: 900)
        #expect(finished.status == 0, "\(finished.output) \(site.logText("server.log"))")
        let report = try await site.json(["report", "credit"])
        for host in report.list("hosts") { #expect(host.number("errors") == 0) }
    }

    @Test("Detach without a server says so, and leaves all the same")
    func withoutServer() async throws {
        let site = try Site()
        try await site.startServer()
        let project = try SmallProject.make(in: site.folder, quorum: 1, deadline: "5 days")
        try #require(try await site.millrace(["submit", project]).status == 0)
        try await site.attach("Ada")
        try site.startClient("Ada")
        #expect(try await eventually { try await inProgress(site, "Ada") > 0 })
        site.server?.killNow()
        #expect(await site.clients["Ada"]?.stop() == 0)
        let folder = site.folder.path("Ada")
        let attachment = site.projectFolder("Ada")
        let detached = try await Programs.run("millrace-client", ["detach", "--data", folder, "--force"])
        #expect(detached.status == 0, "\(detached.errors)")
        #expect(detached.output.contains("the server could not be told"), "\(detached.output)")
        #expect(!FileManager.default.fileExists(atPath: attachment + "/identity.json"))
    }

    @Test("A host stays with its first volunteer, and attach says so")
    func staysWithItsVolunteer() async throws {
        let site = try Site()
        try await site.startServer()
        try await site.attach("Ada")
        let again = try await Programs.run(
            "millrace-client", ["attach", site.url, "--name", "Countess", "--data", site.folder.path("Ada")])
        #expect(again.status == 0 && again.output.contains("this host is Ada's"), "\(again.output)")
        #expect(again.output.contains("attached as host 1 of Ada;"), "\(again.output)")
        let identity = try String(contentsOfFile: site.projectFolder("Ada") + "/identity.json", encoding: .utf8)
        #expect(identity.contains("Ada") && !identity.contains("Countess"))
    }

    private func inProgress(_ site: Site, _ name: String) async throws -> Double {
        let hosts = try await site.json(["report", "credit"]).list("hosts")
        return hosts.first { $0.text("volunteer_name") == name }?.number("in_progress") ?? 0
    }
}
