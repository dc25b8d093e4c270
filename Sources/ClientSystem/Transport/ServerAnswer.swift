import Domain
import SwiftProtobuf
import Wire

/// Reads what a Millrace server answers.
extension HTTPResponse {
    /// The media type of protobuf bodies.
    public static let protobuf = "application/x-protobuf"

    /// The message of a successful answer.
    ///
    /// - Throws: the server's own refusal as a fault (see `refusal`), or `.protocolError` when this is no such message,
    ///   for example a web page.
    public func message<M: SwiftProtobuf.Message>(_ type: M.Type, url: String) throws(Fault) -> M {
        if status >= 400 { throw refusal(url: url) }
        guard (200..<300).contains(status) else {
            throw CurlFailure.notMillrace(url, "an answer with status \(status)")
        }
        guard mediaType == Self.protobuf || mediaType == "application/json" else {
            throw CurlFailure.notMillrace(url, "this is \(kindOfBody), not a Millrace message")
        }
        do throws(WireError) {
            return mediaType == Self.protobuf
                ? try StrictDecode.message(type, from: body, limit: body.count)
                : try StrictDecode.json(type, from: body, limit: body.count)
        } catch {
            throw CurlFailure.notMillrace(url, "the answer cannot be read: \(error)")
        }
    }

    /// The `ErrorReply` of an answer with status 400 or more; nil when the body is none.
    public var errorReply: WireErrorReply? {
        let reply: WireErrorReply?
        switch mediaType {
        case Self.protobuf:
            reply = try? StrictDecode.message(WireErrorReply.self, from: body, limit: Limits.messageBytesMax * 2)
        case "application/json":
            reply = try? StrictDecode.json(WireErrorReply.self, from: body, limit: Limits.messageBytesMax * 2)
        default: reply = nil
        }
        return reply?.code.isEmpty == false ? reply : nil
    }

    /// An answer with status 400 or more as a failure of ours.
    public func refusal(url: String) -> Fault {
        var fault = refusalWithoutWish(url)
        if [429, 503, 507].contains(status) { fault.retryAfterSeconds = retryAfterSeconds }
        return fault
    }

    /// The header `Retry-After` in seconds (RFC 9110, section 10.2.3). A date says nothing here: the clock of a host
    /// may be wrong, and no server of ours sends one.
    public var retryAfterSeconds: Double? {
        guard let text = headers["retry-after"], let seconds = UInt32(text) else { return nil }
        return Double(seconds)
    }

    private func refusalWithoutWish(_ url: String) -> Fault {
        guard let reply = errorReply else {
            if status == 429 || status == 503 && retryAfterSeconds != nil {
                return Fault(.interrupted, "\(url): status \(status), the server has too much to do")
            }
            if status == 408 { return Fault(.interrupted, "\(url): status 408, the request came too slowly") }
            // A proxy says 502 or 503 while the server behind it restarts.
            if (502...504).contains(status) {
                return Fault(
                    .unreachable, "\(url): status \(status), the server behind this address does not answer",
                    advice: "Is the server running?")
            }
            return CurlFailure.notMillrace(url, "status \(status) with \(kindOfBody)")
        }
        let kind: FaultKind =
            switch status {
            case 400, 415: .badData
            case 401, 403, 413: .refused
            case 404: .noInput
            case 422: .badData
            case 408, 429, 503, 507: .interrupted
            default: .protocolError
            }
        return Fault(kind, reply.message, advice: reply.advice.isEmpty ? nil : reply.advice)
    }

    private var kindOfBody: String {
        if mediaType == "text/html" || body.first == UInt8(ascii: "<") { return "a web page" }
        if body.isEmpty { return "an empty body" }
        return mediaType.isEmpty ? "something without a type" : "something of type \(mediaType)"
    }
}
