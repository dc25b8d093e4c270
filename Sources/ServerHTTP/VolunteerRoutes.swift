import Bytes
import Domain
import HTTPTypes
import Hummingbird
import Logging
import ServerCore
import Wire

/// What concerns volunteers and not their work: the account, its end, and an export of all that is kept.
extension ServerRoutes {
    @Sendable func account(_ request: Request, _ context: ServerContext) async throws -> Response {
        try traffic.admitAccount(context)
        let (body, host, sequence) = try await signedBody(request, limit: 64 * 1024)
        let message = try ReplyFormat.strict(WireAccountRequest.self, body, limit: 64 * 1024)
        let call = try core.checkAccount(message, draw: ServerRoutes.drawLinkCode)
        let reply = try await writer.perform { [core] tx, now in
            try core.account(call, host: host, sequence: sequence, in: tx, now: now)
        }.get()
        if case .removeHost(let removed) = call.action {
            runtime.forget([removed])
            runtime.nudge()
            runtime.logs[.http].info("a host was removed", metadata: ["host": "\(removed)"])
        }
        return try ReplyFormat.protobuf.response(reply)
    }

    private static func drawLinkCode() -> LinkCode {
        var generator = SystemRandomNumberGenerator()
        let random = (0..<LinkCode.randomByteCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return LinkCode(random: random)
    }

    /// Asks for no key of the store: once the volunteer is erased there is none, and the same request must still bring
    /// the same statement.
    @Sendable func erase(_ request: Request, _ context: ServerContext) async throws -> Response {
        try traffic.admitAccount(context)
        guard let host = header(request, RequestSignature.hostHeader).flatMap({ Int64($0) }).map(HostID.init),
            let sequence = header(request, RequestSignature.sequenceHeader).flatMap({ Int64($0) }), sequence > 0
        else { throw RequestRefusal(.badRequest, "the headers Millrace-Host and Millrace-Sequence are needed") }
        let shown = try signature(request)
        let body = try await collected(request, limit: 4096)
        let message = try ReplyFormat.strict(WireEraseRequest.self, body, limit: 4096)
        let call = try core.checkErase(
            message, body: body, path: request.head.path ?? "", sequence: sequence, signature: shown)
        let (statement, hosts) = try await writer.perform { [core] tx, now in
            try core.erase(call, host: host, sequence: sequence, in: tx, now: now)
        }.get()
        runtime.forget(hosts)
        runtime.nudge()
        runtime.renewStatistics()
        runtime.logs[.http].info("a volunteer was erased", metadata: ["volunteer": "\(statement.volunteerID)"])
        return try ReplyFormat.protobuf.response(try core.signed(statement))
    }

    @Sendable func export(_ request: Request, _ context: ServerContext) async throws -> Response {
        let (body, host, sequence) = try await signedBody(request, limit: 4096)
        try traffic.admitExport(of: host)
        let call = try core.checkExport(try ReplyFormat.strict(WireExportRequest.self, body, limit: 4096))
        let reply = try await writer.perform { [core] tx, now in
            try core.export(call, host: host, sequence: sequence, in: tx, now: now)
        }.get()
        return try ReplyFormat.protobuf.response(reply)
    }
}
