import ClientCore
import ClientSystem
import Domain
import FoundationEssentials
import Testing
import WorkerHost

@Suite("millrace-client probes")
struct ProbesCommandTests {
    @Test("The real program shows a line for every probe, and the same for programs")
    func shows() throws {
        try #require(Files.exists(XvfbTests.client), "build the product millrace-client first")
        let folder = try TemporaryFolder()
        try folder.write("price", "no, it is dear\n")
        let arguments = [
            "probes", "--permission-file", "\(folder.path)/price", "--wait-seconds", "300", "--data", folder.path,
        ]
        let text = try ShortCommand.run([XvfbTests.client] + arguments, timeLimitSeconds: 400)
        #expect(text.exit?.code == 0)
        let lines = text.output.split(separator: "\n")
        #expect(lines.count == ProbeKind.allCases.count)
        for (line, kind) in zip(lines, ProbeKind.allCases) { #expect(line.hasPrefix(kind.rawValue)) }
        #expect(lines.last?.contains("not given: it is dear, ") == true)

        let json = try ShortCommand.run([XvfbTests.client] + arguments + ["--json"], timeLimitSeconds: 400)
        let report = try JSONDecoder().decode(ProbeReport.self, from: Data(json.output.utf8))
        #expect(report.rows.map(\.name) == ProbeKind.allCases.map(\.rawValue))
        let permission = try #require(report.rows.last)
        #expect(permission.isAvailable && permission.value == "not given: it is dear")
        #expect((0...400_000).contains(permission.ageMs))
    }

    @Test("Programs and the file of the preferences are looked at; the command line comes first")
    func preferences() throws {
        try #require(Files.exists(XvfbTests.client), "build the product millrace-client first")
        let folder = try TemporaryFolder()
        try folder.write("price", "no, it is dear\n")
        try folder.write("other", "yes, the sun shines\n")
        // This process and its like run for sure.
        let own = String(try #require(CommandLine.arguments.first?.split(separator: "/").last))
        try folder.write(
            "preferences.yaml",
            "pause:\n  exclusive_programs: [\"\(own)\"]\npermission:\n  file: \(folder.path)/price\n")
        func rows(_ more: [String]) throws -> [String: String] {
            let arguments = ["probes", "--wait-seconds", "300", "--json", "--data", folder.path] + more
            let json = try ShortCommand.run([XvfbTests.client] + arguments, timeLimitSeconds: 400)
            let report = try JSONDecoder().decode(ProbeReport.self, from: Data(json.output.utf8))
            return [String: String](uniqueKeysWithValues: report.rows.map { ($0.name, $0.value) })
        }
        let kept = try rows([])
        #expect(kept[ProbeKind.permission.rawValue] == "not given: it is dear")
        #expect(kept[ProbeKind.exclusiveProgram.rawValue]?.contains(own) == true, "\(kept)")
        let given = try rows(["--permission-file", "\(folder.path)/other", "--program", "no-such-program"])
        #expect(given[ProbeKind.permission.rawValue] == "given: the sun shines")
        #expect(given[ProbeKind.exclusiveProgram.rawValue]?.contains(own) == false)
    }

    @Test("Arguments that make no sense are refused")
    func refuses() throws {
        try #require(Files.exists(XvfbTests.client), "build the product millrace-client first")
        for arguments in [["--wait-seconds", "0"], ["--wait-seconds", "x"], ["extra"]] {
            let outcome = try ShortCommand.run([XvfbTests.client, "probes"] + arguments, timeLimitSeconds: 300)
            #expect(outcome.exit?.code == 64)
        }
    }
}
