import Bytes
import Domain
import HTTPTypes
import Hummingbird
import NIOCore
import ServerCore
import Storage
import Synchronization

/// Uploads that go on where they stopped: results with a ticket, inputs with the admin's token.
extension ServerRoutes {
    static let offsetHeader = HTTPField.Name("Upload-Offset")!
    static let lengthHeader = HTTPField.Name("Upload-Length")!
    static let digestHeader = HTTPField.Name("Upload-Digest")!
    /// What is written and synced at once while a chunk comes in: memory per upload is bounded by it. Of a large upload
    /// more at a time, since each sync costs milliseconds; a connection that breaks loses at most that.
    private static func pieceBytes(of length: Int64) -> Int { length < 64 << 20 ? 1 << 20 : 4 << 20 }

    func addUploads(_ router: Router<ServerContext>) {
        router.head("/v1/uploads/{ticket}", use: uploadHead)
        router.patch("/v1/uploads/{ticket}", use: patchResult)
    }

    @Sendable func uploadHead(_ request: Request, _ context: ServerContext) async throws -> Response {
        let ticket = try ticket(context)
        let digest = try digestField(request)
        return try await offset(of: ticket.upload.result(digest), digest)
    }

    @Sendable func patchResult(_ request: Request, _ context: ServerContext) async throws -> Response {
        let ticket = try ticket(context)
        try traffic.admitUpload(of: ticket.host)
        let digest = try digestField(request)
        guard uploads.mayUpload(digest, ticket) else {
            throw RequestRefusal(.tooLarge, "this ticket was used for too many different results")
        }
        return try await patch(request, ticket.upload.result(digest), digest, limit: ticket.bytesMax)
    }

    @Sendable func patchInput(_ request: Request, _ context: ServerContext) async throws -> Response {
        try requireToken(request)
        let digest = try digest(context)
        return try await patch(request, UploadName(blob: digest), digest, limit: Int64(Limits.inputBytesMax))
    }

    private func ticket(_ context: ServerContext) throws -> UploadTicket {
        try core.uploadTicket(context.parameters.get("ticket") ?? "", now: runtime.clock.now())
    }

    private func digestField(_ request: Request) throws -> Digest {
        guard let digest = request.headers[ServerRoutes.digestHeader].flatMap({ Digest(hex: $0) }) else {
            throw RequestRefusal(.badRequest, "the header Upload-Digest needs 64 lower-case hexadecimal digits")
        }
        return digest
    }

    /// How much is here: the whole, when the blob is, else what was uploaded so far.
    func offset(of upload: UploadName, _ digest: Digest) async throws -> Response {
        let offset = try await onDisk { [core] in
            try core.blobs.size(of: digest) ?? core.blobs.uploadOffset(upload)
        }
        return Response(status: .noContent, headers: offsetField(offset))
    }

    private func offsetField(_ offset: Int64) -> HTTPFields {
        var fields = HTTPFields()
        fields[ServerRoutes.offsetHeader] = String(offset)
        return fields
    }

    /// Takes a chunk. Every piece is durable before the next, so that a connection that breaks in the middle loses
    /// nothing; the last one makes the blob, after its hash was checked. What comes whole in one piece never is an
    /// upload: it is put as a blob at once.
    private func patch(
        _ request: Request, _ upload: UploadName, _ digest: Digest, limit: Int64
    ) async throws -> Response {
        guard let start = request.headers[ServerRoutes.offsetHeader].flatMap({ Int64($0) }), start >= 0,
            let length = request.headers[ServerRoutes.lengthHeader].flatMap({ Int64($0) }), length > 0
        else { throw RequestRefusal(.badRequest, "the headers Upload-Offset and Upload-Length are needed") }
        guard length <= limit else {
            throw RequestRefusal(.tooLarge, "the upload has \(length) bytes, at most \(limit) are allowed")
        }
        try runtime.disk.requireReserve()
        // To put one of the smallest again is as cheap as to look for it. What somebody has sent of it in parts
        // meanwhile goes with stale uploads.
        if start > 0 || length > Int64(core.blobs.togetherBytesMax) {
            switch try await present(upload, digest, length: length) {
            case .blob(let size): return Response(status: .created, headers: offsetField(size))
            case .upload(let here): guard start == here else { return wrongOffset(start, here: here) }
            }
        }
        var writer = UploadWriter(routes: self, upload: upload, at: start, length: length)
        do {
            try await RequestBodyReader.forEachPiece(
                request, limit: Limits.uploadChunkBytesMax, seconds: traffic.limits.bodySeconds
            ) { piece in
                try await writer.add(piece)
            }
            if try await writer.putWhole(expecting: digest) {
                return Response(status: .created, headers: offsetField(length))
            }
            try await writer.flush()
            guard writer.at == length else {
                return Response(status: .noContent, headers: offsetField(writer.at))
            }
            try await onDisk { [core] in try core.blobs.finishUpload(upload, expecting: digest) }
            return Response(status: .created, headers: offsetField(length))
        } catch StoreError.conflict {
            return wrongOffset(start, here: try await onDisk { [core] in try core.blobs.uploadOffset(upload) })
        } catch StoreError.corrupt {
            throw RequestRefusal(
                .hashMismatch, "the uploaded bytes have another hash than Upload-Digest says",
                advice: "the upload was dropped; start again from 0")
        }
    }

    private enum Present {
        /// All of it, of so many bytes.
        case blob(Int64)
        /// So many bytes of it.
        case upload(Int64)
    }

    /// What is here of an upload. Something longer than the whole is none of it and is dropped: 0.
    private func present(_ upload: UploadName, _ digest: Digest, length: Int64) async throws -> Present {
        try await onDisk { [core] in
            if let size = try core.blobs.durableSize(of: digest) { return .blob(size) }
            let here = try core.blobs.uploadOffset(upload)
            guard here > length else { return .upload(here) }
            do {
                try core.blobs.finishUpload(upload, expecting: digest)
            } catch StoreError.corrupt {
                // Its hash is another one, as its length said: it is gone now.
            }
            return .upload(0)
        }
    }

    private func wrongOffset(_ start: Int64, here: Int64) -> Response {
        var response = RequestRefusal(
            .wrongOffset, "the upload has \(here) bytes here, the chunk begins at \(start)",
            advice: "go on from Upload-Offset"
        ).response(.protobuf)
        response.headers[ServerRoutes.offsetHeader] = String(here)
        return response
    }

    /// Collects small pieces and writes larger ones. What it has not written counts among the bodies in memory: a
    /// thousand connections that each stop before their piece is whole would hold gigabytes else.
    private struct UploadWriter {
        let routes: ServerRoutes
        let upload: UploadName
        var at: Int64
        let length: Int64
        private var buffer: [UInt8] = []
        private let account = BodyAccount.current

        init(routes: ServerRoutes, upload: UploadName, at: Int64, length: Int64) {
            self.routes = routes
            self.upload = upload
            self.at = at
            self.length = length
        }

        mutating func add(_ piece: ByteBuffer) async throws {
            // `at` is at most `length`, and a body at most a chunk: neither sum can overflow.
            guard Int64(buffer.count + piece.readableBytes) <= length - at else {
                throw RequestRefusal(.badRequest, "the chunk goes beyond Upload-Length")
            }
            if !mayHold(piece) {
                try await flush()
                guard mayHold(piece) else { throw TooManyBodies() }
            }
            buffer.append(contentsOf: piece.readableBytesView)
            if buffer.count >= ServerRoutes.pieceBytes(of: length) { try await flush() }
        }

        private func mayHold(_ piece: ByteBuffer) -> Bool { account?.take(piece.readableBytes) ?? true }

        /// Puts the blob when all of it has come in one piece. - Returns: false when it has not.
        /// - Throws: `StoreError.corrupt` when its hash is another one.
        mutating func putWhole(expecting digest: Digest) async throws -> Bool {
            guard at == 0, Int64(buffer.count) == length else { return false }
            try routes.runtime.disk.requireReserve()
            let bytes = buffer
            try await routes.onDisk { [core = routes.core] in
                guard SHA256Hash.digest(of: bytes) == digest else {
                    throw StoreError.corrupt("an upload does not have the hash \(digest)")
                }
                _ = try core.blobs.put(bytes)
            }
            buffer = []
            account?.giveBack(bytes.count)
            return true
        }

        mutating func flush() async throws {
            guard !buffer.isEmpty else { return }
            // Others write, too, while a chunk comes: what was free at its beginning may be gone.
            try routes.runtime.disk.requireReserve()
            let (bytes, offset, upload, length) = (buffer, at, upload, length)
            at = try await routes.onDisk { [core = routes.core] in
                try core.blobs.appendUpload(upload, offset: offset, bytes: bytes, limit: length)
            }
            buffer = []
            account?.giveBack(bytes.count)
        }
    }
}

/// How many different results came with one ticket: without a bound, one ticket could fill the disk with blobs.
final class UploadQuota: Sendable {
    private let seen = Mutex<[UploadName: Set<Digest>]>([:])
    private static let resultsMax = 4
    private static let ticketsMax = 100_000

    func mayUpload(_ digest: Digest, _ ticket: UploadTicket) -> Bool {
        seen.withLock { seen in
            if seen.count >= UploadQuota.ticketsMax { seen.removeAll() }
            var digests = seen[ticket.upload] ?? []
            if digests.contains(digest) { return true }
            guard digests.count < UploadQuota.resultsMax else { return false }
            digests.insert(digest)
            seen[ticket.upload] = digests
            return true
        }
    }
}
