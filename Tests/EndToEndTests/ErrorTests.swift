import Foundation
import Testing

/// What bad input gets from the real programs: one clear message, a status of its own, nothing lost.
@Suite("Bad input, real programs", .placed)
struct ErrorTests {
    @Test("A manifest with ten faults is refused with all ten, each with its place")
    func tenFaults() async throws {
        let folder = try TemporaryFolder()
        let text = """
            name: Bad Name
            title: 7
            science_aria: astronomy
            licence: Nobody-9
            app: gamma-pulsr
            inputs: []
            split:
              steps_per_unit: 0
            replication:
              quorum: 3
              initial: 2
              max_total: many
              deadline: -5 s
            resources:
              memory: 12 parsecs
            """
        try text.write(toFile: folder.path("project.yaml"), atomically: true, encoding: .utf8)
        let outcome = try await Programs.run("millrace", ["lint", folder.path("project.yaml")])
        #expect(outcome.status == 1)
        let places = (outcome.output + outcome.errors).matches(of: /project\.yaml:\d+:\d+/)
        #expect(places.count >= 10, "\(outcome.output) \(outcome.errors)")
    }

    @Test("A server that is down is named, with status 69")
    func serverDown() async throws {
        let folder = try TemporaryFolder()
        let attach = try await Programs.run(
            "millrace-client", ["attach", "http://127.0.0.1:9", "--name", "Ada", "--data", folder.path("c")])
        #expect(attach.status == 69)
        #expect(attach.errors.contains("127.0.0.1:9"))
        try "token".write(toFile: folder.path("token"), atomically: true, encoding: .utf8)
        let status = try await Programs.run(
            "millrace", ["status", "--server", "http://127.0.0.1:9", "--token-file", folder.path("token")])
        #expect(status.status == 69)
    }

    @Test("A port in use is named, with status 71")
    func portInUse() async throws {
        let site = try Site()
        try await site.startServer()
        let listen = String(site.url.dropFirst("http://".count))
        let outcome = try await Programs.run(
            "millrace-server", ["run", "--data", site.folder.path("other"), "--listen", listen])
        #expect(outcome.status == 71, "\(outcome.output) \(outcome.errors)")
        #expect((outcome.output + outcome.errors).contains(listen))
    }

    @Test("A data directory in use, and one of a newer version, are refused with status 78")
    func dataDirectory() async throws {
        let site = try Site()
        try await site.startServer()
        let second = try await Programs.run(
            "millrace-server", ["run", "--data", site.folder.path("server"), "--listen", "127.0.0.1:0"])
        #expect(second.status == 78, "\(second.output) \(second.errors)")
        #expect(await site.server?.stop() == 0)
        try "999\n".write(toFile: site.folder.path("server/version"), atomically: true, encoding: .utf8)
        let newer = try await Programs.run(
            "millrace-server", ["run", "--data", site.folder.path("server"), "--listen", "127.0.0.1:0"])
        #expect(newer.status == 78, "\(newer.output) \(newer.errors)")
    }

    @Test("A wrong token is refused with status 77")
    func wrongToken() async throws {
        let site = try Site()
        try await site.startServer()
        let token = site.folder.path("token")
        try "wrong".write(toFile: token, atomically: true, encoding: .utf8)
        let outcome = try await Programs.run(
            "millrace", ["report", "credit", "--server", site.url, "--token-file", token])
        #expect(outcome.status == 77, "\(outcome.output) \(outcome.errors)")
    }

    @Test(
        "Unknown words on the command line give usage and status 64",
        arguments: [
            "millrace", "millrace-server", "millrace-client",
        ])
    func usage(program: String) async throws {
        let outcome = try await Programs.run(program, ["frobnicate"])
        #expect(outcome.status == 64)
        #expect(outcome.errors.lowercased().contains("usage"))
    }

    @Test(
        "A password among the arguments is refused, and not repeated",
        arguments: [
            ["run", "--data", "/nowhere", "--database", "postgres://me:hush@localhost/x"],
            ["run", "--data", "/nowhere", "--database", "host=/tmp password=hush"],
            ["migrate", "--from", "sqlite:/nowhere", "--to", "postgres://me:hush@localhost/x"],
            ["migrate", "--from", "postgres:host=/tmp password=hush", "--to", "sqlite:/nowhere"],
            ["migrate", "--from", "sqlite:/nowhere", "--to", "postgres:postgres://me:hush@localhost/x"],
            ["fsck", "--data", "/nowhere", "--database", "host=/tmp password = hush"],
        ])
    func passwords(arguments: [String]) async throws {
        let outcome = try await Programs.run("millrace-server", arguments)
        #expect(outcome.status == 64 && outcome.errors.contains("PGPASSWORD"), "\(outcome.errors)")
        #expect(!outcome.errors.contains("hush") && outcome.output.isEmpty)
    }
}
