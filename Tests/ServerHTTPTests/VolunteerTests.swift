import Bytes
import Domain
import Foundation
import ServerHTTP
import SwiftProtobuf
import Testing
import Wire

/// Link codes, removed hosts, erasing and exports, over real sockets.
@Suite struct VolunteerTests {
    private func code(_ answer: HTTPProbe.Answer) -> String? {
        answer.status < 400 ? nil : (try? WireErrorReply(serializedBytes: answer.body))?.code
    }

    @Test("A code brings a second computer into the account; the list shows both")
    func linking() async throws {
        try await withSite { site in
            let ada = try await LiveVolunteer(site, "Ada")
            let laptop = try await ada.second()
            let list = try await ada.account(.accountListHosts)
            let hosts = try WireAccountReply(serializedBytes: list.body).hosts
            #expect(hosts.map(\.hostID) == [ada.host, laptop.host] && hosts.map(\.manages) == [true, false])
            let shown = try await laptop.account(.accountShow)
            #expect(try WireAccountReply(serializedBytes: shown.body).volunteerName == "Ada")
            #expect(code(try await laptop.account(.accountListHosts)) == "wrong_state")
            let namesake = try await LiveVolunteer(site, "Ada")
            let other = try WireAccountReply(serializedBytes: try await namesake.account(.accountShow).body)
            #expect(other.volunteerID == 2)
        }
    }

    @Test("Guessing is slowed down by network, and for all together; other registrations go on")
    func guessing() async throws {
        let change: (inout ServerStart.Options) -> Void = {
            $0.limits.linkBurst = 3
            $0.limits.linkSecondsEach = 3600
        }
        try await withSite(options: change) { site in
            var answers: [HTTPProbe.Answer] = []
            for number in 0..<5 {
                answers.append(
                    try await LiveVolunteer.register(site, SigningKey(), "", code: "K7QF-2M9\(number)"))
            }
            #expect(
                answers.map { code($0) } == ["bad_link_code", "bad_link_code", "bad_link_code"]
                    + ["too_many_requests", "too_many_requests"])
            #expect(answers[4].fields["retry-after"].flatMap { Int($0) } ?? 0 > 3000)
            #expect(code(try await LiveVolunteer.register(site, SigningKey(), "", code: "K7QF")) == "bad_request")
            _ = try await LiveVolunteer(site, "Ada")
            let metrics = try await site.probe.send("GET", "/metrics").text
            #expect(metrics.contains("millrace_refusals_total{reason=\"link_rate\"}"))
        }
        let together: (inout ServerStart.Options) -> Void = {
            $0.limits.linkAllBurst = 2
            $0.limits.linkAllSecondsEach = 3600
        }
        try await withSite(options: together) { site in
            var codes: [String?] = []
            for number in 0..<3 {
                codes.append(code(try await LiveVolunteer.register(site, SigningKey(), "", code: "K7QF-2M9\(number)")))
            }
            #expect(codes == ["bad_link_code", "bad_link_code", "too_many_requests"])
        }
    }

    @Test("A removed host is refused in a session, by signature, and at the door, with the reason")
    func removal() async throws {
        try await withSite { site in
            let ada = try await LiveVolunteer(site, "Ada")
            let laptop = try await ada.second()
            let session = try await laptop.session()
            #expect(try await laptop.call(laptop.request()).status == 200)
            #expect(try await ada.account(.accountRemoveHost, host: laptop.host).status == 200)
            #expect(code(try await laptop.call(laptop.request())) == "host_removed")
            let envelope = CallEnvelope.sealed(
                try laptop.request().serializedBytes(), token: session.token, sequence: 50, key: session.key)
            #expect(code(try await site.probe.send("POST", "/v1/call", body: envelope)) == "host_removed")
            #expect(code(try await laptop.account(.accountShow)) == "host_removed")
            #expect(code(try await LiveVolunteer.register(site, laptop.key, "Ada")) == "host_removed")
            let refusal = try await laptop.call(laptop.request())
            #expect(refusal.status == 403)
            #expect(try WireErrorReply(serializedBytes: refusal.body).advice.contains("link code"))
            #expect(try await ada.call(ada.request()).status == 200)
        }
    }

    @Test("An erased volunteer is nobody on pages and in statistics; asking again gives the same statement")
    func erasing() async throws {
        try await withSite { site in
            try await LiveSite.eventually { try await site.probe.send("GET", "/stats/tables.xml").status == 200 }
            let ada = try await LiveVolunteer(site, "Ada Lovelace")
            let (laptop, grace) = (try await ada.second(), try await LiveVolunteer(site, "Grace"))
            let batch = try await site.submit()
            try await site.until(batch) { $0.splitFinished }
            for volunteer in [ada, grace] {
                let tasks = try await volunteer.fetch()
                _ = try await volunteer.deliver(tasks.map { LiveVolunteer.success($0, Array("true".utf8)) })
            }
            try await site.until(batch) { $0.state == "finished" }
            #expect(code(try await laptop.erase()) == "wrong_state")
            let first = try await ada.erase()
            try #require(first.status == 200, "\(first.text)")
            let reply = try WireEraseReply(serializedBytes: first.body)
            #expect(
                site.publicKey.isValid(
                    signature: [UInt8](reply.signature),
                    for: ErasureSignature.message(statement: [UInt8](reply.statement))))
            let again = try await ada.erase(sequence: 1)
            #expect(try WireEraseReply(serializedBytes: again.body).statement == reply.statement)
            for host in [ada, laptop] {
                #expect(code(try await host.call(host.request())) == "erased")
                #expect(code(try await host.account(.accountShow)) == "erased")
            }
            try await LiveSite.eventually {
                let page = try await site.probe.send("GET", "/credit").text
                return page.contains("erased volunteer") && !page.contains("Lovelace")
            }
            try await LiveSite.eventually {
                let file = try await site.probe.send("GET", "/stats/user.gz")
                return String(decoding: try Gzip.expanded(file.body, limit: 1 << 20), as: UTF8.self)
                    .contains("<name>erased volunteer</name>")
            }
            let report = try await site.probe.send("GET", "/v1/reports/credit", site.admin)
            #expect(
                !report.text.contains("Lovelace") && !report.text.contains("secret-host-name\",\"volunteerID\":\"1"))
            #expect(code(try await grace.account(.accountShow)) == nil)
            // A signature by another key, and one by none.
            #expect(code(try await grace.post("/v1/erase", try eraseBody(ada.key), as: ada.host)) == "bad_signature")
            #expect(code(try await grace.post("/v1/erase", try eraseBody(grace.key), as: ada.host)) == "unknown_host")
            #expect(code(try await site.probe.send("POST", "/v1/erase", body: [1])) == "bad_request")
        }
    }

    private func eraseBody(_ key: SigningKey) throws -> [UInt8] {
        var request = WireEraseRequest()
        request.publicKey = Data(key.publicKey.rawRepresentation)
        return try request.serializedBytes()
    }

    @Test("An export is given to who signs for the account, page by page, and no faster than allowed")
    func export() async throws {
        let change: (inout ServerStart.Options) -> Void = {
            $0.limits.exportBurst = 4
            $0.limits.exportPerSecond = 1
        }
        try await withSite(options: change) { site in
            let ada = try await LiveVolunteer(site, "Ada")
            let laptop = try await ada.second()
            var request = WireExportRequest()
            var replies: [WireExportReply] = []
            for section in [WireExportSection.exportAccount, .exportHosts, .exportTasks] {
                request.section = section
                let answer = try await ada.post("/v1/export", try request.serializedBytes())
                try #require(answer.status == 200, "\(answer.text)")
                replies.append(try WireExportReply(serializedBytes: answer.body))
            }
            #expect(replies[0].account.name == "Ada" && replies[1].hosts.count == 2 && replies[2].tasks.isEmpty)
            #expect(replies[1].hosts[0].profile.name == "secret-host-name")
            let body: [UInt8] = try request.serializedBytes()
            #expect(code(try await laptop.post("/v1/export", body)) == "wrong_state")
            #expect(code(try await ada.post("/v1/export", body, as: laptop.host)) == "bad_signature")
            #expect(code(try await ada.post("/v1/export", body, sequence: 1)) == "stale_sequence")
            var codes: [String?] = []
            let began = ContinuousClock.now
            for _ in 0..<6 { codes.append(code(try await ada.post("/v1/export", body))) }
            // What is left of the burst, and one a second.
            let served = codes.count { $0 != "too_many_requests" }
            #expect(Double(served) <= 4 + 1 + began.duration(to: .now) / .seconds(1))
        }
    }
}
