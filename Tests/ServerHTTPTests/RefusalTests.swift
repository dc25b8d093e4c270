import Bytes
import Domain
import FoundationEssentials
import ServerCore
import ServerHTTP
import Storage
import SwiftProtobuf
import Testing
import Wire

@Suite("What is refused, and how")
struct RefusalTests {
    private func error(_ answer: HTTPProbe.Answer) throws -> WireErrorReply {
        answer.fields["content-type"] == "application/json"
            ? try WireErrorReply(jsonUTF8Bytes: answer.body) : try WireErrorReply(serializedBytes: answer.body)
    }

    @Test("A length at the end of all numbers is refused again and again, and the server lives")
    func hugeLengths() async throws {
        try await withSite { site in
            for _ in 0..<3 {
                let answer = try await site.probe.send(
                    "POST", "/v1/scheduler", ["Content-Length": "9223372036854775807"])
                #expect(answer.status == 413)
            }
            #expect(try await site.probe.send("GET", "/healthz").status == 200)
        }
    }

    @Test("Whoever does not show the token gets nothing")
    func tokens() async throws {
        try await withSite { site in
            let hex = String(repeating: "0", count: 64)
            let routes = [
                ("GET", "/v1/batches"), ("POST", "/v1/batches"), ("GET", "/v1/batches/1"),
                ("POST", "/v1/batches/1/cancel"), ("GET", "/v1/batches/1/results/x"), ("GET", "/v1/reports/credit"),
                ("GET", "/v1/reports/validation?batch=1"), ("GET", "/v1/reports/disagreements"),
                ("PATCH", "/v1/blobs/\(hex)"),
            ]
            let wrong = ["", "Bearer", "Bearer ", "Bearer \(site.token)x", "bearer \(site.token)", site.token]
            for (method, path) in routes {
                for value in wrong {
                    let fields = value.isEmpty ? [:] : ["Authorization": value]
                    let answer = try await site.probe.send(method, path, fields)
                    #expect(answer.status == 401, "\(method) \(path) with \(value)")
                    #expect(answer.fields["www-authenticate"] == "Bearer")
                    #expect(try error(answer).code == "bad_token")
                }
            }
        }
    }

    @Test("Bodies above their limit are refused with 413 before they are read")
    func limits() async throws {
        try await withSite { site in
            let cases = [
                ("POST", "/v1/register", 64 * 1024), ("POST", "/v1/scheduler", Limits.rpcBytesMax),
                ("POST", "/v1/batches", 2 * Limits.manifestBytesMax + 64 * 1024),
            ]
            for (method, path, limit) in cases {
                let fields = site.admin.merging(["Content-Length": "\(limit + 1)"]) { $1 }
                let answer = try await site.probe.send(method, path, fields, body: [1, 2, 3])
                #expect(answer.status == 413, "\(path)")
                #expect(try error(answer).code == "too_large")
            }
            // Without a length in the head: counted while it comes.
            let body = Array("11000\r\n".utf8) + [UInt8](repeating: 65, count: 0x11000) + Array("\r\n0\r\n\r\n".utf8)
            let chunked = try await site.probe.send(
                "POST", "/v1/register", ["Transfer-Encoding": "chunked"], body: body)
            #expect(chunked.status == 413)
        }
    }

    @Test("Rubbish is answered with 400, in the format of the route")
    func rubbish() async throws {
        try await withSite { site in
            let body = [UInt8](repeating: 0xFF, count: 100)
            let register = try await site.probe.send("POST", "/v1/register", body: body)
            #expect(register.status == 400)
            #expect(register.fields["content-type"] == "application/x-protobuf")
            let batches = try await site.probe.send("POST", "/v1/batches", site.admin, body: body)
            #expect(batches.status == 400)
            #expect(batches.fields["content-type"] == "application/json")
            let scheduler = try await site.probe.send("POST", "/v1/scheduler", body: body)
            #expect(scheduler.status == 400)
            let host = try await site.probe.send(
                "POST", "/v1/scheduler",
                [
                    "Millrace-Host": "77", "Millrace-Sequence": "1",
                    "Millrace-Signature": String(repeating: "0", count: 128),
                ],
                body: body)
            #expect(host.status == 403)
            #expect(try error(host).code == "unknown_host")
            for path in ["/nothing", "/v1/batches/0", "/v1/batches/99", "/v1/batches/x", "/validation?batch=7"] {
                let answer = try await site.probe.send("GET", path, site.admin)
                #expect(answer.status == 404, "\(path)")
            }
            let blob = try await site.probe.send("GET", "/v1/blobs/abc")
            #expect(blob.status == 400)
        }
    }

    @Test("A manifest with faults is refused with all of them and their places")
    func badManifest() async throws {
        try await withSite { site in
            var request = WireSubmitRequest()
            request.manifest = FakeWorker.manifest.replacing("licence: CC0-1.0", with: "licence: Nobody-9")
                .replacing("quorum: 2", with: "quorum: 99")
            let answer = try await site.probe.send(
                "POST", "/v1/batches", site.admin, body: try request.jsonUTF8Bytes())
            #expect(answer.status == 422)
            let reply = try error(answer)
            #expect(reply.code == "bad_manifest")
            #expect(reply.message.contains("project.yaml:5:") && reply.message.contains("project.yaml:14:"))
            request.manifest = FakeWorker.manifest
            let missing = try await site.probe.send(
                "POST", "/v1/batches", site.admin, body: try request.jsonUTF8Bytes())
            #expect(missing.status == 422)
            #expect(try error(missing).code == "missing_input")
        }
    }

    @Test("A captured request sent again gets 409, the highest number, and changes nothing")
    func replay() async throws {
        try await withSite { site in
            let batch = try await site.submit()
            try await site.until(batch) { $0.splitFinished }
            let ada = try await LiveVolunteer(site, "Ada")
            ada.sequence = 9
            let request = ada.request(want: 1)
            #expect(try await ada.call(request).status == 200)
            let before = try await site.status(batch).tasksOut
            let again = try await ada.call(request, sequence: 10)
            #expect(again.status == 409)
            let reply = try error(again)
            #expect(reply.code == "stale_sequence" && reply.sequence == 10)
            #expect(try await site.status(batch).tasksOut == before)
            let grace = try await LiveVolunteer(site, "Grace")
            // A request signed for another number, or by another host, is no request of this host.
            let body: [UInt8] = try request.serializedBytes()
            let message = RequestSignature.message(method: "POST", path: "/v1/scheduler", sequence: 11, body: body)
            for (host, sequence) in [(ada.host, 12), (grace.host, 11)] {
                let forged = try await site.probe.send(
                    "POST", "/v1/scheduler",
                    [
                        "Millrace-Host": "\(host)", "Millrace-Sequence": "\(sequence)",
                        "Millrace-Signature": Hex.encode(ada.key.sign(message)),
                    ], body: body)
                #expect(forged.status == 401)
                #expect(try error(forged).code == "bad_signature")
            }
        }
    }

    @Test("A disk that is full is answered with 507, nothing is lost, and work goes on when there is space")
    func diskFull() async throws {
        let store = LiveSite.SharedStore()
        try await withSite(store: store) { site in
            let batch = try await site.submit()
            try await site.until(batch) { $0.splitFinished }
            let ada = try await LiveVolunteer(site, "Ada")
            let tasks = try await ada.fetch()
            let reports = tasks.map { LiveVolunteer.success($0, Array("true".utf8)) }
            store.broken.set(true)
            let full = try await ada.call(ada.request(reports))
            #expect(full.status == 507)
            #expect(try error(full).code == "disk_full")
            #expect(try await site.probe.send("GET", "/healthz").status == 503)
            store.broken.set(false)
            #expect(try await ada.deliver(reports) == [.receiptAccepted, .receiptAccepted])
            // A tick that failed meanwhile is remembered until the next one succeeds.
            try await LiveSite.eventually { try await site.probe.send("GET", "/healthz").status == 200 }
        }
    }

    @Test("A port in use is a fault of its own that names the address")
    func portInUse() async throws {
        try await withSite { site in
            let other = try await LiveSite.start()
            let address = try WebServer.Address("127.0.0.1:\(site.probe.port)")
            let fault = await #expect(throws: Fault.self) { try await other.serve(at: address) }
            #expect(fault?.kind == .osError)
            #expect(fault?.message.contains("127.0.0.1:\(site.probe.port)") == true)
            await other.end()
        }
    }

    @Test("Addresses", arguments: ["", "8080", "host", "host:", "host:x", "host:70000", ":80"])
    func badAddress(text: String) {
        let fault = #expect(throws: Fault.self) { try WebServer.Address(text) }
        #expect(fault?.kind == .usage)
    }
}
