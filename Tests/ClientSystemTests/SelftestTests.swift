import ClientSystem
import Domain
import Glibc
import TestChild
import Testing
import WorkerHost

/// `millrace-client sandbox selftest` with the real worker: every way out is tried in both sandboxes and without any.
@Suite("Ways out of the sandbox", .enabled(if: Files.exists(WorkerProgramFixture.worker)))
struct SelftestTests {
    @Test("All are denied in both sandboxes, and the way is there without one")
    func denied() throws {
        let report = try SandboxSelftest(worker: WorkerProgramFixture.worker).run()
        for row in report.rows {
            #expect(row.outcome == .denied, "\(row.name) in the sandbox of \(row.sandbox)s: \(row.how)")
            #expect(!row.isWorthless, "\(row.name): without a sandbox \(row.controlHow ?? "not tried")")
            #expect(!row.how.isEmpty)
        }
        for sandbox in EscapeProbe.Sandbox.allCases where report.lacking[sandbox.rawValue] == nil {
            let tried = report.rows.filter { $0.sandbox == sandbox }.map(\.name)
            #expect(tried.count >= 25 && Set(tried).count == tried.count)
            #expect(tried == EscapeProbe.all.filter { $0.sandboxes.contains(sandbox) }.map(\.name))
        }
        #expect(report.exitCode == (report.lacking.isEmpty ? 0 : 78))
        let lines = SandboxText.lines(report)
        #expect(lines.count >= report.rows.count + 2)
        #expect(lines.last?.hasSuffix(" 0 open") == true, "\(lines.last ?? "")")
    }

    @Test("The same as an ordinary user", .enabled(if: geteuid() == 0))
    func asNobody() throws {
        let client = Files.parent(of: WorkerLocator.ownPath()) + "/millrace-client"
        let folder = try TemporaryFolder()
        let script = try folder.script(
            "as-nobody",
            "exec setpriv --reuid 65534 --regid 65534 --clear-groups env TMPDIR=/tmp HOME=/tmp "
                + "'\(client)' sandbox selftest --json > '\(folder.path)/report' 2> '\(folder.path)/errors'")
        let child = TestChild()
        try child.run(script, [], outputPath: folder.path + "/out", errorPath: folder.path + "/out")
        let status = child.terminationStatus
        let report = try folder.text("report")
        // A build folder that nobody but root may enter cannot be tested so.
        guard !report.isEmpty else {
            let errors = try folder.text("errors")
            #expect([1, 126, 127].contains(status), "\(errors)")
            return
        }
        let bad = report.split(separator: "\n").filter { $0.contains("isWorthless\" : true") }
        #expect(status == 0 || status == 78, "\(bad)")
        #expect(!report.contains(#""outcome" : "open""#), "\(report)")
        #expect(!report.contains(#""isWorthless" : true"#), "\(report)")
    }

    @Test("A probe that hangs, crashes, or is ended by what it does not name shows nothing, and counts as open")
    func ends() throws {
        let said = Array(#"{"outcome":"denied","how":"connect: EPERM"}"#.utf8)
        func kernel(_ output: [UInt8], code: Int32? = 0, signal: Int32? = nil, wasCut: Bool = false) -> EscapeFinding {
            ProbeVerdict.ofKernel(
                output: output, exit: ChildExit(code: code, signal: signal, cpuSeconds: 0), wasCut: wasCut, words: "")
        }
        #expect(kernel(said) == EscapeFinding(.denied, "connect: EPERM"))
        for open in [
            kernel([]), kernel(said, code: 1), kernel([], code: nil, signal: SIGSEGV),
            kernel(said, code: nil, signal: SIGKILL, wasCut: true), kernel(said, wasCut: true),
        ] { #expect(open.outcome == .open, "\(open)") }

        let many = try #require(EscapeProbe.all.first { $0.name == "disk-fill-many" })
        let plain = try #require(EscapeProbe.all.first { $0.name == "ipv4" })
        func program(
            _ probe: EscapeProbe, _ output: [UInt8], _ cause: EnclosedRun.End.Cause, wasCut: Bool = false
        ) -> EscapeFinding {
            ProbeVerdict.ofProgram(probe, output: output, cause: cause, wasCut: wasCut, words: "")
        }
        #expect(program(plain, said, .code(0)).outcome == .denied)
        #expect(program(many, [], .output("too much")) == EscapeFinding(.denied, "ended: too much"))
        for open in [
            program(plain, [], .code(0)), program(plain, said, .code(1)), program(plain, said, .signal(SIGSEGV)),
            program(plain, [], .output("too much")), program(many, [], .memory("too much")),
            program(many, [], .signal(SIGKILL), wasCut: true), program(plain, said, .code(0), wasCut: true),
            program(plain, [], .noSandbox("none")),
        ] { #expect(open.outcome == .open, "\(open)") }
    }

    @Test("A way that is open, or one that shows nothing, is told and makes the test fail")
    func verdicts() {
        func row(_ outcome: EscapeFinding.Outcome, worthless: Bool = false) -> SandboxSelftest.Row {
            SandboxSelftest.Row(
                name: "ipv4", tried: "connect", sandbox: .kernel, outcome: outcome, how: "it went so",
                control: .open, controlHow: nil, isWorthless: worthless)
        }
        let answer = SandboxAnswer(kernel: SandboxLayers(), program: SandboxLayers())
        func report(_ rows: [SandboxSelftest.Row], lacking: [String: String] = [:]) -> SandboxSelftest.Report {
            SandboxSelftest.Report(answer: answer, lacking: lacking, rows: rows, startSeconds: ["kernel": 0.00123])
        }
        #expect(report([row(.denied)]).exitCode == 0)
        #expect(report([row(.absent)]).exitCode == 0)
        #expect(report([row(.denied), row(.open)]).exitCode == 1)
        #expect(report([row(.denied, worthless: true)]).exitCode == 1)
        #expect(report([row(.denied)], lacking: ["program": "landlock"]).exitCode == 78)
        #expect(report([row(.open)], lacking: ["program": "landlock"]).exitCode == 1)
        let lines = SandboxText.lines(report([row(.open)], lacking: ["program": "landlock"]))
        #expect(lines.contains { $0.hasPrefix("BAD  ipv4") && $0.contains("open: it went so") })
        #expect(lines.contains { $0.contains("it lacks landlock") })
        #expect(lines.contains("start of a kernel takes 1.2 ms longer by its sandbox"))
    }
}
