import Foundation
import Testing

/// That the benchmark of the server measures; how fast is no test's matter.
@Suite("millrace-bench", .placed)
struct BenchTests {
    @Test("The core on both stores, and calls through HTTP", arguments: ["memory", "sqlite"])
    func core(store: String) async throws {
        let run = try await Programs.run(
            "millrace-bench", ["core", "--store", store, "--units", "300", "--hosts", "20", "--calls", "100"])
        #expect(run.status == 0, "\(run.output) \(run.errors)")
        #expect(run.output.contains("calls: 100, tasks reported: 80, units validated: 80"), "\(run.output)")
    }

    @Test("Calls through HTTP are answered, and what was made is removed")
    func calls() async throws {
        let folder = try TemporaryFolder()
        let run = try await Programs.run(
            "millrace-bench",
            ["calls", "--seconds", "1", "--hosts", "8", "--connections", "4", "--folder", folder.url.path])
        #expect(run.status == 0, "\(run.output) \(run.errors)")
        #expect(run.output.contains("calls: ") && !run.output.contains("calls: 0,"), "\(run.output)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    }

    private func figures(_ folder: TemporaryFolder, _ arguments: [String]) async throws -> [String: Any] {
        let file = folder.path("figures.json")
        let data = folder.path("data")
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        let place = arguments.contains("--data") ? [] : ["--folder", data]
        let run = try await Programs.run("millrace-bench", arguments + place + ["--json", file])
        try #require(run.status == 0, "\(arguments): \(run.output) \(run.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: data).isEmpty)
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: file)))
        return try #require(object as? [String: Any])
    }

    private func part(_ figures: [String: Any], _ name: String) -> [String: Any] {
        figures[name] as? [String: Any] ?? [:]
    }

    @Test("Closed loop, then open loop at half: mixes, quorum, cheats, blobs", arguments: [false, true])
    func drive(blobs: Bool) async throws {
        let arguments = [
            "drive", "--hosts", "12", "--connections", "4", "--seconds", "1", "--mix", "1:2,4:1", "--quorum", "2",
            "--cheats", "0.25", "--half", "--result-bytes", "1024",
        ]
        let found = try await figures(try TemporaryFolder(), arguments + (blobs ? ["--blobs"] : []))
        for name in ["closed loop", "open loop at half"] {
            let values = part(found, name)
            #expect(values.number("calls") > 0 && values.number("failures") == 0, "\(found)")
            #expect(values.number("tasks_per_second") > 0 && values.number("server_cpu_seconds") > 0)
            #expect(values.number("p50_ms") > 0 && values.number("p50_ms") <= values.number("longest_ms"))
        }
        let rate = part(found, "closed loop").number("calls_per_second")
        let half = part(found, "open loop at half")
        // As many as were due in the second.
        #expect(abs(half.number("calls") + half.number("calls_never_made") - rate / 2) <= 1)
    }

    @Test("A herd after an outage is served to the last client")
    func herd() async throws {
        let found = try await figures(
            try TemporaryFolder(), ["herd", "--clients", "40", "--outage", "1", "--connections", "10"])
        let values = part(found, "herd")
        #expect(values.number("served") == 40 && values.number("refused") > 0)
        #expect(values.number("tries") == values.number("refused") + values.number("asked_to_wait") + 40)
    }

    @Test("A store that was filled is served, and its waiting batch cancelled")
    func filled() async throws {
        let folder = try TemporaryFolder()
        let data = folder.path("store")
        let fill = try await Programs.run(
            "millrace-bench",
            ["fill", "--folder", data, "--units", "24000", "--finished", "0.5", "--hosts", "20"])
        try #require(fill.status == 0, "\(fill.output) \(fill.errors)")
        let few = ["--data", data, "--hosts", "20", "--connections", "4", "--seconds", "1.5"]
        let driven = part(try await figures(folder, ["drive"] + few), "closed loop")
        #expect(driven.number("tasks_per_second") > 0 && driven.number("failures") == 0)
        let cancelled = part(try await figures(folder, ["cancel", "--rate", "50"] + few), "cancelling")
        #expect(cancelled.number("units_cancelled") > 2000 && cancelled.number("failures") == 0)
    }

    @Test("Both codecs write the same, and take some time")
    func codec() async throws {
        let run = try await Programs.run("millrace-bench", ["codec", "--rounds", "20"])
        #expect(run.status == 0 && run.output.split(separator: "\n").count == 3, "\(run.output) \(run.errors)")
    }

    @Test("Batches are made to their last unit, and counted")
    func create() async throws {
        let found = try await figures(try TemporaryFolder(), ["create", "--units", "3000", "--runs", "2"])
        let values = part(found, "create")
        #expect(values.number("units_per_second") > 0 && values.number("cpu_us_per_unit") > 0)
        #expect(abs(values.number("share_of_target") - values.number("units_per_second") / 30_000) < 1e-9)
    }

    private func runs(_ row: [String: Any]) -> [Double] {
        (row["runs"] as? [Any] ?? []).compactMap { ($0 as? NSNumber)?.doubleValue }
    }

    @Test("The table has every row, with reasons where there is no figure")
    func table() async throws {
        let found = try await figures(
            try TemporaryFolder(),
            ["table", "--runs", "1", "--seconds", "0.3", "--hosts", "16", "--connections", "8", "--idle", "20"])
        let rows = found.list("rows")
        #expect(rows.count == 13)
        for row in rows {
            let figures = runs(row)
            // In so short a time no unit need have got its second result.
            let least = row.text("figure").contains("quorum 2") ? 0 : 1e-9
            #expect(row.number("target") > 0)
            #expect(
                figures.isEmpty ? row.text("note").contains("not measured") : figures.allSatisfy { $0 >= least },
                "\(row)")
        }
        #expect(rows.count { runs($0).isEmpty } == 4)
    }
}
