import Bytes
import Domain
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import ServerCore
import Storage
import Wire

/// What answers where. `work-units/FORMAT.md` describes the protocol for people who write another client.
public struct ServerRoutes: Sendable {
    let runtime: ServerRuntime
    let files: ServerFiles
    let web: WebFolder
    let tokenHash: Digest
    let uploads = UploadQuota()
    let pages = PageShelf<String>()
    let reports = PageShelf<WireValidationReport>()
    let infos = PageShelf<WireProjectInfo>()
    let counts = PageShelf<BatchCounts>()
    let voids = VoidShelf()
    let releases: ReleaseShelf

    /// - Parameter token: what admins and scientists must show; only its hash is kept.
    public init(runtime: ServerRuntime, files: ServerFiles, web: WebFolder, token: String) {
        self.runtime = runtime
        self.files = files
        self.web = web
        releases = ReleaseShelf(path: files.releasesPath, project: runtime.core.keys.project)
        tokenHash = SHA256Hash.digest(of: Array(token.utf8))
        _ = ServerRoutes.startedAt
    }

    var core: ProjectServer { runtime.core }
    var writer: WriterThread { runtime.writer }
    var traffic: TrafficGuard { runtime.traffic }

    func router() -> Router<ServerContext> {
        let router = Router(context: ServerContext.self, options: .autoGenerateHeadEndpoints)
        let routes = self
        router.add(
            middleware: EdgeMiddleware(
                runtime: runtime, log: runtime.logs[.http], refusalPage: { routes.refusalPage($0) }))
        router.get("/v1/project", use: project)
        router.post("/v1/register", use: register)
        router.post("/v1/session", use: session)
        router.post("/v1/scheduler", use: scheduler)
        router.post("/v1/account", use: account)
        router.post("/v1/erase", use: erase)
        router.post("/v1/export", use: export)
        addBlobs(router)
        addUploads(router)
        addAdmin(router)
        addPages(router)
        addLog(router)
        addStatistics(router)
        addReleases(router)
        addHealth(router)
        refuseOtherMethods(router)
        return router
    }

    /// Answers 405 where there is something under another method; without this the router says that there is nothing.
    private func refuseOtherMethods(_ router: Router<ServerContext>) {
        let all: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]
        var taken = Dictionary(grouping: router.routes) { $0.path.description }.mapValues { Set($0.map(\.method)) }
        // Answered by `CallHandler` before it comes here.
        taken[CallEnvelope.path] = [.post]
        for (path, methods) in taken {
            var known = methods
            if known.contains(.get) { known.insert(.head) }
            let allowed = all.filter { known.contains($0) }.map(\.rawValue).joined(separator: ", ")
            for method in all where !known.contains(method) {
                router.on(RouterPath(path), method: method) { _, _ -> Response in throw WrongMethod(allowed: allowed) }
            }
        }
    }

    /// More than there are cores: they wait for the disk, and those that wait together are written together.
    private static let disk: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 32)
        pool.start()
        return pool
    }()

    /// Runs what blocks on the disk on threads for that.
    func onDisk<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await ServerRoutes.disk.runIfActive(body)
    }

    /// Refuses whoever does not show the admin's token. The comparison takes the same time wherever they differ: what
    /// is compared are hashes, which nobody can steer.
    func requireToken(_ request: Request) throws {
        let shown = request.headers[.authorization] ?? ""
        let prefix = "Bearer "
        let token = shown.hasPrefix(prefix) ? String(shown.dropFirst(prefix.count)) : ""
        let hash = SHA256Hash.digest(of: Array(token.utf8))
        let difference = zip(hash.bytes, tokenHash.bytes).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
        guard difference == 0 else {
            throw RequestRefusal(
                .badToken, "the token is missing or wrong",
                advice: "name the file admin.token of the server's data directory")
        }
    }

    func number(_ name: String, _ context: ServerContext) throws -> Int64 {
        guard let text = context.parameters.get(name), let number = Int64(text), number > 0, number < 1 << 21 else {
            throw RequestRefusal(.notFound, "there is no such \(name)")
        }
        return number
    }

    // MARK: Clients

    @Sendable func project(_ request: Request, _ context: ServerContext) async throws -> Response {
        let routes = self
        var info = try await infos.page("") {
            try await routes.writer.perform { tx, now in try routes.core.projectInfo(in: tx, now: now) }
        }
        info.serverTimeMs = UInt64(max(0, runtime.clock.now().milliseconds))
        return try ReplyFormat.forClients(request).response(info)
    }

    @Sendable func register(_ request: Request, _ context: ServerContext) async throws -> Response {
        try traffic.admitRegistration(context)
        try runtime.disk.requireFloor()
        let body = try await collected(request, limit: 64 * 1024)
        let message = try ReplyFormat.strict(WireRegisterRequest.self, body, limit: 64 * 1024)
        let call = try core.checkRegister(
            message, body: body, path: request.head.path ?? "", signature: try signature(request))
        if call.linkCode != nil { try traffic.admitLinkCode(context) }
        let reply = try await writer.perform { [core] tx, now in try core.register(call, in: tx, now: now) }.get()
        runtime.logs[.http].info("a host registered", metadata: ["host": "\(reply.hostID)"])
        return try ReplyFormat.protobuf.response(reply)
    }

    @Sendable func scheduler(_ request: Request, _ context: ServerContext) async throws -> Response {
        try runtime.disk.requireFloor()
        let (body, host, sequence) = try await signedBody(request, limit: Limits.rpcBytesMax)
        try traffic.admitCall(of: host)
        let message = try ReplyFormat.strict { () throws(WireError) in
            try HotRequest(bytes: body, limit: Limits.rpcBytesMax)
        }
        runtime.networks.note(host, context.network)
        let reply = try await schedule(try core.checkScheduler(message, now: runtime.clock.now()), host, sequence)
        return ReplyFormat.response(protobuf: reply.encoded)
    }

    /// A whole body, in the time that a body may take.
    func collected(_ request: Request, limit: Int) async throws -> [UInt8] {
        try await RequestBodyReader.collect(request, limit: limit, seconds: traffic.limits.bodySeconds)
    }

    /// A body that was signed by the host that the headers name, and its number; whether that is a replay, the store
    /// knows.
    func signedBody(
        _ request: Request, limit: Int
    ) async throws -> (body: [UInt8], host: HostID, sequence: Int64) {
        try RequestBodyReader.checkAnnounced(request, limit: limit)
        // Whoever is no host of ours must not make the server hold a body of megabytes.
        guard let host = header(request, RequestSignature.hostHeader).flatMap({ Int64($0) }).map(HostID.init),
            let sequence = header(request, RequestSignature.sequenceHeader).flatMap({ Int64($0) }), sequence > 0
        else { throw RequestRefusal(.badRequest, "the headers Millrace-Host and Millrace-Sequence are needed") }
        let key = try await runtime.key(of: host)
        let shown = try signature(request)
        let body = try await collected(request, limit: limit)
        let signed = RequestSignature.message(
            method: "POST", path: request.head.path ?? "", sequence: sequence, body: body)
        guard key.isValid(signature: shown, for: signed) else {
            throw RequestRefusal(.badSignature, "the signature is not that of host \(host)")
        }
        return (body, host, sequence)
    }

    /// Blob first, row second, reply last; see `Reporting.swift`.
    func schedule(_ call: SchedulerCall, _ host: HostID, _ sequence: Int64) async throws -> HotReply {
        var call = call
        if !runtime.keepsInline(call) {
            let wanted = try await writer.perform { [core, call] tx, _ in
                try core.wantedInline(call, host: host, sequence: sequence, in: tx)
            }
            call = try await onDisk { [core, call, metrics = runtime.metrics] in
                try metrics.timed(.blobs) { try core.storeInline(call, wanted) }
            }
        }
        let outcome = try await withCheckedThrowingContinuation { [call] continuation in
            runtime.schedule(call, host, sequence) { continuation.resume(with: $0) }
        }
        if core.isAtHand(outcome) { return runtime.metrics.timed(.sign) { core.answer(outcome) } }
        return try await onDisk { [core, metrics = runtime.metrics] in
            metrics.timed(.sign) { core.answer(outcome) }
        }
    }

    /// Answered without the store: a session is kept nowhere.
    @Sendable func session(_ request: Request, _ context: ServerContext) async throws -> Response {
        try traffic.admitSession(context)
        let (body, host, _) = try await signedBody(request, limit: 4096)
        let message = try ReplyFormat.strict(WireSessionRequest.self, body, limit: 4096)
        var generator = SystemRandomNumberGenerator()
        let nonce = (0..<SessionToken.nonceByteCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let reply = try core.openSession(message, host: host, nonce: nonce, now: runtime.clock.now())
        return try ReplyFormat.protobuf.response(reply)
    }

    func signature(_ request: Request) throws -> [UInt8] {
        guard let text = header(request, RequestSignature.signatureHeader), text.utf8.count == 128,
            let bytes = Hex.decode(text)
        else { throw RequestRefusal(.badSignature, "the header Millrace-Signature needs 128 hexadecimal digits") }
        return bytes
    }

    func header(_ request: Request, _ name: String) -> String? {
        HTTPField.Name(name).flatMap { request.headers[$0] }
    }
}
