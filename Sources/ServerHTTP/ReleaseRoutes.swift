import Domain
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Releases
import ServerCore
import Storage

/// The project's signed releases: static files for everybody, and their publication with the token.
extension ServerRoutes {
    func addReleases(_ router: Router<ServerContext>) {
        router.get("/v1/releases/{file}", use: releaseFile)
        router.post("/v1/releases", use: publishReleases)
    }

    /// What has its version in its name never changes; a cache may keep the rest for a minute.
    @Sendable func releaseFile(_ request: Request, _ context: ServerContext) async throws -> Response {
        guard let file = ReleaseFile(name: context.parameters.get("file") ?? "") else {
            throw RequestRefusal(.notFound, "there is no such file among releases")
        }
        let now = runtime.clock.now()
        guard let bytes = try await onDisk({ [releases] in try releases.read(file, now: now) }) else {
            throw RequestRefusal(.notFound, "there is no file \(file.name) among releases")
        }
        var fields = HTTPFields()
        fields[.contentType] = "text/plain; charset=us-ascii"
        fields[.cacheControl] = file.isVersioned ? "public, max-age=31536000, immutable" : "public, max-age=60"
        return Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// The body is a `ReleaseBundle`. A new list of programs goes into the public log before it is public.
    @Sendable func publishReleases(_ request: Request, _ context: ServerContext) async throws -> Response {
        try requireToken(request)
        try runtime.disk.requireReserve()
        let body = try await collected(request, limit: ReleaseLimits.bundleBytesMax)
        let bundle: ReleaseBundle
        do { bundle = try ReleaseBundle(body) } catch { throw RequestRefusal(.badRequest, "\(error)") }
        try await onDisk { [core, releases, runtime] in
            try releases.publish(bundle, now: runtime.clock.now(), size: core.blobs.size(of:)) { publication in
                guard publication.isNewList, let list = publication.trusted.believed?.targets else { return }
                try runtime.writer.performBlocking { tx, now in
                    try core.logReleases(
                        list.body.header.name, version: list.version, digest: list.reference.digest, in: tx, now: now)
                }
            }
        }
        runtime.logs[.http].info("releases were published")
        return Response(status: .noContent)
    }
}
