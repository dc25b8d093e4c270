import Domain
import Foundation
import Testing
import WorkerHost

/// Containers that allow no namespaces have none; `SandboxTests` says what is told there.
private enum Sandbox {
    static let isThere: Bool = {
        let answer = try? SandboxAnswer.ask(worker: Programs.path("millrace-worker"))
        return answer?.program.shortfall(of: .program) == nil && answer != nil
    }()
}

/// A project whose program its scientist wrote, from signed releases to the answer.
@Suite("Programs of scientists, with the real programs", .placed, .enabled(if: Sandbox.isThere))
struct ProgramProjectTests {
    private static let project = repositoryRoot.appending(path: "projects/mertens")

    /// A copy with fewer blocks, its releases made with keys of its own.
    private func prepare(_ site: Site) async throws -> String {
        let folder = site.folder.path("mertens")
        let manager = FileManager.default
        try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try manager.copyItem(
            at: Self.project.appending(path: "program"), to: URL(filePath: folder).appending(path: "program"))
        let manifest = try String(contentsOf: Self.project.appending(path: "project.yaml"), encoding: .utf8)
        let small = manifest.replacingOccurrences(of: "steps: 100\n", with: "steps: 20\n")
            .replacingOccurrences(of: "steps_per_unit: 10\n", with: "steps_per_unit: 5\n")
        try #require(small != manifest)
        try small.write(toFile: "\(folder)/project.yaml", atomically: true, encoding: .utf8)
        let (releases, keys) = ("\(folder)/releases", site.folder.path("keys"))
        for arguments in [
            ["init", releases, "--name", "mertens", "--keys", keys],
            ["add", "mertens", "1.0", "any=\(folder)/program/mertens.py", "--interpreter", "python3"]
                + ["--folder", releases],
            ["sign", "--keys", keys, "--folder", releases], ["publish", "--folder", releases],
        ] {
            let made = try await site.millrace(["release"] + arguments)
            try #require(made.status == 0, "release \(arguments[0]): \(made.errors)")
        }
        return folder
    }

    private func client(_ command: String, _ name: String, _ site: Site) async throws -> String {
        let outcome = try await Programs.run("millrace-client", [command, "--data", site.folder.path(name)])
        return outcome.output + outcome.errors
    }

    @Test("Released, attached to, computed in the sandbox over stops and starts, and the known answers come back")
    func wholeWay() async throws {
        let site = try Site()
        try await site.startServer()
        let project = try await prepare(site)
        let submitted = try await site.millrace(["submit", project])
        try #require(submitted.status == 0, "submit: \(submitted.errors)")
        let joined = try await Programs.run(
            "millrace-client", ["attach", site.url, "--name", "Ada", "--data", site.folder.path("Ada")])
        #expect(joined.status == 0 && joined.output.contains("release root"), "\(joined.output) \(joined.errors)")
        for name in ["Grace", "Nobody"] { try await site.attach(name) }
        try "programs: no\n".write(
            toFile: site.folder.path("Nobody/preferences.yaml"), atomically: true, encoding: .utf8)
        try site.startClient("Nobody")
        try site.startClient("Ada")
        // It is stopped in the middle of its work, and goes on.
        let begun = try await eventually { try await client("status", "Ada", site).contains("computing") }
        #expect(begun)
        #expect(await site.clients["Ada"]?.stop() == 0)
        try site.startClient("Ada")
        try site.startClient("Grace")
        let finished = try await site.millrace(["status", "1", "--watch"], limitSeconds: 900)
        #expect(finished.status == 0, "\(finished.output) \(finished.errors) \(site.logText("Ada.log"))")
        let why = try await client("why", "Nobody", site)
        #expect(why.contains("programs of scientists are not started: the preferences say `programs: no`"), "\(why)")
        try await expectAnswer(site)
        let hosts = try await site.json(["report", "credit"]).list("hosts")
        #expect(hosts.count { $0.number("microcobblestones") > 0 } == 2)
        for host in hosts where host.text("volunteer_name") == "Nobody" {
            #expect(host.number("microcobblestones") == 0)
        }
    }

    private func expectAnswer(_ site: Site) async throws {
        let folder = site.folder.path("answer")
        let results = try await site.millrace(["results", "1", "--out", folder])
        try #require(results.status == 0, "results: \(results.errors)")
        let golden = try String(contentsOf: Self.project.appending(path: "golden/sums.csv"), encoding: .utf8)
        let wanted = golden.split(separator: "\n").prefix(21)
        let files = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        let sums = try #require(files.first { $0.hasSuffix("sums.csv") }, "\(files)")
        let found = try String(contentsOfFile: "\(folder)/\(sums)", encoding: .utf8).split(separator: "\n")
        #expect(wanted.count == 21 && found.elementsEqual(wanted))
    }
}
