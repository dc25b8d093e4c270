import Foundation
import Testing
import WorkerHost

/// Containers that allow no namespaces have none; `SandboxTests` says what is told there.
private enum Sandbox {
    static let isThere: Bool = {
        let program = SandboxedProgram(
            name: "probe.sh", program: Array("#!/bin/sh\n".utf8), arguments: [], folders: [:], timeoutSeconds: 20,
            outputBytesMax: 1)
        return (try? program.run()) != nil
    }()
}

/// The projects that come with Millrace beside the pulsar search, whole, with the real programs and a forger.
@Suite("Proven projects", .placed, .serialized)
struct ProvenProjectTests {
    @Test("Digits that look alike, and principal components: one result a unit, no lie believed, the known answers")
    func provenProjects() async throws {
        let site = try Site()
        try await site.startServer()
        for name in ["digit-neighbours", "gram-matrix"] {
            let folder = repositoryRoot.appending(path: "projects/\(name)").path
            let submitted = try await site.millrace(["submit", folder])
            try #require(submitted.status == 0, "\(name): \(submitted.errors)")
        }
        try await site.attach("Mallory")
        try site.startClient("Mallory", worker: "forging-worker")
        let lied = try await eventually { try await site.json(["status", "1"]).number("tasks_done") >= 1 }
        #expect(lied)
        try await site.attach("Ada")
        try site.startClient("Ada", cores: 2)
        for batch in ["1", "2"] {
            let finished = try await site.millrace(["status", batch, "--watch"], limitSeconds: 900)
            #expect(finished.status == 0, "\(finished.output) \(finished.errors) \(site.logText("server.log"))")
            try await expectProofs(site, batch)
        }
        let digits = try await answer(site, "1")
        #expect(digits.number("rows") == 1797 && digits.number("pairs") == 1_613_706)
        // scikit-learn's nearest neighbour by correlation, leaving the row itself out.
        #expect((digits["nearest_neighbour"] as? [String: Any])?.number("right") == 1775)
        let components = try await answer(site, "2")
        #expect(components.number("rows") == 5000 && components.number("columns") == 784)
        try expectNumPysEigenvalues(site.folder.path("answer-2/eigenvalues.csv"))
        let credit = try await site.json(["report", "credit"])
        #expect(credit["balanced"] as? Bool == true)
        for host in credit.list("hosts") where host.text("volunteer_name") == "Mallory" {
            #expect(host.number("microcobblestones") == 0 && host.number("invalid") >= 1)
        }
        #expect(await site.server?.stop() == 0)
        let fsck = try await Programs.run("millrace-server", ["fsck", "--data", site.folder.path("server")])
        #expect(fsck.status == 0, "fsck: \(fsck.output) \(fsck.errors)")
    }

    /// The first of `golden/expected.csv`, which NumPy made.
    private func expectNumPysEigenvalues(_ path: String) throws {
        func rows(_ path: String) throws -> [[Substring]] {
            try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { $0.split(separator: ",") }
        }
        let golden = try rows(repositoryRoot.appending(path: "projects/gram-matrix/golden/expected.csv").path)
        let expected = golden.filter { $0[0].hasPrefix("columns_eigenvalue_") }
        let found = try rows(path).dropFirst()
        #expect(!expected.isEmpty && found.count >= 20)
        for row in expected {
            let component = row[0].dropFirst("columns_eigenvalue_".count)
            let value = try #require(found.first { $0[0] == component }.flatMap { Double($0[1]) })
            let right = try #require(Double(row[1]))
            #expect(abs(value - right) <= 1e-10 * right, "component \(component)")
        }
    }

    /// The manifest's own rule decides where the app's check is left out.
    @Test("validation.compare: a quorum by the manifest's rule tells where two results differ")
    func theManifestCompares() async throws {
        let site = try Site()
        try await site.startServer()
        let project = try compared(in: site.folder, "by: close, absolute: 1e-9, relative: 1e-9")
        let submitted = try await site.millrace(["submit", project])
        try #require(submitted.status == 0, "submit: \(submitted.errors)")
        for name in ["Mallory", "Ada", "Grace"] {
            try await site.attach(name)
            try site.startClient(name, worker: name == "Mallory" ? "forging-worker" : "millrace-worker")
        }
        let finished = try await site.millrace(["status", "1", "--watch"], limitSeconds: 900)
        #expect(finished.status == 0, "\(finished.output) \(finished.errors) \(site.logText("server.log"))")
        let report = try await site.json(["report", "validation", "--batch", "1"])
        let rows = report.list("units").flatMap { $0.list("tasks") }
        for row in rows where row.text("state") == "invalid" {
            #expect(row.text("volunteer_name") == "Mallory")
            // The comparator's words; the app itself speaks of rows.
            #expect(row.text("element").hasPrefix("similarities["), "\(row)")
        }
        #expect(rows.filter { $0.text("volunteer_name") == "Mallory" }.allSatisfy { $0.text("state") != "valid" })
        #expect(try await answer(site, "1").number("rows") == 1797)
    }

    @Test("validation.compare: a rule by which no two results agree is found before anything is submitted")
    func aRuleThatFitsNothing() async throws {
        let site = try Site()
        let project = try compared(in: site.folder, "", whole: "{by: lines}")
        let run = try await site.millrace(["dry-run", project])
        #expect(run.status == 1, "\(run.output) \(run.errors)")
        #expect(run.output.contains("by validation.compare no two results agree: they differ at similarities"))
        let other = try TemporaryFolder()
        let wrong = try compared(in: other, "by: close, ulps: 3")
        let lint = try await site.millrace(["lint", wrong])
        #expect(lint.status != 0 && (lint.output + lint.errors).contains("`validation.compare[].ulps` means nothing"))
    }

    /// Written with nothing but what every Debian has: equal byte for byte, or the first file that is not.
    private static let program = """
        #!/bin/sh
        test "$1" = --strict && shift || exit 2
        for file in "$1"/*; do
            cmp -s "$file" "$2/${file##*/}" || { echo "different ${file##*/} 1 0"; exit 0; }
        done
        echo same
        """

    @Test(
        "validation.compare_program: a quorum by the scientist's own program, in the sandbox",
        .enabled(if: Sandbox.isThere))
    func theProgramCompares() async throws {
        let site = try Site()
        try await site.startServer()
        let project = try compared(in: site.folder, "", replacement: Self.programKeys)
        try FileManager.default.createDirectory(atPath: project + "/tools", withIntermediateDirectories: true)
        let path = project + "/tools/compare.sh"
        try "#!/bin/sh\nexit 7\n".write(toFile: path, atomically: true, encoding: .utf8)
        let broken = try await site.millrace(["dry-run", project])
        #expect(broken.status == 65 && broken.errors.contains("compare.sh: it ended with exit code 7"), "\(broken)")
        try Self.program.write(toFile: path, atomically: true, encoding: .utf8)
        let tried = try await site.millrace(["dry-run", project])
        #expect(tried.status == 0, "\(tried.output) \(tried.errors)")
        let submitted = try await site.millrace(["submit", project])
        try #require(submitted.status == 0, "submit: \(submitted.errors)")
        for name in ["Mallory", "Ada", "Grace"] {
            try await site.attach(name)
            try site.startClient(name, worker: name == "Mallory" ? "forging-worker" : "millrace-worker")
        }
        let finished = try await site.millrace(["status", "1", "--watch"], limitSeconds: 900)
        #expect(finished.status == 0, "\(finished.output) \(finished.errors) \(site.logText("server.log"))")
        let report = try await site.json(["report", "validation", "--batch", "1"])
        for row in report.list("units").flatMap({ $0.list("tasks") }) where row.text("volunteer_name") == "Mallory" {
            #expect(row.text("state") != "valid")
            if row.text("state") == "invalid" { #expect(row.text("element") == "0.float64", "\(row)") }
        }
        #expect(try await answer(site, "1").number("rows") == 1797)
    }

    @Test(
        "A comparing program that always fails blames nobody: the batch ends without agreement, and says why",
        .enabled(if: Sandbox.isThere))
    func theProgramFails() async throws {
        let site = try Site()
        try await site.startServer()
        let keys = "rule: quorum\n  compare_program: tools/compare.sh"
        let project = try compared(in: site.folder, "", replacement: keys, maxTotal: 3)
        try FileManager.default.createDirectory(atPath: project + "/tools", withIntermediateDirectories: true)
        try "#!/bin/sh\necho cannot >&2\nexit 5\n"
            .write(toFile: project + "/tools/compare.sh", atomically: true, encoding: .utf8)
        let submitted = try await site.millrace(["submit", project])
        try #require(submitted.status == 0, "submit: \(submitted.errors)")
        for name in ["Mallory", "Ada", "Grace"] {
            try await site.attach(name)
            try site.startClient(name, worker: name == "Mallory" ? "forging-worker" : "millrace-worker")
        }
        let ended = try await site.millrace(["status", "1", "--watch"], limitSeconds: 900)
        #expect(ended.status == 1, "\(ended.output) \(ended.errors)")
        let report = try await site.json(["report", "validation", "--batch", "1"])
        let states = report.list("units").flatMap { $0.list("tasks") }.map { $0.text("state") }
        #expect(states.contains("inconclusive") && !states.contains("invalid"), "\(states)")
        #expect(site.logText("server.log").contains("compare.sh: it ended with exit code 5: cannot"))
    }

    private static let programKeys =
        "rule: quorum\n  compare_program: tools/compare.sh\n  compare_arguments: --strict\n  compare_time: 10 s"

    /// The digits' project by quorum, without the app's check.
    private func compared(
        in folder: TemporaryFolder, _ rule: String, whole: String? = nil, replacement: String? = nil, maxTotal: Int = 8
    ) throws -> String {
        let target = folder.url.appending(path: "project")
        try FileManager.default.copyItem(
            at: repositoryRoot.appending(path: "projects/digit-neighbours"), to: target)
        let path = target.appending(path: "project.yaml")
        let text = try String(contentsOf: path, encoding: .utf8)
            .replacing("check_each: true", with: "check_each: false")
            .replacing("max_total: 8", with: "max_total: \(maxTotal)")
            .replacing(
                "rule: check",
                with: replacement
                    ?? "rule: quorum\n  compare:\n    - \(whole ?? "{sections: similarities, \(rule)}")")
        try text.write(to: path, atomically: true, encoding: .utf8)
        return target.path
    }

    private func answer(_ site: Site, _ batch: String) async throws -> [String: Any] {
        let out = site.folder.path("answer-\(batch)")
        let outcome = try await site.millrace(["results", batch, "--out", out])
        try #require(outcome.status == 0, "results: \(outcome.errors)")
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: out + "/summary.json")))
        return try #require(json as? [String: Any])
    }

    private func expectProofs(_ site: Site, _ batch: String) async throws {
        let report = try await site.json(["report", "validation", "--batch", batch])
        for unit in report.list("units") {
            let rows = unit.list("tasks")
            #expect(rows.count { $0.text("state") == "valid" } == 1, "\(unit)")
            for row in rows where row.text("volunteer_name") == "Mallory" {
                #expect(row.text("state") != "valid", "\(row)")
            }
        }
    }
}
