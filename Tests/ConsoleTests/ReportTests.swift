import Console
import Domain
import Foundation
import Testing
import Wire

@Suite struct ReportTests {
    private func run(
        json: Bool = false, width: Int = 120, _ command: (CommandContext) throws(Fault) -> Int32
    ) -> (code: Int32, screen: Recorder) {
        let recorder = Recorder(width: width)
        return (CommandContext(screen: recorder, asJSON: json).run(command), recorder)
    }

    private static func credit(balanced: Bool) -> WireCreditReport {
        var rows: [WireCreditRow] = []
        for (id, micro) in [(1, 1_500_000), (2, 0), (3, 2_500_000)] as [(UInt64, Int64)] {
            var row = WireCreditRow()
            row.hostID = id
            row.hostName = "host\(id)"
            row.volunteerName = id == 2 ? "eve\u{1B}[31m" : "ann"
            row.microcobblestones = micro
            row.valid = UInt64(micro / 500_000)
            row.invalid = id == 2 ? 4 : 0
            rows.append(row)
        }
        var report = WireCreditReport()
        report.hosts = rows
        report.ledgerTotalMicrocobblestones = 4_000_000
        report.hostsTotalMicrocobblestones = balanced ? 4_000_000 : 4_000_001
        report.issuedMicrocobblestones = 4_000_000
        report.ledgerEntries = 8
        report.balanced = balanced
        return report
    }

    @Test(arguments: [true, false])
    func theCreditReportSaysWhetherTheBooksBalance(balanced: Bool) throws {
        let report = Self.credit(balanced: balanced)
        let server = try StandIn { $0.path == "/v1/reports/credit" ? protobuf(report) : .nothing }
        let client = try client(server.url)
        let (code, screen) = run { (context) throws(Fault) in try CreditReportCommand(client: client).run(context) }
        #expect(code == (balanced ? 0 : 1))
        let lines = screen.out.split(separator: "\n").map(String.init)
        #expect(lines[1].contains("host3") && lines[1].contains("2.500"))
        #expect(lines[3].contains("host2") && lines[3].contains("0.000") && lines[3].contains("4"))
        #expect(screen.out.contains("4.000000 in 8 entries"))
        #expect(!screen.out.unicodeScalars.contains("\u{1B}"))
        let (_, json) = run(json: true) { (context) throws(Fault) in
            try CreditReportCommand(client: client).run(context)
        }
        #expect(try object(json.out)["balanced"] as? Bool == balanced)
        #expect(try DocumentTests.undocumented(json.out) == [])
    }

    @Test func theTrustReportSaysWhy() throws {
        var report = WireTrustReport()
        report.evidenceMin = 10
        report.halfLifeDays = 90
        for (id, window) in [(1, 250), (2, 0)] as [(UInt64, UInt64)] {
            var row = WireTrustRow()
            row.hostID = id
            row.hostName = "host\(id)\u{1B}[2J"
            row.app = "gamma-pulsar"
            row.windowMax = window
            row.streak = window
            row.failed = id == 2 ? 3 : 0
            row.explanation = "because \(id)"
            report.hosts.append(row)
        }
        let answer = protobuf(report)
        let server = try StandIn { request in
            ["/v1/reports/trust", "/v1/reports/trust?host=2"].contains(request.path) ? answer : .nothing
        }
        let client = try client(server.url)
        for host in [nil, 2] as [UInt64?] {
            let (code, screen) = run { (context) throws(Fault) in
                try TrustReportCommand(client: client, host: host).run(context)
            }
            #expect(code == 0)
            #expect(screen.out.contains("host 2, gamma-pulsar: because 2"))
            #expect(screen.out.contains("none"))
            #expect(!screen.out.unicodeScalars.contains("\u{1B}"))
        }
        let (_, json) = run(json: true) { (context) throws(Fault) in
            try TrustReportCommand(client: client, host: nil).run(context)
        }
        #expect(try DocumentTests.undocumented(json.out) == [])
    }

    private static let validation: WireValidationReport = {
        var good = WireTaskVerdictRow()
        (good.ordinal, good.hostID, good.hostName, good.state) = (0, 1, "host1", "valid")
        good.creditMicrocobblestones = 500_000
        var bad = WireTaskVerdictRow()
        (bad.ordinal, bad.hostID, bad.hostName, bad.state) = (1, 2, "host2", "invalid")
        (bad.element, bad.distance, bad.tolerance) = ("candidates[3].power", 17.25, 0.001)
        bad.reason = "claimed sigma 41.2 recomputed as 3.1"
        var unsent = WireTaskVerdictRow()
        (unsent.ordinal, unsent.state) = (2, "not needed")
        var unit = WireUnitReport()
        (unit.index, unit.label, unit.state, unit.canonical) = (25, "200-208 Hz", "assembled", 0)
        unit.tasks = [good, bad, unsent]
        var report = WireValidationReport()
        (report.batchID, report.project, report.unitsTotal, report.unitsAgreed) = (7, "my-search", 32, 32)
        report.unitsWithDisagreement = 1
        report.units = [unit]
        return report
    }()

    @Test func theValidationReportSaysWhoDifferedWhereAndByHowMuch() throws {
        let server = try StandIn { request in
            request.path == "/v1/reports/validation?batch=7&unit=25&only=disagreed"
                ? protobuf(Self.validation) : .nothing
        }
        let client = try client(server.url)
        func command(json: Bool) -> (code: Int32, screen: Recorder) {
            run(json: json) { (context) throws(Fault) in
                try ValidationReportCommand(client: client, batch: 7, unit: 25, disagreed: true).run(context)
            }
        }
        let (code, screen) = command(json: false)
        #expect(code == 0)
        let row = try #require(screen.out.split(separator: "\n").first { $0.contains("host2") })
        for word in ["invalid", "candidates[3].power", "17.2", "0.00100"] { #expect(row.contains(word), "\(row)") }
        #expect(screen.out.contains("task 1: claimed sigma 41.2 recomputed as 3.1"))
        #expect(screen.out.contains("valid, canonical"))
        #expect(try DocumentTests.undocumented(command(json: true).screen.out) == [])
    }

    @Test func withoutANumberTheNewestBatchIsReported() throws {
        let server = try StandIn { request in
            if request.path == "/v1/batches" {
                var list = WireBatchList()
                list.batches = [status("finished"), status("running")]
                list.batches[0].batchID = 3
                return protobuf(list)
            }
            return request.path == "/v1/reports/validation?batch=7" ? protobuf(Self.validation) : .nothing
        }
        let client = try client(server.url)
        let (code, _) = run { (context) throws(Fault) in
            try ValidationReportCommand(client: client, batch: nil, unit: nil, disagreed: false).run(context)
        }
        #expect(code == 0)
    }

    @Test func aUnitThatIsNotThereIsNoInput() throws {
        let server = try StandIn { _ in
            var report = WireValidationReport()
            report.batchID = 7
            return protobuf(report)
        }
        let client = try client(server.url)
        let (code, screen) = run { (context) throws(Fault) in
            try ValidationReportCommand(client: client, batch: 7, unit: 99, disagreed: false).run(context)
        }
        #expect(code == 66)
        #expect(screen.err.contains("no unit 99"))
    }
}
