import Domain
import HTTPTypes
import Hummingbird
import NIOCore
import ServerCore
import Storage

/// Blobs by hash: immutable, cacheable by anyone, in ranges.
extension ServerRoutes {
    func addBlobs(_ router: Router<ServerContext>) {
        router.get("/v1/blobs/{digest}", use: blob)
        router.head("/v1/blobs/{digest}", use: blobHead)
        router.patch("/v1/blobs/{digest}", use: patchInput)
    }

    func digest(_ context: ServerContext) throws -> Digest {
        guard let text = context.parameters.get("digest"), let digest = Digest(hex: text) else {
            throw RequestRefusal(.badRequest, "a blob's name is the 64 lower-case hexadecimal digits of its SHA-256")
        }
        return digest
    }

    @Sendable func blob(_ request: Request, _ context: ServerContext) async throws -> Response {
        let digest = try digest(context)
        let tag = "\"\(digest)\""
        var fields = blobFields(tag)
        if BlobCondition.isKnown(request.headers[.ifNoneMatch], tag) {
            return Response(status: .notModified, headers: fields)
        }
        guard let size = try await onDisk({ [core] in try core.blobs.size(of: digest) }) else {
            throw RequestRefusal(.noSuchBlob, "there is no blob \(digest)")
        }
        // A range of another version is no use to who asks; of a blob there is no other version, but who names one is
        // sent the whole.
        let isSame = request.headers[.ifRange].map { $0 == tag } ?? true
        switch ByteRange.parse(isSame ? request.headers[.range] : nil, size: size) {
        case .whole:
            return Response(status: .ok, headers: fields, body: try await stream(digest, 0..<size, context))
        case .part(let range):
            fields[.contentRange] = "bytes \(range.first)-\(range.last)/\(size)"
            let bytes = range.first..<range.last + 1
            return Response(status: .partialContent, headers: fields, body: try await stream(digest, bytes, context))
        case .unsatisfiable:
            var response = RequestRefusal(
                .badRange, "the range \(request.headers[.range] ?? "") lies outside of \(size) bytes"
            ).response(.protobuf)
            response.headers[.contentRange] = "bytes */\(size)"
            response.headers[.acceptRanges] = "bytes"
            return response
        }
    }

    /// For everybody: is it here, and how large. With the admin's token: how much of an upload is here.
    @Sendable func blobHead(_ request: Request, _ context: ServerContext) async throws -> Response {
        let digest = try digest(context)
        if request.headers[.authorization] != nil {
            try requireToken(request)
            return try await offset(of: UploadName(blob: digest), digest)
        }
        let tag = "\"\(digest)\""
        var fields = blobFields(tag)
        if BlobCondition.isKnown(request.headers[.ifNoneMatch], tag) {
            return Response(status: .notModified, headers: fields)
        }
        guard let size = try await onDisk({ [core] in try core.blobs.size(of: digest) }) else {
            throw RequestRefusal(.noSuchBlob, "there is no blob \(digest)")
        }
        fields[.contentLength] = String(size)
        return Response(status: .ok, headers: fields)
    }

    private func blobFields(_ tag: String) -> HTTPFields {
        var fields = HTTPFields()
        fields[.contentType] = "application/octet-stream"
        fields[.eTag] = tag
        fields[.acceptRanges] = "bytes"
        fields[.cacheControl] = "public, max-age=31536000, immutable"
        return fields
    }

    private func stream(
        _ digest: Digest, _ bytes: Range<Int64>, _ context: ServerContext
    ) async throws -> ResponseBody {
        let large = Int64(FileRegionSender.worthwhileBytes)
        if Int64(bytes.count) >= large, let channel = context.channel,
            let sender = try await FileRegionSender.open(
                { [core] in try core.blobs.ownFile(of: digest) }, on: channel, routes: self)
        {
            return ResponseBody(contentLength: bytes.count) { writer in
                try await sender.send(bytes)
                try await writer.finish(nil)
            }
        }
        let routes = self
        return ResponseBody(contentLength: bytes.count) { writer in
            try await BlobPieces(digest: digest, routes: routes).send(bytes, &writer)
            try await writer.finish(nil)
        }
    }
}

/// A blob read piece by piece, the next one while the last is on its way.
private struct BlobPieces {
    let digest: Digest
    let routes: ServerRoutes

    init(digest: Digest, routes: ServerRoutes) {
        self.digest = digest
        self.routes = routes
    }

    func send(_ bytes: Range<Int64>, _ writer: inout any ResponseBodyWriter) async throws {
        guard !bytes.isEmpty else { return }
        var at = bytes.lowerBound
        var piece = try await read(at, bytes.upperBound)
        while true {
            guard piece.readableBytes > 0 else { throw StoreError.corrupt("blob \(digest) is shorter than it was") }
            at += Int64(piece.readableBytes)
            guard at < bytes.upperBound else { return try await writer.write(piece) }
            let from = at
            async let next = read(from, bytes.upperBound)
            try await writer.write(piece)
            piece = try await next
        }
    }

    private func read(_ at: Int64, _ end: Int64) async throws -> ByteBuffer {
        let count = Int(min(Int64(routes.core.blobs.pieceBytes), end - at))
        return try await routes.onDisk { [core = routes.core] in
            ByteBuffer(bytes: try core.blobs.read(digest, offset: at, count: count))
        }
    }
}
