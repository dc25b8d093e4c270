import Bytes
import ClientCore
import Domain
import FoundationEssentials
import SwiftProtobuf
import Wire

/// What a volunteer's client asks a server: who are you, register me, the scheduler call, and the account.
public struct ServerLink: Sendable {
    public let transport: HTTPTransport
    /// Without a final slash.
    public let serverURL: String
    private let session: CallSession?

    /// - Parameter project: the pinned key of the project; with it, calls that come often are made inside of a session.
    public init(transport: HTTPTransport, serverURL: String, project: VerifyingKey? = nil) {
        self.transport = transport
        self.serverURL = serverURL
        session = project.map { CallSession(project: $0) }
    }

    /// An address as a person may type it: `http://` is added to a bare name, a final slash taken off.
    ///
    /// - Throws: `.usage` when that gives no http or https address.
    public static func normalised(_ text: String) throws(Fault) -> String {
        var url = text.contains("://") ? text : "http://" + text
        while url.hasSuffix("/") { url.removeLast() }
        let rest = url.drop { $0 != "/" }.drop { $0 == "/" }
        guard url.hasPrefix("http://") || url.hasPrefix("https://"), !rest.isEmpty,
            url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !url.contains("?"), !url.contains("#")
        else {
            throw Fault(
                .usage, "\"\(text)\" is not the address of a server", advice: "For example http://127.0.0.1:8080")
        }
        return url
    }

    /// `GET /v1/project`.
    public func project() throws(Fault) -> WireProjectInfo {
        let url = "\(serverURL)/v1/project"
        let request = HTTPRequest(
            method: "GET", url: url, headers: [HTTPHeader("Accept", HTTPResponse.protobuf)],
            responseBytesMax: Limits.rpcBytesMax)
        let info = try transport.perform(request).message(WireProjectInfo.self, url: url)
        guard info.protocolVersion == 1 else {
            throw Fault(
                .protocolError, "\(url): protocol version \(info.protocolVersion), this client speaks version 1",
                advice: info.protocolVersion > 1 ? "Install a newer client." : nil)
        }
        guard VerifyingKey(rawRepresentation: Array(info.publicKey)) != nil else {
            throw CurlFailure.notMillrace(url, "the answer holds no project key")
        }
        return info
    }

    /// `POST /v1/register`; repeating it gives the same host.
    ///
    /// - Parameter linkCode: whose volunteer the host joins; nil: it begins one with this name.
    /// - Throws: `.refused` for a code that is wrong, used or expired; `.negative` when this host is another
    ///   volunteer's.
    public func register(
        volunteer: String, linkCode: LinkCode? = nil, profile: HostProfile, key: SigningKey
    ) throws(Fault) -> WireRegisterReply {
        var message = WireRegisterRequest()
        message.publicKey = Data(key.publicKey.rawRepresentation)
        if let linkCode { message.linkCode = "\(linkCode)" } else { message.volunteerName = volunteer }
        message.profile = WireHostProfileMessage(profile)
        let url = "\(serverURL)/v1/register"
        let response = try post("/v1/register", message, host: nil, sequence: 0, key: key)
        if let no = ServerLink.no(response) { throw no }
        let reply = try response.message(WireRegisterReply.self, url: url)
        guard reply.hostID > 0, reply.hostID < 1 << 63 else {
            throw CurlFailure.notMillrace(url, "the answer holds no host number")
        }
        return reply
    }

    /// A scheduler call: `POST /v1/call` inside of a session where there is one, else `POST /v1/scheduler`.
    public func call(
        _ request: WireSchedulerRequest, host: HostID, sequence: Int64, key: SigningKey
    ) -> Result<WireSchedulerReply, CallFailureReason> {
        let url = "\(serverURL)/v1/scheduler"
        do throws(Fault) {
            switch try callInSession(request, host: host, sequence: sequence, key: key) {
            case .reply(let reply): return .success(reply)
            case .stale(let known): return .failure(CallFailureReason(.stale(sequence: known)))
            case nil: break
            }
            let response = try post("/v1/scheduler", request, host: host, sequence: sequence, key: key)
            if response.status == 409, let reply = response.errorReply, reply.code == "stale_sequence" {
                return .failure(CallFailureReason(.stale(sequence: Int64(clamping: reply.sequence))))
            }
            return .success(try response.message(WireSchedulerReply.self, url: url))
        } catch {
            let text = error.advice.map { "\(error.message). \($0)" } ?? error.message
            let refused = [.refused, .badData, .noInput].contains(error.kind)
            if !refused, let seconds = error.retryAfterSeconds {
                return .failure(CallFailureReason(.busy(text, retryAfterSeconds: seconds)))
            }
            return .failure(CallFailureReason(refused ? .refused(text) : .failed(text)))
        }
    }

    private enum SessionAnswer {
        case reply(WireSchedulerReply)
        case stale(Int64)
    }

    /// - Returns: nil when there is no session, or the server does not take it: then the call is to be signed, with the
    ///   same number.
    private func callInSession(
        _ request: WireSchedulerRequest, host: HostID, sequence: Int64, key: SigningKey
    ) throws(Fault) -> SessionAnswer? {
        guard let session,
            let open = session.current(ask: { askForSession($0, host: host, key: key) }), open.token.host == host
        else { return nil }
        let full = HotRequest(request)
        if let short = session.short(full) {
            switch try exchange(short.request, open, sequence) {
            case .reply(let reply): return .reply(session.completed(reply, to: short).message)
            case .stale(let known): return .stale(known)
            case .noSession: return nil
            // A server that knows nothing of short calls; nothing was done, so the number is still good.
            case .refused: session.refusedShort()
            }
        }
        switch try exchange(full, open, sequence) {
        case .reply(let reply): return .reply(reply.message)
        case .stale(let known): return .stale(known)
        case .noSession: return nil
        case .refused(let response): throw response.refusal(url: serverURL + CallEnvelope.path)
        }
    }

    private enum SealedAnswer {
        case reply(HotReply)
        case stale(Int64)
        case noSession
        case refused(HTTPResponse)
    }

    /// What libcurl would add and nobody reads.
    private static let bareHeaders = ["Accept", "Content-Type", "User-Agent"].map { HTTPHeader($0, "") }

    private func exchange(
        _ request: HotRequest, _ open: CallSession.Open, _ sequence: Int64
    ) throws(Fault) -> SealedAnswer {
        let message = request.encoded
        guard message.count + CallEnvelope.headByteCount <= Limits.callBytesMax else { return .noSession }
        let url = serverURL + CallEnvelope.path
        let body = CallEnvelope.sealed(message, token: open.token, sequence: sequence, key: open.key)
        let response = try transport.perform(
            HTTPRequest(
                method: "POST", url: url, headers: Self.bareHeaders, body: body,
                responseBytesMax: Limits.rpcBytesMax))
        if response.status == 409, let reply = response.errorReply, reply.code == "stale_sequence" {
            return .stale(Int64(clamping: reply.sequence))
        }
        if [401, 404, 405].contains(response.status) {
            session?.drop()
            return .noSession
        }
        if response.status == 400 { return .refused(response) }
        guard response.status == 200 else { throw response.refusal(url: url) }
        guard
            let reply = CallEnvelope.openedReply(
                response.body, token: open.token, sequence: sequence, key: open.key)
        else { throw CurlFailure.notMillrace(url, "the answer does not come from the session's server") }
        do throws(WireError) {
            return .reply(try HotReply(bytes: reply, limit: reply.count))
        } catch {
            throw CurlFailure.notMillrace(url, "the answer cannot be read: \(error)")
        }
    }

    private func askForSession(_ request: WireSessionRequest, host: HostID, key: SigningKey) -> WireSessionReply? {
        let path = "/v1/session"
        // The number is looked at nowhere: repeated by a stranger, the request brings him nothing.
        let response = try? post(path, request, host: host, sequence: 1, key: key)
        return try? response?.message(WireSessionReply.self, url: serverURL + path)
    }

    /// `CallFailure` as an error.
    public struct CallFailureReason: Error {
        public var failure: CallFailure
        init(_ failure: CallFailure) { self.failure = failure }
    }

    func post(
        _ path: String, _ message: some SwiftProtobuf.Message, host: HostID?, sequence: Int64, key: SigningKey,
        freshConnection: Bool = false
    ) throws(Fault) -> HTTPResponse {
        let body: [UInt8]
        do throws(WireError) { body = try StrictDecode.bytes(of: message) } catch {
            throw Fault(.software, "\(error)")
        }
        let signed = RequestSignature.message(method: "POST", path: path, sequence: sequence, body: body)
        var headers = [
            HTTPHeader("Content-Type", HTTPResponse.protobuf), HTTPHeader("Accept", HTTPResponse.protobuf),
            HTTPHeader(RequestSignature.signatureHeader, Hex.encode(key.sign(signed))),
            HTTPHeader(RequestSignature.sequenceHeader, "\(sequence)"),
        ]
        if let host { headers.append(HTTPHeader(RequestSignature.hostHeader, "\(host.rawValue)")) }
        return try transport.perform(
            HTTPRequest(
                method: "POST", url: serverURL + path, headers: headers, body: body,
                responseBytesMax: Limits.rpcBytesMax, freshConnection: freshConnection))
    }
}
