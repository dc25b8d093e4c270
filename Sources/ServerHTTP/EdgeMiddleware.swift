import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServerCore

/// Round every route: counts and times it, turns errors into replies, sets the headers that every reply has.
struct EdgeMiddleware: RouterMiddleware {
    typealias Context = ServerContext

    let runtime: ServerRuntime
    let log: Logger
    /// What a browser is shown instead of an `ErrorReply`.
    let refusalPage: @Sendable (RequestRefusal) -> Response?

    static let pagePolicy =
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'"
    /// For files of results: an SVG may carry its own style, and nothing else.
    static let resultPolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"

    func handle(
        _ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        let clock = ContinuousClock()
        let start = clock.now
        let traffic = runtime.traffic
        var context = context
        traffic.seeThroughProxy(request, &context)
        var response: Response
        do {
            try traffic.admit(context)
            response = try await BodyAccount.$current.withValue(BodyAccount(traffic.bodies)) { [context] in
                try await next(request, context)
            }
        } catch {
            response = refuse(error, request, context)
        }
        if response.headers[.contentSecurityPolicy] == nil {
            response.headers[.contentSecurityPolicy] = EdgeMiddleware.pagePolicy
        }
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[HTTPField.Name("Referrer-Policy")!] = "no-referrer"
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        if request.method == .head { response = response.createHeadResponse() }
        if runtime.isDraining { response.headers[.connection] = "close" }
        let now = clock.now
        // What was turned away was not served.
        if ![429, 503, 507].contains(response.status.code) { traffic.answered(now: now) }
        runtime.metrics.request(
            route: context.endpointPath ?? "none", method: request.method.rawValue, status: response.status.code,
            seconds: start.duration(to: now).inSeconds,
            bytesIn: request.headers[.contentLength].flatMap { Int($0) } ?? 0,
            bytesOut: response.body.contentLength ?? 0)
        return response
    }

    /// Only for people who look at pages: programs under `/v1` always get what the protocol says.
    private func pageFor(_ request: Request, _ refusal: RequestRefusal) -> Response? {
        guard (request.headers[.accept] ?? "").contains("text/html"), !request.uri.path.hasPrefix("/v1") else {
            return nil
        }
        return refusalPage(refusal)
    }

    private func refuse(_ error: any Error, _ request: Request, _ context: ServerContext) -> Response {
        let refusal =
            switch error {
            case is QueueFull: runtime.traffic.busy("writer_queue")
            case is TooManyBodies: runtime.traffic.busy("body_bytes")
            default: RequestRefusal(error)
            }
        if refusal.code.status >= 500 && refusal.code != .unavailable && refusal.code != .diskReserve {
            log.error(
                "a request failed",
                metadata: ["route": "\(context.endpointPath ?? "none")", "error": "\(error)"])
        } else {
            log.debug(
                "a request was refused",
                metadata: ["route": "\(context.endpointPath ?? "none")", "code": "\(refusal.code.rawValue)"])
        }
        if refusal.code == .timeout || refusal.code == .tooLarge {
            // The rest of the body is not wanted; the other end gets a moment to read the answer.
            context.channel?.eventLoop.scheduleTask(in: .seconds(2)) { [channel = context.channel] in
                channel?.close(promise: nil)
            }
        }
        let format: ReplyFormat =
            switch context.endpointPath {
            case "/v1/register", "/v1/session", "/v1/call", "/v1/scheduler", "/v1/account", "/v1/erase", "/v1/export",
                "/v1/uploads/{ticket}", "/v1/blobs/{digest}":
                .protobuf
            case "/v1/project": .forClients(request)
            default: .forTools(request)
            }
        var response = pageFor(request, refusal) ?? refusal.response(format)
        if let error = error as? WrongMethod { response.headers[.allow] = error.allowed }
        return response
    }
}
