import Domain
import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import ServerCore
import Storage
import SwiftProtobuf
import Wire

/// How a message travels.
enum ReplyFormat: Sendable {
    case protobuf, json

    static let protobufType = "application/x-protobuf"

    /// For tools: JSON unless protobuf is asked for.
    static func forTools(_ request: Request) -> ReplyFormat {
        (request.headers[.accept] ?? "").contains(protobufType) ? .protobuf : .json
    }

    /// For clients: protobuf unless a person or a script asks for JSON.
    static func forClients(_ request: Request) -> ReplyFormat {
        let accept = request.headers[.accept] ?? ""
        if accept.contains(protobufType) { return .protobuf }
        return accept.contains("json") || accept.contains("html") ? .json : .protobuf
    }

    func response(_ message: some SwiftProtobuf.Message, status: Int = 200, fields: HTTPFields = [:]) throws -> Response
    {
        var fields = fields
        let bytes: [UInt8]
        switch self {
        case .protobuf:
            fields[.contentType] = ReplyFormat.protobufType
            bytes = try message.serializedBytes()
        case .json:
            fields[.contentType] = "application/json"
            bytes = try message.jsonUTF8Bytes()
        }
        return Response(
            status: .init(code: status), headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// Reads a request body in the format that its content type names.
    static func decode<M: SwiftProtobuf.Message>(
        _ type: M.Type, _ bytes: [UInt8], request: Request, limit: Int
    ) throws -> M {
        if (request.headers[.contentType] ?? "").contains(protobufType) {
            return try strict(type, bytes, limit: limit)
        }
        var options = JSONDecodingOptions()
        options.ignoreUnknownFields = true
        options.messageDepthLimit = Limits.messageDepthMax
        do {
            return try M(jsonUTF8Bytes: bytes, options: options)
        } catch {
            throw RequestRefusal(.badRequest, "the request body is not the JSON of \(M.protoMessageName)")
        }
    }

    /// A reply that is encoded already.
    static func response(protobuf bytes: [UInt8]) -> Response {
        Response(
            status: .ok, headers: [.contentType: protobufType],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    static func strict<M: SwiftProtobuf.Message>(_ type: M.Type, _ bytes: [UInt8], limit: Int) throws -> M {
        try strict { () throws(WireError) in try StrictDecode.message(type, from: bytes, limit: limit) }
    }

    static func strict<T>(_ decode: () throws(WireError) -> T) throws -> T {
        do {
            return try decode()
        } catch {
            throw RequestRefusal(.badRequest, "the request body: \(error)")
        }
    }
}

/// A request whose address is right and whose method is not.
struct WrongMethod: Error {
    /// As the header `Allow` lists them.
    var allowed: String
}

extension RequestRefusal {
    /// What a person and a program are told of an error. The text of errors that are our own stays in the log.
    init(_ error: any Error) {
        switch error {
        case let refusal as RequestRefusal: self = refusal
        case let error as WrongMethod:
            self.init(.methodNotAllowed, "this address takes \(error.allowed), nothing else")
        case StoreError.io:
            // Which file it was stands in the log: strangers need not know the server's folders.
            self.init(
                .diskFull, "the server cannot write; its disk may be full",
                advice: "nothing was kept; try again later")
        case StoreError.uncertain:
            self.init(
                .unavailable, "the server cannot tell whether this was done: its database was lost at that moment",
                advice: "look whether it was done before you repeat it")
        case StoreError.locked:
            self.init(.unavailable, "the server's database is being worked on", advice: "try again later")
        case is StoreError:
            self.init(.failure, "the server's store refused", advice: "nothing was kept; see the server's log")
        case let fault as Fault where fault.kind == .cannotWrite:
            self.init(
                .diskFull, "the server cannot write; its disk may be full",
                advice: "nothing was kept; try again later")
        case let fault as Fault where fault.kind == .interrupted:
            self.init(.unavailable, fault.message, advice: "try again later")
        case is HTTPParserError, is ChannelError, is IOError, is CancellationError:
            // Nobody reads this: the other side has gone, or was cut for being slow.
            self.init(.badRequest, "the request ended before it was whole")
        case is NIOTooManyBytesError:
            self.init(.tooLarge, "the request body is too large")
        case let error as HTTPError where error.status == .notFound:
            self.init(.notFound, "there is nothing at this address")
        default:
            self.init(.failure, "the server failed", advice: "nothing was kept; see the server's log")
        }
    }

    var wireMessage: WireErrorReply {
        var reply = WireErrorReply()
        reply.code = code.rawValue
        reply.message = message
        reply.advice = advice
        reply.sequence = UInt64(max(0, sequence))
        return reply
    }

    var fields: HTTPFields {
        var fields = HTTPFields()
        if code == .badToken { fields[.wwwAuthenticate] = "Bearer" }
        let waits: Set<RefusalCode> = [.unavailable, .diskFull, .diskReserve, .tooManyRequests]
        if waits.contains(code) { fields[.retryAfter] = String(retryAfterSeconds ?? 5) }
        return fields
    }

    func response(_ format: ReplyFormat) -> Response {
        let fields = fields
        let made = try? format.response(wireMessage, status: code.status, fields: fields)
        return made ?? Response(status: .init(code: code.status))
    }
}
