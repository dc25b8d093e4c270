import Domain
import HTTPTypes
import Hummingbird
import NIOCore
import ServerCore
import Transparency

/// The public log as static files, and the key that its checkpoints are signed with.
extension ServerRoutes {
    func addLog(_ router: Router<ServerContext>) {
        router.get("/log/key", use: logKey)
        router.get("/log/checkpoint", use: logCheckpoint)
        router.get("/log/tile/**", use: logTile)
    }

    @Sendable func logKey(_ request: Request, _ context: ServerContext) async throws -> Response {
        logResponse(Array((runtime.publisher.key + "\n").utf8), "text/plain; charset=utf-8", cache: "no-cache")
    }

    @Sendable func logCheckpoint(_ request: Request, _ context: ServerContext) async throws -> Response {
        try await logFile(TilePath.checkpoint, "text/plain; charset=utf-8", cache: "no-cache")
    }

    /// Tiles never change: what is cached stays good for ever.
    @Sendable func logTile(_ request: Request, _ context: ServerContext) async throws -> Response {
        guard let path = TilePath(request.uri.path.dropFirst("/log/".count)) else {
            throw RequestRefusal(.notFound, "the log has no such file")
        }
        return try await logFile(path.text, "application/octet-stream", cache: "public, max-age=31536000, immutable")
    }

    private func logFile(_ name: String, _ type: String, cache: String) async throws -> Response {
        let bytes = try await onDisk { [files = runtime.publisher.files] in try files.read(name) }
        guard let bytes else { throw RequestRefusal(.notFound, "the log has no such file") }
        return logResponse(bytes, type, cache: cache)
    }

    private func logResponse(_ bytes: [UInt8], _ type: String, cache: String) -> Response {
        var fields = HTTPFields()
        fields[.contentType] = type
        fields[.cacheControl] = cache
        return Response(
            status: .ok, headers: fields,
            body: ResponseBody(contentLength: bytes.count) { writer in
                try await writer.write(ByteBuffer(bytes: bytes))
                try await writer.finish(nil)
            })
    }
}
