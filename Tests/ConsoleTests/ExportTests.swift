import Console
import Domain
import Foundation
import Testing
import Wire

@Suite struct ExportTests {
    private static func export(_ key: CreditExportCommand.Key) -> WireCreditExport {
        var export = WireCreditExport()
        export.by = key.rawValue
        for (id, name, micro) in [
            (0, "", 1), (1, "Ada, \"the first\"", 1_234_567), (2, "=HYPERLINK(\"x\")", 9_007_199_254_740_993),
        ] as [(UInt64, String, Int64)] {
            var row = WireCreditExportRow()
            row.id = id
            row.name = name
            row.microcobblestones = micro
            row.volunteerID = id + 10
            row.recentAverage = Double(micro) / 4e6
            export.rows.append(row)
            export.totalMicrocobblestones += micro
        }
        return export
    }

    private func run(
        _ url: String, _ key: CreditExportCommand.Key, from: String? = nil, to: String? = nil,
        _ format: CreditExportCommand.Format = .csv, path: String? = nil
    ) throws -> (code: Int32, screen: Recorder) {
        let recorder = Recorder()
        let client = try client(url)
        let code = CommandContext(screen: recorder, asJSON: false).run { (context) throws(Fault) in
            try CreditExportCommand(client: client, key: key, from: from, to: to, format: format, path: path)
                .run(context)
        }
        return (code, recorder)
    }

    @Test("CSV is exact, quoted where it must be, and no formula")
    func csv() throws {
        let server = try StandIn { request in
            request.path == "/v1/exports/credit?by=team&from=2026-11-01&to=2026-11-30"
                ? protobuf(Self.export(.team)) : .nothing
        }
        let (code, screen) = try run(server.url, .team, from: "2026-11-01", to: "2026-11-30")
        #expect(code == 0)
        #expect(
            screen.out == """
                team,team_name,microcobblestones,cobblestones,recent_average
                0,,1,0.000001,2.5e-07
                1,"Ada, ""the first""\",1234567,1.234567,0.30864175
                2,"'=HYPERLINK(""x"")",9007199254740993,9007199254.740993,2251799813.685248

                """)
    }

    @Test("JSON has every key documented, and no more than the key has", arguments: CreditExportCommand.Key.allCases)
    func json(key: CreditExportCommand.Key) throws {
        let answer = protobuf(Self.export(key))
        let server = try StandIn { $0.path == "/v1/exports/credit?by=\(key.rawValue)" ? answer : .nothing }
        let (code, screen) = try run(server.url, key, .json)
        #expect(code == 0)
        #expect(try DocumentTests.undocumented(screen.out) == [])
        let rows = try #require(try object(screen.out)["rows"] as? [[String: Any]])
        #expect(rows.count == 3)
        #expect(rows.allSatisfy { $0[key.rawValue] != nil })
        #expect(rows.map { $0["microcobblestones"] as? Int64 } == [1, 1_234_567, 9_007_199_254_740_993])
        let csv = try run(server.url, key).screen.out.split(separator: "\n")
        #expect(csv.count == 4 && csv[0].hasPrefix(key.rawValue + ","))
    }

    @Test("A file is written whole, and what is no day is refused before anything is asked")
    func files() throws {
        let answer = protobuf(Self.export(.day))
        let server = try StandIn { _ in answer }
        try TemporaryFolder.with { folder in
            let path = folder.path + "/days.csv"
            let (code, screen) = try run(server.url, .day, path: path)
            #expect(code == 0 && screen.out.isEmpty && screen.err.contains("3 rows in"))
            #expect(try folder.text("days.csv").hasPrefix("day,microcobblestones,cobblestones\n"))
            #expect(try run(server.url, .day, path: folder.path + "/no/such/file").code == 66)
        }
        for (from, to) in [("yesterday", nil), (nil, "2026-02-30"), ("2026-02-02", "2026-02-01")]
            as [(String?, String?)]
        {
            #expect(try run("http://127.0.0.1:1", .day, from: from, to: to).code == 64)
        }
        // An answer about something else.
        #expect(try run(server.url, .host).code == 76)
    }
}
