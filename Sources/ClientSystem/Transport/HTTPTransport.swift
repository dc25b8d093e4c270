import CCurl
import Domain
import Glibc
import Synchronization

/// How long a transport waits.
public struct HTTPSettings: Hashable, Sendable {
    public var connectTimeoutSeconds = 10.0
    /// An exchange that moves fewer than `lowSpeedBytesPerSecond` for this long is given up.
    public var lowSpeedSeconds = 30.0
    public var lowSpeedBytesPerSecond = 16
    /// Certificates (PEM) that are believed instead of the system's: for a site with an authority of its own. From the
    /// environment variable `MILLRACE_CA_FILE` unless set.
    public var authorities: String? = getenv("MILLRACE_CA_FILE").map { String(cString: $0) }

    public init() {}
}

/// HTTP by libcurl: keep-alive, HTTP/2 over TLS where it is offered, proxies from the environment, no redirects.
///
/// A call blocks its thread; use own threads, never the cooperative pool. Calls of several threads run at once, each on
/// an easy handle from a small pool, so that connections are used again.
public final class HTTPTransport: Sendable {
    private let settings: HTTPSettings
    private let userAgent: String
    private let governor: TransferGovernor?
    private let pool = Mutex<[EasyHandle]>([])
    private static let idleHandlesMax = 4

    /// - Parameter userAgent: for example `millrace-client/0.1.0`.
    public convenience init(userAgent: String, settings: HTTPSettings = HTTPSettings()) {
        self.init(userAgent: userAgent, settings: settings, governor: nil)
    }

    /// - Parameter governor: holds all exchanges to its limits.
    package init(userAgent: String, settings: HTTPSettings = HTTPSettings(), governor: TransferGovernor?) {
        _ = EasyHandle.library
        self.governor = governor
        self.userAgent = userAgent
        self.settings = settings
    }

    /// Sends the request and receives the whole answer, whatever its status.
    ///
    /// - Throws: `.unreachable` when nobody answers, `.interrupted` when the connection broke, `.protocolError` for an
    ///   answer that is no HTTP, a redirect, or one larger than allowed, `.usage` for something that is no URL.
    public func perform(_ request: HTTPRequest) throws(Fault) -> HTTPResponse {
        let sink = MemorySink(bytesMax: request.responseBytesMax)
        let head = try exchange(request, sink: sink)
        return HTTPResponse(status: head.status, headers: head.headers, body: sink.bytes)
    }

    /// As `perform`, with the body going elsewhere than into memory.
    ///
    /// The answer of a request that gives way may be cut off by it: `gaveWay` then says so.
    func exchange(_ request: HTTPRequest, sink: any BodySink) throws(Fault) -> ResponseHead {
        let rates = governor?.rates(of: request.kind) ?? TransferGovernor.Rates()
        let lane = governor?.enter(request.kind, rates)
        if let governor, !governor.mayGoOn {
            lane?.leave(after: (0, 0), rates)
            throw governor.fault
        }
        let handle = pool.withLock { $0.popLast() } ?? EasyHandle()
        let outcome: Result<ResponseHead, Fault>
        do throws(Fault) {
            outcome = .success(
                try handle.perform(
                    request, userAgent: userAgent, settings: settings, rates: rates, governor: governor, lane: lane,
                    sink: sink))
        } catch {
            outcome = .failure(error)
        }
        lane?.leave(after: handle.moved, rates)
        pool.withLock { if $0.count < Self.idleHandlesMax { $0.append(handle) } }
        let head = try outcome.get()
        guard !(300..<400).contains(head.status) || head.status == 304 else {
            let target = head.headers["location"] ?? "another address"
            throw Fault(
                .protocolError, "\(request.url) answers with a redirect to \(target)",
                advice: "Use that address if you trust it.")
        }
        return head
    }
}

/// Status and headers of an answer.
struct ResponseHead {
    var status = 0
    var headers: [String: String] = [:]
    /// The body is not complete: others waited for their turn. What has come is with the sink.
    var gaveWay = false

    /// As an answer without its body.
    var response: HTTPResponse { HTTPResponse(status: status, headers: headers, body: []) }
}

/// Where the body of an answer goes.
protocol BodySink: AnyObject {
    /// Called once before the first byte of a body.
    func begin(_ head: ResponseHead)
    /// - Returns: false to break off; `problem` then says why.
    func take(_ bytes: UnsafeRawBufferPointer) -> Bool
    var problem: Fault? { get }
}

/// Keeps the body in memory, up to a limit.
final class MemorySink: BodySink {
    private(set) var bytes: [UInt8] = []
    private(set) var problem: Fault?
    /// As far as it has come.
    private(set) var head = ResponseHead()
    let bytesMax: Int

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    func begin(_ head: ResponseHead) { self.head = head }

    func take(_ more: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count + more.count <= bytesMax else {
            problem = Fault(.protocolError, "the answer has more than the \(bytesMax) bytes allowed")
            return false
        }
        bytes.append(contentsOf: more)
        return true
    }
}
