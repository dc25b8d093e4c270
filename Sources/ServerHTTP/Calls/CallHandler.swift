import Domain
import HTTPTypes
import NIOCore
import NIOHTTPTypes
import ServerCore
import Wire

/// Answers `POST /v1/call` on the event loop of its connection; everything else goes on to the router.
///
/// A call inside of a session is most of what a project's server does, so it takes the short way: from the socket to
/// the writer's queue and back, without a task or a thread of its own. Stands in the pipeline behind
/// `ConnectionWatch`, which ends connections that are too slow, and before the router.
///
/// Reads from the socket only while nothing waits here: whoever sends requests ahead, or does not take the answers, is
/// read once more at most, and then fills the buffers of the two systems and nothing here. What one read brings may be
/// a few requests. Most bring nothing ahead, so the socket stays with those that are polled while an answer is out.
final class CallHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum State {
        /// Between two requests.
        case waiting
        /// The router has the head and gets the body.
        case passing
        case collecting(IncomingCall)
        /// The writer has the call.
        case answering
        /// Refused before its end: what still comes of it is dropped.
        case dropping
    }

    private let desk: CallDesk
    private let watch: ConnectionWatch
    private var state = State.waiting
    /// Requests that the router has and has not answered to the end.
    private var unanswered = 0
    /// What came meanwhile: a client may send the next request before it has the answer.
    private var queued: [HTTPRequestPart] = []
    /// What `queued` holds of the budget for bodies.
    private var queuedAccount: BodyAccount?
    private var isReleasing = false
    /// Somebody wants to read, and it is not the time.
    private var isReadHeld = false
    /// Events that would end the connection before the answer is out.
    private var heldEvents: [Any] = []
    /// Answers that must be out before `heldEvents` may go on.
    private var unsent = 0
    private var address = "unknown"

    /// Of parts, about a hundred requests. One read of the socket brings 256 KiB at most, and so may the last one.
    private static let queuedMax = 256

    init(desk: CallDesk, watch: ConnectionWatch) {
        self.desk = desk
        self.watch = watch
    }

    // MARK: The connection

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        address = context.remoteAddress?.ipAddress ?? "unknown"
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    private func end() {
        state = .dropping
        queued = []
        queuedAccount = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch state {
        case _ where isBusy: heldEvents.append(event)
        case .collecting where event is ChannelShouldQuiesceEvent: heldEvents.append(event)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: When to read

    /// Something waits for an answer that is still out.
    private var isBusy: Bool {
        if case .answering = state { return true }
        return isReleasing || !queued.isEmpty
    }

    func read(context: ChannelHandlerContext) {
        // An event that is held ends the connection: nothing more is to come before it.
        isReadHeld = isReleasing || !queued.isEmpty || isBusy && !heldEvents.isEmpty || !context.channel.isWritable
        if !isReadHeld { context.read() }
    }

    private func readOn(_ context: ChannelHandlerContext) {
        if isReadHeld { read(context: context) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            release(context)
            readOn(context)
        }
        context.fireChannelWritabilityChanged()
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if isReleasing || !queued.isEmpty || !take(part, context) { wait(part, context) }
    }

    private func wait(_ part: HTTPRequestPart, _ context: ChannelHandlerContext) {
        if case .dropping = state { return }
        let account = queuedAccount ?? desk.account()
        queuedAccount = account
        var fits = queued.count < Self.queuedMax
        if fits, case .body(let piece) = part { fits = account.take(piece.readableBytes) }
        guard fits else {
            desk.tooFarAhead()
            end()
            context.close(promise: nil)
            return
        }
        queued.append(part)
    }

    /// - Returns: false when it must wait for an answer that is still out.
    private func take(_ part: HTTPRequestPart, _ context: ChannelHandlerContext) -> Bool {
        switch (state, part) {
        case (.waiting, .head(let head)) where head.path == CallEnvelope.path && head.method == .post:
            if unanswered > 0 || !context.channel.isWritable { return false }
            begin(head, context)
        case (.waiting, .head):
            state = .passing
            unanswered += 1
            context.fireChannelRead(wrapInboundOut(part))
        case (.passing, .end):
            state = .waiting
            context.fireChannelRead(wrapInboundOut(part))
        case (.passing, _), (.waiting, _):
            context.fireChannelRead(wrapInboundOut(part))
        case (.collecting(var call), .body(let piece)):
            // The buffer is appended to in place: nobody else holds it.
            state = .dropping
            let refusal = desk.add(piece, to: &call)
            state = .collecting(call)
            if let refusal { refuse(refusal, call, context) }
        case (.collecting(let call), .end):
            state = .answering
            submit(call, context)
        case (.answering, _): return false
        case (.dropping, _), (.collecting, .head): break
        }
        return true
    }

    private func begin(_ head: HTTPRequest, _ context: ChannelHandlerContext) {
        let call = desk.begin(head, from: address)
        state = .collecting(call)
        if let announced = head.headerFields[.contentLength].flatMap({ Int($0) }), announced > CallDesk.bytesMax {
            refuse(CallDesk.tooLarge, call, context)
        }
    }

    /// Before the end of the request: the connection cannot go on behind it.
    private func refuse(_ refusal: RequestRefusal, _ call: IncomingCall, _ context: ChannelHandlerContext) {
        state = .dropping
        write(desk.answer(refusal, to: call), close: true, nil, context)
        // The other end gets a moment to read the answer.
        let channel = context.channel
        context.eventLoop.scheduleTask(in: .seconds(2)) { channel.close(promise: nil) }
    }

    private func submit(_ call: IncomingCall, _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        desk.submit(call, on: context.eventLoop) { answer in
            let (handler, context) = bound.value
            handler.answered(answer, call, context)
        }
    }

    private func answered(_ answer: CallAnswer, _ call: IncomingCall, _ context: ChannelHandlerContext) {
        guard case .answering = state else { return }
        state = call.closesAfter ? .dropping : .waiting
        if call.closesAfter || !heldEvents.isEmpty {
            let isOut = context.eventLoop.makePromise(of: Void.self)
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            unsent += 1
            isOut.futureResult.whenComplete { _ in
                let (handler, context) = bound.value
                handler.unsent -= 1
                handler.fireHeldEvents(context)
                if call.closesAfter { context.close(promise: nil) }
            }
            write(answer, close: call.closesAfter, isOut, context)
        } else {
            write(answer, close: false, nil, context)
        }
        release(context)
        readOn(context)
    }

    /// Once all is answered, and the answers are out. A call whose bytes are still coming is answered first.
    private func fireHeldEvents(_ context: ChannelHandlerContext) {
        guard !isBusy, unsent == 0, !heldEvents.isEmpty else { return }
        if case .collecting = state { return }
        let events = heldEvents
        heldEvents = []
        for event in events { context.fireUserInboundEventTriggered(event) }
    }

    private func write(
        _ answer: CallAnswer, close: Bool, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext
    ) {
        let isLast = close || desk.isDraining
        if !isLast, promise == nil, let bytes = answer.plainBytes(context.channel.allocator) {
            return watch.reply(bytes)
        }
        var head = answer.head
        if isLast { head.headerFields[.connection] = "close" }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(context.channel.allocator.buffer(bytes: answer.body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: promise)
    }

    /// Goes on with what waited for an answer.
    private func release(_ context: ChannelHandlerContext) {
        guard !isReleasing, !queued.isEmpty else { return fireHeldEvents(context) }
        isReleasing = true
        let parts = queued
        queued = []
        var taken = 0
        while taken < parts.count, take(parts[taken], context) { taken += 1 }
        isReleasing = false
        if case .dropping = state { taken = parts.count }
        // What came while these were handed on stands behind them.
        queued.insert(contentsOf: parts[taken...], at: 0)
        if queued.isEmpty { queuedAccount = nil }
        // The router looks at what has come when it is told that a read is over.
        if taken > 0 { context.fireChannelReadComplete() }
        fireHeldEvents(context)
    }

    // MARK: Answers of the router

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(data, promise: promise)
        guard case .end = unwrapOutboundIn(data) else { return }
        unanswered = max(0, unanswered - 1)
        guard !queued.isEmpty else { return }
        release(context)
        readOn(context)
    }
}
