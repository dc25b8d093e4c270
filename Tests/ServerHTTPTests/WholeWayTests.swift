import Bytes
import Domain
import FoundationEssentials
import Storage
import SwiftProtobuf
import Testing
import Wire

@Suite("The whole way over HTTP")
struct WholeWayTests {
    @Test("Submit, register, fetch, upload, report, validate, answer, pages")
    func wholeWay() async throws {
        try await withSite { site in
            let batch = try await site.submit()
            try await site.until(batch) { $0.splitFinished && $0.unitsReady == 2 }
            try await compute(site, batch)
            try await site.until(batch) { $0.state == "finished" }
            try await expectAnswer(site, batch)
            try await expectReports(site, batch)
            try await expectDisagreements(site, batch)
            try await expectPages(site, batch)
        }
    }

    /// Two honest volunteers, one of whom uploads, and one who forges first.
    private func compute(_ site: LiveSite, _ batch: UInt64) async throws {
        let mallory = try await LiveVolunteer(site, "Mallory <script>alert(1)</script>")
        let stolen = try await mallory.fetch()
        #expect(stolen.count == 2)
        let forged = stolen.map { LiveVolunteer.success($0, Array("<b>forged</b>".utf8)) }
        #expect(try await mallory.deliver(forged) == [.receiptAccepted, .receiptAccepted])
        // The forged results are refused, and new replicas made for others.
        try await site.until(batch) { $0.tasksDone == 2 }
        let large = Array("true".utf8) + [UInt8](repeating: 0x20, count: 200_000)
        for name in ["Ada", "Grace"] {
            let volunteer = try await LiveVolunteer(site, name)
            var tasks: [WireTaskOffer] = []
            // Both units get their replica in their own time; one that came before is sent again, since it is not held.
            try await LiveSite.eventually {
                tasks = try await volunteer.fetch()
                return tasks.count == 2
            }
            let early = tasks.map { LiveVolunteer.success($0, large, inline: false) }
            if name == "Ada" {
                #expect(try await volunteer.deliver(early) == [.receiptResultMissing, .receiptResultMissing])
                for task in tasks {
                    #expect(try await volunteer.upload(task, large, chunk: 70_000) == 201)
                }
            }
            #expect(try await volunteer.deliver(early) == [.receiptAccepted, .receiptAccepted])
            #expect(try await volunteer.deliver(early) == [.receiptDuplicate, .receiptDuplicate])
        }
    }

    private func expectAnswer(_ site: LiveSite, _ batch: UInt64) async throws {
        let files = try await site.status(batch).resultFiles
        #expect(files == ["answer.csv", "plot.svg", "summary.txt"])
        let table = try await site.probe.send("GET", "/v1/batches/\(batch)/results/answer.csv", site.admin)
        #expect(table.status == 200 && table.text == "a,b\n1,2\n")
        #expect(table.fields["content-type"] == "text/csv; charset=utf-8")
        let plot = try await site.probe.send("GET", "/results/\(batch)/plot.svg")
        #expect(plot.status == 200 && plot.fields["content-type"] == "image/svg+xml")
        #expect(plot.fields["content-security-policy"]?.contains("default-src 'none'") == true)
        #expect(plot.fields["content-security-policy"]?.contains("script") == false)
        for name in ["..%2F..%2Fadmin.token", "../../admin.token", "%2e%2e", "nothing.csv", ".tmp", "a%00b"] {
            let answer = try await site.probe.send("GET", "/results/\(batch)/\(name)")
            #expect(answer.status == 404, "\(name)")
            #expect(!answer.text.contains(site.token))
        }
    }

    private func expectReports(_ site: LiveSite, _ batch: UInt64) async throws {
        let credit = try await site.probe.send("GET", "/v1/reports/credit", site.admin)
        let report = try WireCreditReport(jsonUTF8Bytes: credit.body)
        #expect(report.balanced && report.ledgerEntries == 4)
        #expect(report.hosts.map(\.microcobblestones) == [0, 2_000_000, 2_000_000])
        #expect(report.hosts.map(\.invalid) == [2, 0, 0])
        let path = "/v1/reports/validation?batch=\(batch)"
        let all = try await site.probe.send("GET", path, site.admin)
        #expect(try WireValidationReport(jsonUTF8Bytes: all.body).units.count == 2)
        let one = try await site.probe.send("GET", path + "&unit=1&only=disagreed", site.admin)
        let unit = try #require(try WireValidationReport(jsonUTF8Bytes: one.body).units.first)
        #expect(unit.index == 1)
        // Which of the first two tasks a volunteer is given is drawn.
        #expect(unit.tasks.filter { $0.state == "invalid" }.map(\.distance) == [5])
        var binary = site.admin
        binary["Accept"] = "application/x-protobuf"
        let packed = try await site.probe.send("GET", path, binary)
        #expect(packed.fields["content-type"] == "application/x-protobuf")
        #expect(try WireValidationReport(serializedBytes: packed.body).unitsAgreed == 2)
    }

    private func expectDisagreements(_ site: LiveSite, _ batch: UInt64) async throws {
        let path = "/v1/reports/disagreements"
        let answer = try await site.probe.send("GET", path, site.admin)
        let report = try WireDisagreementReport(jsonUTF8Bytes: answer.body)
        #expect(report.unitsRead == 2 && report.disagreementsTotal == 2 && report.edgesTotal == 3)
        #expect(report.rows.map(\.verdict) == ["refuted", "refuted"] && report.rows[0].distance == 5)
        #expect(report.rows[0].volunteerName.hasPrefix("Mallory") && report.hosts.map(\.hostID) == [1, 2, 3])
        let narrow = try await site.probe.send("GET", path + "?batch=\(batch)&host=2&rows=0", site.admin)
        let one = try WireDisagreementReport(jsonUTF8Bytes: narrow.body)
        #expect(one.batchID == batch && one.hostID == 2 && one.rows.isEmpty && one.disagreementsTotal == 0)
        for (query, status, text) in [
            ("?batch=99", 404, "there is no batch 99"), ("?host=99", 404, "there is no host 99"),
            ("?batch=x", 400, "batch is not a number"), ("?host=-1", 400, "host is not a number"),
            ("?rows=10001", 400, "rows is not a number from 0 to 10000"),
        ] {
            let refused = try await site.probe.send("GET", path + query, site.admin)
            #expect(refused.status == status && refused.text.contains(text), "\(query): \(refused.text)")
        }
    }

    private func expectPages(_ site: LiveSite, _ batch: UInt64) async throws {
        let status = try await site.probe.send("GET", "/")
        let validation = try await site.probe.send("GET", "/validation?batch=\(batch)")
        let credit = try await site.probe.send("GET", "/credit")
        for page in [status, validation, credit] {
            #expect(page.status == 200 && page.fields["content-type"] == "text/html; charset=utf-8")
            let policy = try #require(page.fields["content-security-policy"])
            #expect(policy.contains("default-src 'none'") && !policy.contains("unsafe"))
            #expect(page.fields["x-content-type-options"] == "nosniff")
            #expect(!page.text.contains("<script") && !page.text.contains("<site>"))
            #expect(!page.text.contains("{{") && page.text.contains("Test &lt;site&gt;"))
            #expect(!page.text.contains("secret-host-name"), "host names are for the admin")
        }
        #expect(status.text.contains("A sample &lt;project&gt;") && status.text.contains("found &lt;nothing&gt;"))
        #expect(status.text.contains("<img src=\"/results/\(batch)/plot.svg\""))
        #expect(status.text.contains("100 %"))
        #expect(validation.text.contains("Mallory &lt;script&gt;alert(1)&lt;/script&gt;"))
        #expect(validation.text.contains("said &lt;b&gt;forged&lt;/b&gt;"))
        #expect(validation.text.contains("piece 1 &lt;i&gt;"))
        #expect(credit.text.contains("The ledger balances: 4.000 cobblestones"))
        let style = try await site.probe.send("GET", "/style.css")
        #expect(style.status == 200 && style.fields["content-type"] == "text/css; charset=utf-8")
        #expect(!style.text.contains("http"), "a style sheet that loads nothing from elsewhere")
    }

    @Test("A second server on the same store and folder goes on where the first stopped")
    func restart() async throws {
        let store = LiveSite.SharedStore()
        let first = try await LiveSite.start(store: store)
        let batch = try await first.submit()
        try await first.until(batch) { $0.splitFinished }
        let ada = try await LiveVolunteer(first, "Ada")
        let tasks = try await ada.fetch()
        _ = try await ada.deliver(tasks.map { LiveVolunteer.success($0, Array("true".utf8)) })
        let key = first.publicKey
        await first.stop()
        let second = try await LiveSite.start(store: store, blobs: first.blobs, folder: first.folder)
        #expect(second.publicKey == key && second.token == first.token)
        let grace = try await LiveVolunteer(second, "Grace")
        let more = try await grace.fetch()
        #expect(more.count == 2)
        _ = try await grace.deliver(more.map { LiveVolunteer.success($0, Array("true".utf8)) })
        try await second.until(batch) { $0.state == "finished" }
        await second.end()
    }
}
