import Bytes
import Domain
import FoundationEssentials
import Glibc
import ServerHTTP
import Storage
import SwiftProtobuf
import Testing
import Wire

/// Calls inside of a session, over real sockets.
@Suite struct CallTests {
    private let result: [UInt8] = Array("a result".utf8)

    private func withSession(_ body: (LiveSite, LiveVolunteer, LiveSession) async throws -> Void) async throws {
        try await withSite { site in
            let volunteer = try await LiveVolunteer(site, "ann")
            try await body(site, volunteer, try await volunteer.session())
        }
    }

    private func envelope(
        _ request: WireSchedulerRequest, _ session: LiveSession, sequence: Int64
    ) throws -> [UInt8] {
        CallEnvelope.sealed(
            try request.serializedBytes(), token: session.token, sequence: sequence, key: session.key)
    }

    private func reply(
        _ answer: HTTPProbe.Answer, _ session: LiveSession, sequence: Int64
    ) throws -> WireSchedulerReply {
        try #require(answer.status == 200, "\(answer.text)")
        let bytes = try #require(
            CallEnvelope.openedReply(answer.body, token: session.token, sequence: sequence, key: session.key))
        return try WireSchedulerReply(serializedBytes: bytes)
    }

    @Test("Work is fetched and delivered in a session, receipts included, and counts like signed calls")
    func wholeWay() async throws {
        try await withSession { site, volunteer, session in
            let batch = try await site.submit()
            try await site.until(batch) { $0.splitFinished }
            let fetch = try envelope(volunteer.request(want: 1), session, sequence: 11)
            let offers = try reply(
                try await site.probe.send("POST", "/v1/call", body: fetch), session, sequence: 11
            ).tasks
            let offer = try #require(offers.first)
            #expect(!offer.unitInline.isEmpty)
            let report = volunteer.request([LiveVolunteer.success(offer, result)])
            let answer = try await site.probe.send(
                "POST", "/v1/call", body: try envelope(report, session, sequence: 12))
            let delivered = try reply(answer, session, sequence: 12)
            let receipts = [UInt8](delivered.receipts)
            #expect(
                site.publicKey.isValid(
                    signature: [UInt8](delivered.receiptsSignature), for: ReceiptSignature.message(receipts: receipts)))
            #expect(try WireReceipts(serializedBytes: receipts).receipts.map(\.status) == [.receiptAccepted])
            #expect(try site.blobs.read(SHA256Hash.digest(of: result), limit: 100) == result)
            // A signed call goes on with the same counter.
            let stale = try await volunteer.call(volunteer.request(), sequence: 12)
            #expect(stale.status == 409)
            #expect(try await volunteer.call(volunteer.request(), sequence: 13).status == 200)
        }
    }

    @Test("A short call is a full one for the server, and its reply a full one for the client")
    func short() async throws {
        try await withSession { site, volunteer, session in
            let batch = try await site.submit()
            try await site.until(batch) { $0.splitFinished }
            let host = HostID(rawValue: Int64(volunteer.host))
            func call(
                _ full: HotRequest, _ sequence: Int64, knowsProfile: Bool
            ) async throws -> (sent: HotReply, full: HotReply) {
                let short = try #require(
                    ShortCall(full, host: host, knowsProfile: knowsProfile, withAccount: !knowsProfile))
                let answer = try await site.probe.send(
                    "POST", "/v1/call", body: try envelope(short.request.message, session, sequence: sequence))
                let reply = HotReply(try reply(answer, session, sequence: sequence))
                return (reply, short.expanded(reply, project: site.publicKey))
            }
            let fetched = try await call(HotRequest(volunteer.request(want: 1)), 11, knowsProfile: false).full
            let offer = try #require(fetched.tasks.first)
            #expect(offer.unitSha256 == SHA256Hash.digest(of: offer.unitInline).bytes)
            #expect(offer.project == "sample" && offer.flops == 4.32e11)
            var report = HotRequest(volunteer.request([LiveVolunteer.success(offer.message, result)]))
            report.heldTasks = [offer.taskID]
            let delivered = try await call(report, 12, knowsProfile: true)
            #expect(delivered.sent.receipts.isEmpty && !delivered.full.receipts.isEmpty)
            #expect(
                site.publicKey.isValid(
                    signature: delivered.full.receiptsSignature,
                    for: ReceiptSignature.message(receipts: delivered.full.receipts)))
            let receipts = try HotReceipts(bytes: delivered.full.receipts, limit: 1000)
            #expect(receipts.receipts.map(\.status) == [.receiptAccepted] && receipts.hostID == volunteer.host)
            #expect(receipts.receipts[0].resultSha256 == SHA256Hash.digest(of: result).bytes)
            #expect(try site.blobs.read(SHA256Hash.digest(of: result), limit: 100) == result)
            // Told again, the receipt says something else, and is sent.
            let again = try await call(report, 13, knowsProfile: true)
            #expect(try HotReceipts(bytes: again.sent.receipts, limit: 1000).receipts[0].status == .receiptDuplicate)
        }
    }

    @Test("What only a short call may leave out is asked for in a full one, and an unknown form is refused")
    func shortForm() async throws {
        try await withSession { site, volunteer, session in
            func expect(_ status: Int, _ change: (inout WireSchedulerRequest) -> Void) async throws {
                var request = volunteer.request()
                change(&request)
                let body = try envelope(request, session, sequence: 5)
                #expect(try await site.probe.send("POST", "/v1/call", body: body).status == status)
            }
            try await expect(400) { $0.clearProfile() }
            try await expect(400) { $0.form = .UNRECOGNIZED(3) }
            var report = WireTaskReportMessage()
            report.taskID = 77
            report.success.resultInline = Data(result)
            try await expect(400) { $0.reports = [report] }
            report.success.resultInline = Data()
            try await expect(400) {
                $0.form = .callShort
                $0.reports = [report]
            }
            try await expect(200) {
                $0.form = .callShort
                $0.clearProfile()
            }
        }
    }

    @Test("A replayed, changed or foreign call changes nothing")
    func refused() async throws {
        try await withSession { site, volunteer, session in
            let good = try envelope(volunteer.request(), session, sequence: 5)
            #expect(try await site.probe.send("POST", "/v1/call", body: good).status == 200)
            let again = try await site.probe.send("POST", "/v1/call", body: good)
            #expect(again.status == 409)
            #expect(try WireErrorReply(serializedBytes: again.body).sequence == 5)
            for at in [0, 3, 14, 20, 30, 40, good.count - 1] {
                var changed = try envelope(volunteer.request(), session, sequence: 6)
                changed[at] ^= 1
                let answer = try await site.probe.send("POST", "/v1/call", body: changed)
                #expect(answer.status == (at == 0 ? 400 : 401), "byte \(at)")
            }
            // A token that nobody gave out, with a key of the sender's choice.
            let forged = CallEnvelope.sealed(
                try volunteer.request().serializedBytes(), token: session.token, sequence: 7,
                key: MACKey([UInt8](repeating: 1, count: 32)))
            #expect(try await site.probe.send("POST", "/v1/call", body: forged).status == 401)
            #expect(try await site.probe.send("POST", "/v1/call", body: [1, 2, 3]).status == 400)
            let wrong = try await site.probe.send("GET", "/v1/call")
            #expect(wrong.status == 405 && wrong.fields["allow"] == "POST")
            #expect(try WireErrorReply(serializedBytes: wrong.body).code == "method_not_allowed")
            let next = try await site.probe.send(
                "POST", "/v1/call", body: try envelope(volunteer.request(), session, sequence: 6))
            #expect(next.status == 200)
        }
    }

    @Test("A session is given to the host that signed, and to a key that is one")
    func opening() async throws {
        try await withSession { site, volunteer, _ in
            var request = WireSessionRequest()
            request.publicKey = Data([1, 2, 3])
            let body: [UInt8] = try request.serializedBytes()
            #expect(try await volunteer.post("/v1/session", body).status == 400)
            let stranger = try await volunteer.post("/v1/session", body, as: 999)
            #expect(stranger.status == 403)
            #expect(try WireErrorReply(serializedBytes: stranger.body).code == "unknown_host")
            let other = try await LiveVolunteer(site, "bob")
            request.publicKey = Data(OpeningKey().publicKey)
            let answer = try await other.post("/v1/session", try request.serializedBytes(), as: volunteer.host)
            #expect(answer.status == 401)
        }
    }

    @Test("A call that is too large is refused before it is read, and the connection ends")
    func tooLarge() async throws {
        try await withSession { site, _, _ in
            let announced = try await site.probe.send(
                "POST", "/v1/call", ["Content-Length": "\(Limits.callBytesMax + 1)"], body: [1])
            #expect(announced.status == 413)
            #expect(announced.fields["connection"] == "close")
            let chunk = [UInt8](repeating: 65, count: Limits.callBytesMax + 1)
            let chunked =
                Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + Array("\r\n0\r\n\r\n".utf8)
            let streamed = try await site.probe.send(
                "POST", "/v1/call", ["Transfer-Encoding": "chunked"], body: chunked)
            #expect(streamed.status == 413)
        }
    }

    @Test("Requests that are sent ahead are answered in order, calls and pages mixed")
    func pipelined() async throws {
        try await withSession { site, volunteer, session in
            var bytes: [UInt8] = []
            func add(_ text: String, _ body: [UInt8] = []) { bytes += Array(text.utf8) + body }
            func call(_ sequence: Int64) throws {
                let body = try envelope(volunteer.request(), session, sequence: sequence)
                add("POST /v1/call HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n", body)
            }
            try call(1)
            add("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            try call(2)
            try call(3)
            add("GET /nothing-here HTTP/1.1\r\nHost: a\r\n\r\n")
            let last = try envelope(volunteer.request(), session, sequence: 4)
            let head = "POST /v1/call HTTP/1.1\r\nHost: a\r\nConnection: TE, Close\r\n"
            add("\(head)Content-Length: \(last.count)\r\n\r\n", last)
            let answers = try await site.probe.conversation(bytes)
            #expect(answers.map(\.status) == [200, 200, 200, 200, 404, 200])
            for (at, sequence) in [(0, 1), (2, 2), (3, 3), (5, 4)] {
                _ = try reply(answers[at], session, sequence: Int64(sequence))
            }
        }
    }

    @Test("An answer has the same head whether the connection goes on behind it or ends")
    func heads() async throws {
        try await withSession { site, volunteer, session in
            // The first goes out as bytes, the second through the encoder of SwiftNIO.
            var heads: [[Substring]] = []
            for (sequence, options) in [(1, ""), (2, "Connection: close\r\n")] {
                let body = try envelope(volunteer.request(), session, sequence: Int64(sequence))
                let head = "POST /v1/call HTTP/1.1\r\nHost: a\r\n\(options)Content-Length: \(body.count)\r\n\r\n"
                let connection = try RawConnection(port: site.probe.port)
                let bytes = Array(head.utf8) + body
                #expect(connection.sendSome(bytes[...]) == bytes.count)
                func parts() -> [[UInt8]] {
                    let end = connection.received.indices.dropFirst(3)
                        .first { connection.received[($0 - 3)...$0] == [13, 10, 13, 10] }
                    guard let end else { return [] }
                    return [Array(connection.received[...end]), Array(connection.received[(end + 1)...])]
                }
                func announced() -> Int? {
                    String(decoding: parts().first ?? [], as: UTF8.self)
                        .firstMatch(of: /Content-Length: ([0-9]+)\r\n/).flatMap { Int($0.1) }
                }
                try await LiveSite.eventually {
                    connection.look()
                    return announced().map { parts()[1].count >= $0 } ?? false
                }
                #expect(parts()[1].count == announced())
                let opened = CallEnvelope.openedReply(
                    parts()[1], token: session.token, sequence: Int64(sequence), key: session.key)
                #expect(opened != nil)
                let text = String(decoding: parts()[0], as: UTF8.self)
                    .replacing(/[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT/, with: "now")
                    .replacing(/Content-Length: [0-9]+/, with: "Content-Length: n")
                heads.append(text.split(separator: "\r\n", omittingEmptySubsequences: false))
            }
            #expect(heads[0] == ["HTTP/1.1 200 OK", "Content-Length: n", "Date: now", "", ""])
            #expect(heads[1] == ["HTTP/1.1 200 OK", "Content-Length: n", "Date: now", "Connection: close", "", ""])
        }
    }

    @Test("What is sent ahead of an answer counts against the bodies in memory, and has an end")
    func sentAhead() async throws {
        let store = LiveSite.SharedStore()
        let call = "POST /v1/call HTTP/1.1\r\nHost: a\r\nContent-Length: "
        let large = Array("\(call)60000\r\n\r\n".utf8) + [UInt8](repeating: 1, count: 60_000)
        let small = Array(String(repeating: "GET / HTTP/1.1\r\nHost:a\r\n\r\n", count: 1000).utf8)
        try await withSite(store: store, options: { $0.limits.bodyBytes = 1000 }) { site in
            defer { store.held.set(false) }
            let volunteer = try await LiveVolunteer(site, "ann")
            let session = try await volunteer.session()
            for (sequence, ahead) in [(11, large), (12, small)] {
                store.held.set(true)
                let body = try envelope(volunteer.request(), session, sequence: Int64(sequence))
                let eager = try RawConnection(port: site.probe.port)
                let bytes = Array("\(call)\(body.count)\r\n\r\n".utf8) + body + ahead
                #expect(eager.sendSome(bytes[...]) == bytes.count)
                try await LiveSite.eventually {
                    eager.look()
                    return eager.isEnded
                }
                #expect(eager.received.isEmpty, "the first answer was still out")
                store.held.set(false)
            }
            let metrics = try await site.probe.send("GET", "/metrics").text
            #expect(metrics.contains("millrace_refusals_total{reason=\"sent_ahead\"} 2"))
            try await LiveSite.eventually {
                try await site.probe.send("GET", "/metrics").text.contains("millrace_held_body_bytes 0\n")
            }
        }
    }

    @Test("Whoever sends on and on ahead of an answer is read once more, and is answered when it is time")
    func readOnceMore() async throws {
        let store = LiveSite.SharedStore()
        // Less than is sent: whoever read it all would have to close the connection.
        try await withSite(store: store, options: { $0.limits.bodyBytes = 1 << 20 }) { site in
            defer { store.held.set(false) }
            let volunteer = try await LiveVolunteer(site, "ann")
            let session = try await volunteer.session()
            store.held.set(true)
            let head = "POST /v1/call HTTP/1.1\r\nHost: a\r\nContent-Length: "
            let body = try envelope(volunteer.request(), session, sequence: 11)
            let large = Array("\(head)60000\r\n\r\n".utf8) + [UInt8](repeating: 1, count: 60_000)
            let eager = try RawConnection(port: site.probe.port)
            var rest = (Array("\(head)\(body.count)\r\n\r\n".utf8) + body + (0..<40).flatMap { _ in large })[...]
            for _ in 0..<50 {
                rest = rest.dropFirst(eager.sendSome(rest))
                try await Task.sleep(for: .milliseconds(10))
            }
            eager.look()
            #expect(!eager.isEnded && eager.received.isEmpty, "the first answer is still out")
            store.held.set(false)
            try await LiveSite.eventually {
                rest = rest.dropFirst(eager.sendSome(rest))
                eager.look()
                return eager.isEnded || eager.text.split(separator: "HTTP/1.1 ").count > 40
            }
            let statuses = eager.text.split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
            #expect(statuses.first == "200" && statuses.dropFirst().allSatisfy { $0 == "401" })
            #expect(!eager.isEnded && statuses.count == 41)
        }
    }

    @Test("A client that closes its side still gets its answer")
    func halfClosed() async throws {
        try await withSession { site, volunteer, session in
            let body = try envelope(volunteer.request(), session, sequence: 1)
            let head = Array("POST /v1/call HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n".utf8)
            let answers = try await site.probe.conversation(head + body, closesWriting: true)
            #expect(answers.map(\.status) == [200])
        }
    }
}

/// What a host knows of its session.
struct LiveSession: Sendable {
    var token: SessionToken
    var key: MACKey
}

extension LiveVolunteer {
    /// As a client opens one.
    func session() async throws -> LiveSession {
        let opening = OpeningKey()
        var request = WireSessionRequest()
        request.publicKey = Data(opening.publicKey)
        let answer = try await post("/v1/session", try request.serializedBytes(), sequence: 1)
        try #require(answer.status == 200, "\(answer.text)")
        let reply = try WireSessionReply(serializedBytes: answer.body)
        #expect(
            site.publicKey.isValid(
                signature: [UInt8](reply.signature),
                for: SessionStart.message(publicKey: opening.publicKey, reply: reply)))
        let sealed = SealedSecret(encapsulatedKey: [UInt8](reply.encapsulatedKey), box: [UInt8](reply.sealedKey))
        let secret = try #require(opening.open(sealed, purpose: SessionStart.purpose))
        return LiveSession(
            token: try #require(SessionToken(bytes: [UInt8](reply.token))), key: MACKey(secret))
    }
}
