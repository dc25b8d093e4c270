import Console
import Domain
import Foundation
import Testing
import Wire

/// `millrace report disagreements`; what it prints for the sample stands in docs/admin.md, letter for letter.
@Suite struct DisagreementReportTests {
    private func run(
        _ part: DisagreementReportCommand.Part = .all, json: Bool = false, csv: Bool = false, batch: UInt64? = 7,
        host: UInt64? = nil, rows: UInt32 = 3, answer: StandIn.Answer
    ) throws -> (code: Int32, screen: Recorder, path: String) {
        let server = try StandIn { _ in answer }
        let client = try client(server.url)
        let recorder = Recorder(width: 200)
        let code = CommandContext(screen: recorder, asJSON: json, asCSV: csv).run { (context) throws(Fault) in
            try DisagreementReportCommand(client: client, batch: batch, host: host, rows: rows, part: part)
                .run(context)
        }
        return (code, recorder, server.requests.first?.path ?? "")
    }

    // MARK: The sample

    private static func row(_ unit: UInt64, _ task: UInt32, _ host: UInt64, _ verdict: String) -> WireDisagreementRow {
        var row = WireDisagreementRow()
        (row.batchID, row.unit, row.task, row.hostID, row.verdict) = (7, unit, task, host, verdict)
        row.label = "band \(unit)"
        (row.hostName, row.volunteerName) = names[host] ?? ("", "")
        row.fingerprint = host == 4 ? arm : intel
        return row
    }

    private static let names: [UInt64: (String, String)] = [
        1: ("lab-1", "Ada"), 2: ("den", "=HYPERLINK(\"http://evil\")"), 3: ("lab-2", "Grace, Hopper"),
        4: ("board", "Edsger"),
    ]
    private static let intel = "x86_64; FFTW 3.3.10; plan measured"
    private static let arm = "aarch64; FFTW 3.3.10; plan measured"

    private static func host(
        _ id: UInt64, agreed: UInt64, malformed: UInt64 = 0, refuted: UInt64 = 0, outvoted: UInt64 = 0,
        least: Double = 0
    ) -> WireHostEvidenceRow {
        var row = WireHostEvidenceRow()
        (row.hostID, row.agreed, row.malformed, row.refuted, row.outvoted) = (id, agreed, malformed, refuted, outvoted)
        (row.hostName, row.volunteerName) = names[id] ?? ("", "")
        row.checked = agreed + malformed + refuted + outvoted
        row.failureRateMin = least
        row.fingerprint = id == 4 ? arm : intel
        return row
    }

    private static func edge(_ counts: [UInt64]) -> WireAgreementEdge {
        var edge = WireAgreementEdge()
        (edge.hostA, edge.hostB, edge.met) = (counts[0], counts[1], counts[2])
        (edge.agreed, edge.differed, edge.bothRefused, edge.alike) = (counts[3], counts[4], counts[5], counts[6])
        return edge
    }

    private static let sample: WireDisagreementReport = {
        var report = WireDisagreementReport()
        (report.batchID, report.unitsRead, report.unitsCompared, report.disagreementsTotal) = (7, 400, 380, 21)
        var outvoted = row(25, 1, 2, "outvoted")
        (outvoted.comparedWith, outvoted.againstHostIds) = ("7.25#0", [1, 3])
        (outvoted.element, outvoted.distance, outvoted.tolerance) = ("candidates[3].power", 17.25, 0.001)
        outvoted.reason = "differs from the canonical result 7.25#0 at candidates[3].power"
        var alike = row(25, 3, 4, "outvoted")
        (alike.comparedWith, alike.againstHostIds) = ("7.25#0", [1, 3])
        (alike.element, alike.distance, alike.tolerance) = ("candidates[3].power", 17.25, 0.001)
        alike.reason = outvoted.reason
        var malformed = row(31, 0, 4, "malformed")
        malformed.reason = "- no table"
        report.rows = [outvoted, alike, malformed]
        report.hosts = [
            host(2, agreed: 90, refuted: 3, outvoted: 8, least: 0.038),
            host(4, agreed: 80, malformed: 1, outvoted: 9, least: 0.031), host(1, agreed: 300), host(3, agreed: 310),
        ]
        report.hostsTotal = 4
        report.edges = [
            edge([1, 2, 48, 40, 8, 0, 0]), edge([3, 4, 49, 40, 9, 0, 0]), edge([2, 4, 12, 3, 0, 9, 9]),
            edge([1, 3, 260, 260, 0, 0, 0]),
        ]
        report.edgesTotal = 4
        var own = WireClassPairRow()
        (own.classA, own.classB, own.agreed, own.differed) = (intel, intel, 300, 8)
        var mixed = WireClassPairRow()
        (mixed.classA, mixed.classB, mixed.agreed, mixed.differed) = (arm, intel, 43, 9)
        report.classes = [mixed, own]
        var link = WireCliqueLink()
        (link.hostA, link.hostB, link.standing, link.standingExpected) = (2, 4, 3, 0.125)
        (link.bothRefused, link.alike, link.chance) = (9, 9, 2.5e-9)
        var clique = WireSuspectedClique()
        (clique.hostIds, clique.standing, clique.contradictedVolunteers, clique.alike) = ([2, 4], 3, 2, 9)
        (clique.refusedByCheck, clique.met, clique.metExpected, clique.chance) = (4, 12, 10.5, 2.5e-9)
        clique.links = [link]
        report.cliques = [clique]
        var meeting = WireFrequentMeeting()
        (meeting.hostA, meeting.hostB, meeting.met, meeting.metExpected, meeting.chance) = (1, 3, 260, 140.5, 0)
        report.worthALook = [meeting]
        report.worthALookTotal = 1
        (report.pairs, report.alpha) = (6, 0.001)
        return report
    }()

    // MARK: Letter for letter

    private static let guide: String = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return (try? String(contentsOf: root.appending(path: "docs/admin.md"), encoding: .utf8)) ?? ""
    }()

    /// What the guide shows below a command.
    private func example(_ command: String) -> String {
        let block = Self.guide.components(separatedBy: "```").first { $0.hasPrefix("text\n$ \(command)\n") } ?? ""
        return String(block.dropFirst("text\n$ \(command)\n".count))
    }

    @Test func theTextIsThatOfTheGuide() throws {
        let (code, screen, path) = try run(answer: protobuf(Self.sample))
        #expect(code == 0 && path == "/v1/reports/disagreements?rows=3&batch=7")
        #expect(screen.out == example("millrace report disagreements --batch 7 --rows 3"), "\(screen.out)")
    }

    @Test func theTablesForSpreadsheetsAreThoseOfTheGuide() throws {
        let all = try run(csv: true, answer: protobuf(Self.sample)).screen.out
        #expect(all.contains("\r\n") && !all.replacing("\r\n", with: "").contains("\n"))
        let expected = example("millrace report disagreements --batch 7 --rows 3 --csv")
        #expect(all.replacing("\r\n", with: "\n") == expected, "\(all)")
        let hosts = try run(.hosts, csv: true, answer: protobuf(Self.sample)).screen.out.replacing("\r\n", with: "\n")
        #expect(hosts == example("millrace report disagreements --batch 7 --hosts --csv"), "\(hosts)")
        let graph = try run(.graph, csv: true, answer: protobuf(Self.sample)).screen.out
        #expect(graph.hasPrefix("host_a,host_b,met,agreed,differed,both_refused,alike\r\n1,2,48,40,8,0,0\r\n"))
    }

    @Test func theGraphIsThatOfTheGuide() throws {
        let dot = try run(.graph, answer: protobuf(Self.sample)).screen.out
        #expect(dot == example("millrace report disagreements --batch 7 --graph"), "\(dot)")
    }

    /// In the guide the line is broken behind commas.
    @Test func theJSONIsThatOfTheGuide() throws {
        let json = try run(json: true, answer: protobuf(Self.sample)).screen.out
        let lines = example("millrace report disagreements --batch 7 --rows 3 --json").split(separator: "\n")
        #expect(json == lines.joined() + "\n", "\(json)")
        #expect(try DocumentTests.undocumented(json) == [])
        let graph = try run(.graph, json: true, answer: protobuf(Self.sample)).screen.out
        #expect(json.contains("\"graph\":" + graph.dropLast()))
        let hosts = try object(try run(.hosts, json: true, answer: protobuf(Self.sample)).screen.out)
        #expect((hosts["hosts"] as? [Any])?.count == 4 && hosts["hosts_total"] as? Int == 4)
    }

    // MARK: Other answers

    @Test func anEmptyServerIsSaidToBeEmpty() throws {
        let (code, screen, path) = try run(batch: nil, answer: protobuf(WireDisagreementReport()))
        #expect(code == 0 && path == "/v1/reports/disagreements?rows=3")
        #expect(
            screen.out == "All batches: 0 units read, 0 compared, 0 disagreements\n\nNo result has been decided yet.\n")
        #expect(
            try run(csv: true, batch: nil, answer: protobuf(WireDisagreementReport())).screen.out.hasPrefix(
                "batch,unit,"))
    }

    @Test func whatIsNotThereIsNoInput() throws {
        for (batch, host, message) in [(7, nil, "there is no batch 7"), (nil, 9, "there is no host 9")]
            as [(UInt64?, UInt64?, String)]
        {
            let (code, screen, path) = try run(batch: batch, host: host, answer: refusal(404, "not_found", message))
            #expect(code == 66 && screen.out.isEmpty)
            #expect(screen.err.hasPrefix("millrace: ") && screen.err.contains(message), "\(screen.err)")
            #expect(path.hasSuffix(batch == nil ? "&host=9" : "&batch=7"))
        }
    }

    @Test func anAnswerAboutAnotherBatchIsRefused() throws {
        #expect(try run(batch: 8, answer: protobuf(Self.sample)).code == 76)
    }

    @Test func whatIsLeftOutIsSaid() throws {
        var report = Self.sample
        report.disagreementsTotal = 5000
        report.cliques[0].classExplains = true
        (report.meetingsLeftOut, report.contradictionsLeftOut, report.edgesTotal) = (12, 1, 10)
        report.hostsTotal = 50
        report.hosts[0].hostName = "\u{1B}[31m"
        report.rows[0].volunteerName = "\u{1B}[2J"
        let text = try run(answer: protobuf(report)).screen.out
        #expect(!text.unicodeScalars.contains("\u{1B}"))
        #expect(try !run(.graph, answer: protobuf(report)).screen.out.unicodeScalars.contains("\u{1B}"))
        for line in [
            "4997 more are not shown; --rows N shows up to N.", "which explains it as well", "and 48 hosts without",
            "12 meetings of further pairs of hosts", "1 unit with a contradiction",
        ] { #expect(text.contains(line), "\(line)") }
        #expect(try run(.graph, answer: protobuf(report)).screen.err.hasPrefix("6 edges of the graph"))
        #expect(try run(.graph, json: true, answer: protobuf(report)).screen.err.isEmpty)
        report.rows = []
        report.disagreementsTotal = 0
        report.cliques = []
        let calm = try run(answer: protobuf(report)).screen.out
        #expect(calm.contains("No result was refused.") && calm.contains("Suspected cliques: none among 6 pairs"))
    }
}
