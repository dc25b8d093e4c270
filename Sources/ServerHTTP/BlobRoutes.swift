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
        if (request.headers[.ifNoneMatch] ?? "").contains(tag) {
            return Response(status: .notModified, headers: fields)
        }
        guard let size = try await onDisk({ [core] in try core.blobs.size(of: digest) }) else {
            throw RequestRefusal(.noSuchBlob, "there is no blob \(digest)")
        }
        guard let range = try ByteRange.parse(request.headers[.range], size: size) else {
            return Response(status: .ok, headers: fields, body: stream(digest, from: 0, count: size))
        }
        fields[.contentRange] = "bytes \(range.first)-\(range.last)/\(size)"
        return Response(
            status: .partialContent, headers: fields, body: stream(digest, from: range.first, count: range.count))
    }

    /// For everybody: is it here, and how large. With the admin's token: how much of an upload is here.
    @Sendable func blobHead(_ request: Request, _ context: ServerContext) async throws -> Response {
        let digest = try digest(context)
        if request.headers[.authorization] != nil {
            try requireToken(request)
            return try await offset(of: UploadName(blob: digest), digest)
        }
        guard let size = try await onDisk({ [core] in try core.blobs.size(of: digest) }) else {
            throw RequestRefusal(.noSuchBlob, "there is no blob \(digest)")
        }
        var fields = blobFields("\"\(digest)\"")
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

    private func stream(_ digest: Digest, from: Int64, count: Int64) -> ResponseBody {
        let routes = self
        return ResponseBody(contentLength: Int(count)) { writer in
            var at = from
            let end = from + count
            while at < end {
                let wanted = Int(min(256 * 1024, end - at))
                let offset = at
                let bytes = try await routes.onDisk { [core = routes.core] in
                    try core.blobs.read(digest, offset: offset, count: wanted)
                }
                guard !bytes.isEmpty else { throw StoreError.corrupt("blob \(digest) is shorter than it was") }
                try await writer.write(ByteBuffer(bytes: bytes))
                at += Int64(bytes.count)
            }
            try await writer.finish(nil)
        }
    }
}

/// One range of bytes of a `Range` header (RFC 9110, section 14). More than one range is answered whole.
struct ByteRange: Hashable {
    var first: Int64
    var last: Int64
    var count: Int64 { last - first + 1 }

    /// - Returns: nil when the whole is to be sent. - Throws: `.badRange` when nothing of it exists.
    static func parse(_ header: String?, size: Int64) throws -> ByteRange? {
        guard let header, header.hasPrefix("bytes="), !header.contains(",") else { return nil }
        let parts = header.dropFirst(6).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let range: ByteRange
        if parts[0].isEmpty {
            guard let tail = Int64(parts[1]), tail >= 0 else { return nil }
            range = ByteRange(first: max(0, size - tail), last: size - 1)
        } else {
            guard let first = Int64(parts[0]), first >= 0 else { return nil }
            guard let last = parts[1].isEmpty ? size - 1 : Int64(parts[1]) else { return nil }
            range = ByteRange(first: first, last: min(last, size - 1))
        }
        guard range.first <= range.last else {
            throw RequestRefusal(.badRange, "the range \(header) lies outside of \(size) bytes")
        }
        return range
    }
}
