import Foundation
import Testing

/// The main job with the real programs: submit, compute, be killed, validate, pay, answer.
@Suite("The whole way", .placed, .serialized)
struct WholeWayTests {
    @Test("Server and client killed in the middle, one host forging: same answer, balanced ledger, no credit for lies")
    func killedInTheMiddle() async throws {
        let site = try Site()
        try await site.startServer()
        let project = try SmallProject.make(in: site.folder)
        let submitted = try await site.millrace(["submit", project])
        try #require(submitted.status == 0, "submit: \(submitted.errors)")
        for name in ["Ada", "Grace", "Mallory"] { try await site.attach(name) }
        // She must have lied before the honest have done everything without her.
        try site.startClient("Mallory", worker: "forging-worker")
        #expect(try await eventually { try await reported(site) >= 1 })
        let before = try await reported(site)
        try site.startClient("Ada")
        #expect(try await eventually { try await hasBegun(site, "Ada", before) })

        // A client dies with a task on its desk, then the server dies, then both come back.
        site.clients["Ada"]?.killNow()
        site.server?.killNow()
        try await site.startServer()
        try site.startClient("Grace")
        try site.startClient("Ada")
        #expect(try await eventually { try await validated(site) >= 1 })
        site.server?.killNow()
        site.clients["Grace"]?.killNow()
        try site.startClient("Grace")
        try await site.startServer()

        let finished = try await site.millrace(["status", "1", "--watch"], limitSeconds: 900)
        #expect(finished.status == 0, "\(finished.output) \(finished.errors) \(site.logText("server.log"))")
        try await expectTheAnswer(site)
        try await expectTheLedger(site)
        try await expectTheReport(site)
        try await expectThePublicLog(site)
        for client in site.clients.values { #expect(await client.stop() == 0) }
        #expect(await site.server?.stop() == 0)
        let fsck = try await Programs.run("millrace-server", ["fsck", "--data", site.folder.path("server")])
        #expect(fsck.status == 0, "fsck: \(fsck.output) \(fsck.errors)")
    }

    /// Anybody can recompute it from the public files, and a flipped bit of them is found.
    private func expectThePublicLog(_ site: Site) async throws {
        let key = site.folder.path("server/log/key")
        let entries = try await site.json(["report", "credit"]).number("ledger_entries")
        let told = try await eventually {
            let report = try await site.json(["ledger", "verify", site.url + "/log", "--key", key])
            return report["ok"] as? Bool == true && Self.creditEntries(report) == entries
        }
        #expect(told, "the public log is complete")
        let copy = site.folder.path("log-copy")
        try FileManager.default.copyItem(atPath: site.folder.path("server/log"), toPath: copy)
        // The widest of the partial bundles: the others are of earlier checkpoints.
        let bundles = try FileManager.default.subpathsOfDirectory(atPath: copy).filter { $0.contains("entries/000.p/") }
        let widest = bundles.max {
            (Int($0.split(separator: "/").last ?? "") ?? 0) < (Int($1.split(separator: "/").last ?? "") ?? 0)
        }
        let bundle = URL(filePath: copy).appending(path: try #require(widest))
        var bytes = try Data(contentsOf: bundle)
        bytes[bytes.count - 3] ^= 1
        try bytes.write(to: bundle)
        let changed = try await site.millrace(["ledger", "verify", copy, "--key", key])
        #expect(changed.status == 1)
        #expect(changed.output.contains("leaf"), "\(changed.output)")
    }

    private static func creditEntries(_ report: [String: Any]) -> Double {
        (report["totals"] as? [String: Any])?.number("credit_entries") ?? -1
    }

    /// Whether a volunteer holds a task; on a slow machine all may be over before anybody looks.
    private func hasBegun(_ site: Site, _ name: String, _ before: Double) async throws -> Bool {
        let hosts = try await site.json(["report", "credit"]).list("hosts")
        if hosts.contains(where: { $0.text("volunteer_name") == name && $0.number("in_progress") > 0 }) { return true }
        return try await reported(site) > before + 2
    }

    private func reported(_ site: Site) async throws -> Double { try await status(site).number("tasks_done") }

    private func validated(_ site: Site) async throws -> Double { try await status(site).number("units_validated") }

    private func status(_ site: Site) async throws -> [String: Any] { try await site.json(["status", "1"]) }

    private func expectTheAnswer(_ site: Site) async throws {
        let out = site.folder.path("answer")
        let outcome = try await site.millrace(["results", "1", "--out", out])
        try #require(outcome.status == 0, "results: \(outcome.errors)")
        let table = try String(contentsOfFile: out + "/candidates.csv", encoding: .utf8)
            .split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        #expect(
            table.first?.joined(separator: ",")
                == "frequency_hz,f1_over_f,power,sigma,false_alarm,band,related_to")
        let winner = try #require(table.dropFirst().first)
        #expect(abs(try #require(Double(winner[0])) - SmallProject.truthHz) < 2e-6)
        #expect(try #require(Double(winner[3])) >= 35)
        for row in table.dropFirst(2) where row[6].isEmpty {
            #expect(try #require(Double(row[3])) < 7, "an unrelated peak: \(row)")
        }
        let summary = try JSONSerialization.jsonObject(
            with: Data(contentsOf: URL(filePath: out + "/summary.json")))
        #expect((summary as? [String: Any]) != nil)
    }

    private func expectTheLedger(_ site: Site) async throws {
        let report = try await site.json(["report", "credit"])
        #expect(report["balanced"] as? Bool == true)
        #expect(
            report.number("ledger_total_microcobblestones") == report.number("hosts_total_microcobblestones"))
        var sum = 0.0
        for host in report.list("hosts") {
            sum += host.number("microcobblestones")
            if host.text("volunteer_name") == "Mallory" {
                #expect(host.number("microcobblestones") == 0)
                #expect(host.number("invalid") >= 1)
            } else {
                #expect(host.number("invalid") == 0)
            }
        }
        #expect(sum == report.number("ledger_total_microcobblestones"))
        #expect(sum > 0)
    }

    private func expectTheReport(_ site: Site) async throws {
        let report = try await site.json(["report", "validation", "--batch", "1"])
        #expect(report.number("units_total") == 6)
        #expect(report.number("units_agreed") == 6)
        let rows = report.list("units").flatMap { $0.list("tasks") }
        let lies = rows.filter { $0.text("state") == "invalid" }
        #expect(!lies.isEmpty)
        for row in lies {
            #expect(row.text("volunteer_name") == "Mallory")
            #expect(!row.text("reason").isEmpty)
        }
    }
}
