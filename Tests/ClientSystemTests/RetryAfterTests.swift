import Bytes
import ClientCore
import ClientSystem
import Domain
import Foundation
import Testing
import Wire

/// A server that asks to wait is heard, whatever else its answer is.
@Suite("Retry-After")
struct RetryAfterTests {
    private func response(_ status: Int, _ wish: String?) -> HTTPResponse {
        HTTPResponse(status: status, headers: wish.map { ["retry-after": $0] } ?? [:], body: [])
    }

    @Test(arguments: [429, 503, 507])
    func seconds(status: Int) {
        #expect(response(status, "7").refusal(url: "u").retryAfterSeconds == 7)
        #expect(response(status, "0").refusal(url: "u").retryAfterSeconds == 0)
        for useless in ["", "-1", "1.5", "soon", "99999999999", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            #expect(response(status, useless).refusal(url: "u").retryAfterSeconds == nil, "\(useless)")
        }
        #expect(response(status, nil).refusal(url: "u").retryAfterSeconds == nil)
    }

    @Test func otherRefusalsAskForNothing() {
        for status in [400, 403, 404, 500, 502] {
            #expect(response(status, "7").refusal(url: "u").retryAfterSeconds == nil, "\(status)")
        }
    }

    private func link(_ server: TinyServer) -> ServerLink {
        ServerLink(transport: HTTPTransport(userAgent: "test"), serverURL: server.url)
    }

    private func call(_ answer: TinyServer.Answer) throws -> CallFailure? {
        let server = try TinyServer { _ in answer }
        let outcome = link(server).call(
            WireSchedulerRequest(), host: HostID(rawValue: 1), sequence: 1, key: SigningKey())
        guard case .failure(let reason) = outcome else { return nil }
        return reason.failure
    }

    @Test func theSchedulersWishReachesTheCore() throws {
        var refusal = WireErrorReply()
        refusal.code = "unavailable"
        refusal.message = "the server has too much to do"
        let body = try StrictDecode.bytes(of: refusal)
        let fields = ["Content-Type": "application/x-protobuf", "Retry-After": "42"]
        guard case .busy(let text, let seconds)? = try call(.respond(503, headers: fields, body: body)) else {
            Issue.record("503 is a server that is busy")
            return
        }
        #expect(seconds == 42 && text.contains("too much to do"))
        // As a proxy says it, or the server on a connection too many.
        let plain = try call(.respond(503, headers: ["Content-Type": "text/plain", "Retry-After": "3"], body: [10]))
        guard case .busy(_, 3)? = plain else {
            Issue.record("\(String(describing: plain))")
            return
        }
        guard case .failed? = try call(.respond(503)) else {
            Issue.record("503 without a wish is a server that is away")
            return
        }
    }

    @Test func anUploadAsksFirstAndSendsNothingToABusyServer() throws {
        let server = try TinyServer { _ in .respond(503, headers: ["Retry-After": "60"]) }
        let file = NSTemporaryDirectory() + "millrace-retry-\(UUID().uuidString)"
        try Data([1, 2, 3]).write(to: URL(filePath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let fault = #expect(throws: Fault.self) {
            try BlobUpload(transport: HTTPTransport(userAgent: "test")).send(
                file: file, digest: SHA256Hash.digest(of: [1, 2, 3]), size: 3, url: server.url + "/v1/uploads/x")
        }
        #expect(fault?.retryAfterSeconds == 60)
        #expect(server.requests.map(\.method) == ["HEAD"])
    }
}
