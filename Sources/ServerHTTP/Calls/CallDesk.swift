import Bytes
import Domain
import HTTPTypes
import Logging
import NIOCore
import ServerCore
import SwiftProtobuf
import Synchronization
import Wire

/// A call whose bytes are coming in.
struct IncomingCall: Sendable {
    /// Of the client, also behind a proxy that we trust.
    let address: String
    let network: UInt64?
    let closesAfter: Bool
    /// What it holds of the budget for bodies, as long as it lives.
    let account: BodyAccount
    let start = ContinuousClock.now
    var bytes: [UInt8] = []
}

/// What goes back.
struct CallAnswer: Sendable {
    var status: Int
    /// Beside the length and the date.
    var fields: HTTPFields
    var date: String
    var body: [UInt8]

    var head: HTTPResponse {
        var all = fields
        all[.contentLength] = "\(body.count)"
        all[.date] = date
        return HTTPResponse(status: HTTPResponse.Status(code: status), headerFields: all)
    }

    /// The bytes that SwiftNIO makes of `head` and `body`; nil when there is something special about them.
    func plainBytes(_ allocator: ByteBufferAllocator) -> ByteBuffer? {
        guard status == 200, fields.isEmpty else { return nil }
        var bytes = allocator.buffer(capacity: 128 + body.count)
        bytes.writeStaticString("HTTP/1.1 200 OK\r\nContent-Length: ")
        bytes.writeString(String(body.count))
        bytes.writeStaticString("\r\nDate: ")
        bytes.writeString(date)
        bytes.writeStaticString("\r\n\r\n")
        bytes.writeBytes(body)
        return bytes
    }
}

/// From the bytes of a call to the bytes of its answer: authenticity, limits, the writer, receipts.
final class CallDesk: Sendable {
    /// Of one call. Larger ones are sent as signed requests, whose sender is known before the body is read.
    static let bytesMax = Limits.callBytesMax

    let routes: ServerRoutes

    init(routes: ServerRoutes) { self.routes = routes }

    private var runtime: ServerRuntime { routes.runtime }

    private static let forwardedFor = HTTPField.Name("X-Forwarded-For")

    static let tooLarge = RequestRefusal(
        .tooLarge, "the call is larger than \(bytesMax) bytes",
        advice: "send it as a signed request to /v1/scheduler")

    var isDraining: Bool { runtime.isDraining }

    /// For what waits until it can be looked at.
    func account() -> BodyAccount { BodyAccount(runtime.traffic.bodies) }

    /// Somebody sent more requests ahead than may wait.
    func tooFarAhead() { runtime.metrics.refused("sent_ahead") }

    func begin(_ head: HTTPRequest, from peer: String) -> IncomingCall {
        let forwarded = Self.forwardedFor.flatMap { head.headerFields[$0] }
        let address = runtime.traffic.client(peer, forwarded: forwarded)
        return IncomingCall(
            address: address, network: NetworkPrefix.of(address),
            closesAfter: head.headerFields[.connection].map(Self.asksForClose) ?? false,
            account: account())
    }

    /// - Parameter options: the header field `Connection`, a list whose case does not count (RFC 9110, 7.6.1).
    static func asksForClose(_ options: String) -> Bool {
        options.split(whereSeparator: { ", \t".contains($0) }).contains { $0.lowercased() == "close" }
    }

    func add(_ piece: ByteBuffer, to call: inout IncomingCall) -> RequestRefusal? {
        guard call.bytes.count + piece.readableBytes <= Self.bytesMax else { return Self.tooLarge }
        guard call.account.take(piece.readableBytes) else { return runtime.traffic.busy("body_bytes") }
        call.bytes.append(contentsOf: piece.readableBytesView)
        return nil
    }

    /// - Parameter done: called once, on `loop`, when the call is durable or refused.
    func submit(
        _ incoming: IncomingCall, on loop: any EventLoop, _ done: @escaping @Sendable (CallAnswer) -> Void
    ) {
        do {
            try runtime.traffic.admit(incoming.address, incoming.network)
            try runtime.disk.requireFloor()
            guard let envelope = CallEnvelope(bytes: incoming.bytes) else {
                throw RequestRefusal(.badRequest, "this is no call of protocol version 1")
            }
            let key = try runtime.core.checkSession(envelope, now: runtime.clock.now())
            let host = envelope.token.host
            try runtime.traffic.admitCall(of: host)
            let message = try ReplyFormat.strict { () throws(WireError) in
                try HotRequest(bytes: envelope.message, limit: CallDesk.bytesMax)
            }
            runtime.networks.note(host, incoming.network)
            let call = try runtime.core.checkScheduler(message, now: runtime.clock.now())
            let passed = PassedCall(envelope: envelope, key: key, call: call, incoming: incoming)
            if runtime.keepsInline(call) {
                schedule(passed, on: loop, done)
            } else {
                later(on: loop, passed, done) { [routes] in
                    try await routes.schedule(call, host, envelope.sequence)
                }
            }
        } catch {
            done(answer(error, to: incoming))
        }
    }

    /// A call that is who it says it is.
    private struct PassedCall: Sendable {
        var envelope: CallEnvelope
        var key: MACKey
        var call: SchedulerCall
        var incoming: IncomingCall
    }

    private func schedule(
        _ passed: PassedCall, on loop: any EventLoop, _ done: @escaping @Sendable (CallAnswer) -> Void
    ) {
        runtime.schedule(passed.call, passed.envelope.token.host, passed.envelope.sequence, on: loop) {
            [self, runtime] result in
            switch result {
            case .failure(let error): done(answer(error, to: passed.incoming))
            case .success(let outcome) where runtime.core.isAtHand(outcome):
                done(reply(passed) { runtime.metrics.timed(.sign) { runtime.core.answer(outcome) } })
            case .success(let outcome):
                later(on: loop, passed, done) { [routes] in
                    try await routes.onDisk { runtime.metrics.timed(.sign) { runtime.core.answer(outcome) } }
                }
            }
        }
    }

    /// What waits for a disk, off the event loop.
    private func later(
        on loop: any EventLoop, _ passed: PassedCall, _ done: @escaping @Sendable (CallAnswer) -> Void,
        _ body: @escaping @Sendable () async throws -> HotReply
    ) {
        Task {
            let result: Result<HotReply, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            let answer = reply(passed) { try result.get() }
            loop.execute { done(answer) }
        }
    }

    // MARK: Answers

    private func reply(_ passed: PassedCall, _ body: () throws -> HotReply) -> CallAnswer {
        do {
            let sealed = passed.envelope.sealedReply(try body().encoded, key: passed.key)
            return answer(sealed, status: 200, [:], to: passed.incoming)
        } catch {
            return answer(error, to: passed.incoming)
        }
    }

    private func answer(_ error: any Error, to incoming: IncomingCall) -> CallAnswer {
        let refusal = error is QueueFull ? runtime.traffic.busy("writer_queue") : RequestRefusal(error)
        if refusal.code.status >= 500 && refusal.code != .unavailable && refusal.code != .diskReserve {
            runtime.logs[.http].error(
                "a request failed", metadata: ["route": "\(CallEnvelope.path)", "error": "\(error)"])
        }
        return answer(refusal, to: incoming)
    }

    func answer(_ refusal: RequestRefusal, to incoming: IncomingCall) -> CallAnswer {
        var fields = refusal.fields
        fields[.contentType] = ReplyFormat.protobufType
        let body: [UInt8] = (try? refusal.wireMessage.serializedBytes()) ?? []
        return answer(body, status: refusal.code.status, fields, to: incoming)
    }

    private func answer(
        _ body: [UInt8], status: Int, _ fields: HTTPFields, to incoming: IncomingCall
    ) -> CallAnswer {
        let now = ContinuousClock.now
        if ![429, 503, 507].contains(status) { runtime.traffic.answered(now: now) }
        runtime.metrics.request(
            route: CallEnvelope.path, method: "POST", status: status,
            seconds: incoming.start.duration(to: now).inSeconds, bytesIn: incoming.bytes.count,
            bytesOut: body.count)
        return CallAnswer(status: status, fields: fields, date: runtime.date.text, body: body)
    }
}
