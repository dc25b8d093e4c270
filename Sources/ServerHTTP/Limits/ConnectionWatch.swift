import HTTPTypes
import NIOCore
import NIOHTTPTypes
import ServerCore
import SwiftProtobuf
import Wire

/// On every connection: counts it, ends it politely when there are too many, and cuts whoever takes too long.
///
/// Lives on the connection's event loop; costs a request four looks at the clock.
final class ConnectionWatch: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let traffic: TrafficGuard
    private var clock = ConnectionClock(now: ConnectionWatch.now())
    private var address = "unknown"
    private var network: UInt64?
    private enum Standing { case new, counted, refused, gone }
    private var standing = Standing.new
    private var look: Scheduled<Void>?
    private var hasReplyBegun = false
    /// Of a close that waits for a reply to leave; one for all who ask.
    private var closing: EventLoopPromise<Void>?
    /// Sees bytes where this one sees parts of HTTP.
    private var bytes: ByteWatch?

    /// How often a connection is looked at: what is cut is cut at most this much later than it should be. Not oftener
    /// than need be: ten thousand connections are looked at ten thousand times in it.
    private let lookSeconds: Int64
    /// How long whoever was refused gets to read why.
    private static let lingerSeconds: Int64 = 2

    init(traffic: TrafficGuard) {
        self.traffic = traffic
        let limits = traffic.limits
        lookSeconds = Int64(max(1, min(limits.headSeconds, limits.crowdedIdleSeconds, limits.replyStallSeconds, 5)))
    }

    private static func now() -> Double { Double(NIODeadline.now().uptimeNanoseconds) * 1e-9 }

    // MARK: Beginning and end

    func handlerAdded(context: ChannelHandlerContext) {
        // Before the HTTP decoder, which says nothing of a head that is not whole.
        let first = ByteWatch { [weak self] in self?.clock.bytesCame(now: ConnectionWatch.now()) }
        bytes = first
        try? context.pipeline.syncOperations.addHandler(first, position: .first)
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    private func begin(_ context: ChannelHandlerContext) {
        guard standing == .new else { return }
        let peer = context.channel.remoteAddress?.ipAddress ?? "unknown"
        address = NetworkPrefix.holder(peer)
        network = NetworkPrefix.of(peer)
        if let refusal = traffic.gate.enter(address, network) {
            standing = .refused
            traffic.metrics.refused(refusal.rawValue)
            var told = RequestRefusal(.unavailable, "too many connections", advice: "wait as long as Retry-After says")
            told.retryAfterSeconds = 1 + Int(traffic.jitter() * 30)
            answer(told, context)
        } else {
            standing = .counted
            scheduleLook(context)
        }
    }

    private func end() {
        look?.cancel()
        look = nil
        if standing == .counted { traffic.gate.leave(address, network) }
        standing = .gone
    }

    // MARK: What passes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard standing != .refused else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            let isAlone = clock.stage == .head || clock.stage == .waiting
            clock.headEnded(now: Self.now())
            hasReplyBegun = false
            if isAlone, head.headerFields[.expect]?.lowercased() == "100-continue" { welcome(context) }
        case .body(let bytes): clock.bodyCame(bytes: bytes.readableBytes)
        case .end: clock.requestEnded(now: Self.now())
        }
        context.fireChannelRead(data)
    }

    /// Who asks before he sends a body is told to go on (RFC 9110, section 10.1.1); else he would wait a second, or for
    /// ever. Not into the middle of an earlier reply: who sends requests ahead does not wait.
    private func welcome(_ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if clock.stage == .body { clock.readingPaused(now: Self.now()) }
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if clock.stage == .body { clock.readingGoesOn(now: Self.now()) }
        context.read()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head: hasReplyBegun = true
        case .body: break
        case .end: clock.replyEnded(now: Self.now())
        }
        context.write(data, promise: promise)
    }

    /// A whole reply as it goes over the wire, behind those that came through the pipeline. It goes past the handlers
    /// that would make these bytes of its parts: they keep nothing from one reply to the next.
    func reply(_ bytes: ByteBuffer) {
        hasReplyBegun = true
        clock.replyEnded(now: Self.now())
        self.bytes?.send(bytes)
    }

    /// A reply that is not out yet is sent first: closing would throw it away in the middle. A server that ends waits
    /// for it no longer than for requests that run.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all, closing != nil || mustWait(context) else {
            context.close(mode: mode, promise: promise)
            return
        }
        if let closing {
            closing.futureResult.cascade(to: promise)
        } else {
            let closed = promise ?? context.eventLoop.makePromise()
            closing = closed
            closeLater(closed, context)
        }
    }

    private func mustWait(_ context: ChannelHandlerContext) -> Bool {
        standing == .counted && !traffic.isHurried && waiting(context) > 0
    }

    private func closeLater(_ closed: EventLoopPromise<Void>, _ context: ChannelHandlerContext) {
        guard mustWait(context) else { return context.close(promise: closed) }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .milliseconds(20)) {
            let (watch, context) = bound.value
            watch.closeLater(closed, context)
        }
    }

    // MARK: Looking

    private func waiting(_ context: ChannelHandlerContext) -> Int {
        guard context.channel.isActive else { return 0 }
        return (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    private func scheduleLook(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        look = context.eventLoop.scheduleTask(in: .seconds(lookSeconds)) {
            let (watch, context) = bound.value
            watch.lookNow(context)
        }
    }

    private func lookNow(_ context: ChannelHandlerContext) {
        guard standing == .counted else { return }
        guard !traffic.isHurried else {
            end()
            return context.close(promise: nil)
        }
        let verdict = clock.verdict(
            now: Self.now(), written: bytes?.written ?? 0, waiting: waiting(context), limits: traffic.limits,
            isCrowded: traffic.gate.isCrowded)
        guard case .cut(let cut) = verdict else {
            scheduleLook(context)
            return
        }
        traffic.metrics.refused(cut.rawValue)
        end()
        switch cut {
        case .headTooSlow, .bodyTooSlow:
            if hasReplyBegun && cut == .bodyTooSlow {
                context.close(promise: nil)
            } else {
                answer(RequestRefusal(.timeout, "the request came too slowly", advice: "try again"), context)
            }
        case .idle, .replyStalled: context.close(promise: nil)
        }
    }

    /// Says why, and hangs up when the other side has had time to read it: closing with unread bytes in the socket
    /// would reset the connection and take the answer away.
    private func answer(_ refusal: RequestRefusal, _ context: ChannelHandlerContext) {
        standing = .refused
        let body: [UInt8] = (try? refusal.wireMessage.serializedBytes()) ?? []
        var head = HTTPResponse(status: .init(code: refusal.code.status), headerFields: refusal.fields)
        head.headerFields[.contentType] = ReplyFormat.protobufType
        head.headerFields[.contentLength] = "\(body.count)"
        head.headerFields[.connection] = "close"
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(context.channel.allocator.buffer(bytes: body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.close(mode: .output, promise: nil)
        context.read()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .seconds(Self.lingerSeconds)) { bound.value.close(promise: nil) }
    }
}

/// Says when bytes come, before anybody has made sense of them, and counts those that are to leave.
private final class ByteWatch: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private(set) var written = 0
    private let came: () -> Void
    /// As long as it stands in the pipeline.
    private var context: ChannelHandlerContext?

    init(_ came: @escaping () -> Void) {
        self.came = came
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func send(_ bytes: ByteBuffer) {
        written += bytes.readableBytes
        context?.writeAndFlush(wrapOutboundOut(.byteBuffer(bytes)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        came()
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        written += unwrapOutboundIn(data).readableBytes
        context.write(data, promise: promise)
    }
}
