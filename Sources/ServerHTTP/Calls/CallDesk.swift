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
struct IncomingCall {
    let network: UInt64?
    let closesAfter: Bool
    let start = ContinuousClock.now
    var bytes: [UInt8] = []

    /// From the first to the last byte of a request.
    private static let secondsMax: Duration = .seconds(30)
    var isLate: Bool { start.duration(to: .now) > Self.secondsMax }
}

/// What goes back.
struct CallAnswer: Sendable {
    var head: HTTPResponse
    var body: [UInt8]
}

/// From the bytes of a call to the bytes of its answer: authenticity, limits, the writer, receipts.
final class CallDesk: Sendable {
    /// Of one call. Larger ones are sent as signed requests, whose sender is known before the body is read.
    static let bytesMax = Limits.callBytesMax
    /// Of all calls that are coming in: more wait, told to come back.
    static let allBytesMax = 64 << 20

    let routes: ServerRoutes
    private let held = Atomic<Int>(0)

    init(routes: ServerRoutes) { self.routes = routes }

    private var runtime: ServerRuntime { routes.runtime }

    static let tooLarge = RequestRefusal(
        .tooLarge, "the call is larger than \(bytesMax) bytes",
        advice: "send it as a signed request to /v1/scheduler")

    func add(_ piece: ByteBuffer, to call: inout IncomingCall) -> RequestRefusal? {
        let count = piece.readableBytes
        guard call.bytes.count + count <= Self.bytesMax else { return Self.tooLarge }
        let all = held.add(count, ordering: .relaxed).newValue
        call.bytes.append(contentsOf: piece.readableBytesView)
        guard all <= Self.allBytesMax else {
            return RequestRefusal(.unavailable, "too many calls at the same time", advice: "try again later")
        }
        return nil
    }

    /// Its bytes are done with.
    func forget(_ call: IncomingCall) { held.subtract(call.bytes.count, ordering: .relaxed) }

    /// - Parameter done: called once, on `loop`, when the call is durable or refused.
    func submit(
        _ incoming: IncomingCall, on loop: any EventLoop, _ done: @escaping @Sendable (CallAnswer) -> Void
    ) {
        defer { forget(incoming) }
        do {
            guard let envelope = CallEnvelope(bytes: incoming.bytes) else {
                throw RequestRefusal(.badRequest, "this is no call of protocol version 1")
            }
            let key = try runtime.core.checkSession(envelope, now: runtime.clock.now())
            let message = try ReplyFormat.strict(
                WireSchedulerRequest.self, envelope.message, limit: CallDesk.bytesMax)
            let host = envelope.token.host
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
            done(answer(RequestRefusal(error), to: incoming))
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
            case .failure(let error): done(answer(RequestRefusal(error), to: passed.incoming))
            case .success(let outcome) where runtime.core.isAtHand(outcome):
                done(reply(passed) { try runtime.core.finish(outcome) })
            case .success(let outcome):
                later(on: loop, passed, done) { [routes] in
                    try await routes.onDisk { try runtime.core.finish(outcome) }
                }
            }
        }
    }

    /// What waits for a disk, off the event loop.
    private func later(
        on loop: any EventLoop, _ passed: PassedCall, _ done: @escaping @Sendable (CallAnswer) -> Void,
        _ body: @escaping @Sendable () async throws -> WireSchedulerReply
    ) {
        Task {
            let result: Result<WireSchedulerReply, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            let answer = reply(passed) { try result.get() }
            loop.execute { done(answer) }
        }
    }

    // MARK: Answers

    private func reply(_ passed: PassedCall, _ body: () throws -> WireSchedulerReply) -> CallAnswer {
        do {
            let bytes: [UInt8] = try body().serializedBytes()
            let sealed = passed.envelope.sealedReply(bytes, key: passed.key)
            return answer(sealed, status: 200, [:], to: passed.incoming)
        } catch {
            return answer(RequestRefusal(error), to: passed.incoming)
        }
    }

    func answer(_ refusal: RequestRefusal, to incoming: IncomingCall) -> CallAnswer {
        if refusal.code.status >= 500 {
            runtime.log.error("a call failed", metadata: ["code": "\(refusal.code.rawValue)"])
        }
        var fields = refusal.fields
        fields[.contentType] = ReplyFormat.protobufType
        let body: [UInt8] = (try? refusal.wireMessage.serializedBytes()) ?? []
        return answer(body, status: refusal.code.status, fields, to: incoming)
    }

    private func answer(
        _ body: [UInt8], status: Int, _ fields: HTTPFields, to incoming: IncomingCall
    ) -> CallAnswer {
        var head = HTTPResponse(status: .init(code: status), headerFields: fields)
        head.headerFields[.contentLength] = "\(body.count)"
        head.headerFields[.date] = runtime.date.text
        let took = incoming.start.duration(to: .now).components
        runtime.metrics.request(
            route: CallEnvelope.path, method: "POST", status: status,
            seconds: Double(took.seconds) + Double(took.attoseconds) * 1e-18, bytesIn: incoming.bytes.count,
            bytesOut: body.count)
        return CallAnswer(head: head, body: body)
    }
}
