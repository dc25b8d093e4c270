import Foundation
import Testing

/// What must hold of the books after any number of kills.
extension ChaosRun {
    /// What one host's client holds, and what the server's books say of it.
    private struct Host {
        var name: String
        var judged: Double
        var receipts: Int
    }

    /// Every receipt that a client holds is in the public ledger, every result that the server judged has a receipt,
    /// and what was granted is what the hosts own, each task once.
    /// - Returns: microcobblestones granted.
    @discardableResult
    func expectTheBooks() async throws -> Double {
        let log = site.folder.path("server/log")
        let credit = try await site.json(["report", "credit"])
        #expect(credit["balanced"] as? Bool == true)
        let hosts = credit.list("hosts")
        #expect(hosts.count == Self.names.count, "no host came twice: \(hosts)")
        let judged = hosts.reduce(0) { $0 + $1.number("valid") + $1.number("invalid") }
        #expect(hosts.allSatisfy { $0.number("invalid") == 0 }, "an honest host was called a liar: \(hosts)")
        #expect(hosts.reduce(0) { $0 + $1.number("microcobblestones") } == credit.number("issued_microcobblestones"))

        // Published some seconds after the last verdict.
        var report: [String: Any] = [:]
        let isComplete = try await eventually(limitSeconds: 60) {
            report = try await site.json(["ledger", "verify", log, "--key", log + "/key"])
            return report["ok"] as? Bool == true && Self.total("verdicts", report) == judged
        }
        #expect(isComplete, "the ledger: \(report), judged: \(judged)")
        #expect(Self.total("credit_entries", report) == credit.number("ledger_entries"))
        #expect(Self.total("final_microcobblestones", report) == credit.number("issued_microcobblestones"))

        var receipts = 0
        for name in Self.names { receipts += try await expectReceipts(of: name, in: log) }
        #expect(Double(receipts) == judged, "each judged result was acknowledged, and held as such by its client")
        try await expectEachTaskOnce(judged)
        return credit.number("issued_microcobblestones")
    }

    private static func total(_ name: String, _ report: [String: Any]) -> Double {
        (report["totals"] as? [String: Any])?.number(name) ?? .nan
    }

    private func expectReceipts(of name: String, in log: String) async throws -> Int {
        let file = site.folder.path("\(name).receipts")
        let exported = try await Programs.run(
            "millrace-client", ["receipts", "--export", file, "--data", site.folder.path(name)])
        try #require(exported.status == 0, "\(exported.errors)")
        let proof = try await site.json(["ledger", "prove", "--receipt", file, log, "--key", log + "/key"])
        #expect(proof["ok"] as? Bool == true)
        let rows = proof.list("receipts")
        let lost = rows.filter { $0.text("standing") != "included" }
        #expect(lost.isEmpty, "\(name) holds receipts for what the ledger lacks: \(lost)")
        return rows.count
    }

    /// The reports of the batches: every unit agreed, no host twice in a unit.
    private func expectEachTaskOnce(_ judged: Double) async throws {
        var tasks = 0.0
        for batch in ["1", "2"] {
            let report = try await site.json(["report", "validation", "--batch", batch])
            #expect(report.number("units_agreed") == report.number("units_total"))
            for unit in report.list("units") {
                let valid = unit.list("tasks").filter { $0.text("state") == "valid" }
                tasks += Double(valid.count)
                #expect(Set(valid.map { $0.number("host") }).count == valid.count, "\(unit)")
            }
        }
        #expect(tasks == judged)
    }

    /// With nobody running: rows, balances, log and every byte of every blob.
    func expectSoundFiles() async throws {
        let fsck = try await Programs.run(
            "millrace-server", ["fsck", "--deep", "--data", site.folder.path("server")] + site.serverArguments)
        #expect(fsck.status == 0, "fsck: \(fsck.output) \(fsck.errors)")
    }
}
