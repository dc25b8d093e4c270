import Domain
import Glibc
import Wire
import WorkerHost

/// Sends a file in chunks by the offset protocol: the server says how much it has, and the client goes on from there.
///
/// Both the results of volunteers (`/v1/uploads/TICKET`) and the inputs of scientists (`/v1/blobs/SHA256`) travel so.
public struct BlobUpload: Sendable {
    let transport: HTTPTransport
    /// Bytes per request, 1 ... `Limits.uploadChunkBytesMax`; also what an upload holds in memory.
    let chunkBytes: Int
    /// How often in a row the server may disagree about the offset.
    private static let disagreementsMax = 3
    /// A chunk that came too slowly is halved down to this, which a line of 1 KiB/s brings in time.
    private static let chunkBytesMin = 16 << 10

    public init(transport: HTTPTransport, chunkBytes: Int = 1 << 20) {
        precondition((1...Limits.uploadChunkBytesMax).contains(chunkBytes))
        self.transport = transport
        self.chunkBytes = chunkBytes
    }

    /// Only the server's 201 ends it: an offset says how much lies there, not that it is the right thing.
    ///
    /// - Parameter url: the upload's address; ticket or hash is part of it.
    /// - Parameter headers: for example the admin's token.
    /// - Parameter progress: told the bytes that are there, after each chunk.
    /// - Throws: what the transport throws; `.refused` for a bad ticket or a size over the limit, `.badData` when the
    ///   bytes arrive with another hash, `.interrupted` when the server's disk is full.
    public func send(
        file path: String, digest: Digest, size: Int64, url: String, headers: [HTTPHeader] = [],
        progress: (Int64) -> Void = { _ in }
    ) throws(Fault) {
        var offset = min(try currentOffset(digest, url, headers), size)
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Files.fault("open", path) }
        defer { close(file) }
        var disagreements = 0
        var chunkBytes = chunkBytes
        while true {
            // Empty when all is said to be there: the server then finishes, or says from where it wants more.
            let chunk = try read(file, path, at: offset, count: min(Int64(chunkBytes), size - offset))
            let response = try patch(chunk, at: offset, size: size, digest, url, headers)
            if response.status == 409, response.errorReply?.code == "wrong_offset" {
                disagreements += 1
                guard disagreements <= Self.disagreementsMax, let there = Self.offset(response) else {
                    throw response.refusal(url: url)
                }
                offset = min(there, size)
                continue
            }
            if response.status == 408, chunkBytes > Self.chunkBytesMin {
                // The line is slower than the server lets a request be: smaller ones come through.
                chunkBytes = max(Self.chunkBytesMin, chunkBytes / 2)
                offset = min(try currentOffset(digest, url, headers), size)
                continue
            }
            // A proxy that has waited long enough; the server goes on and will be found to have finished.
            if response.status == 504 {
                throw Fault(.interrupted, "\(url): status 504, no answer in time", advice: "Try again.")
            }
            guard (200..<300).contains(response.status) else { throw response.refusal(url: url) }
            disagreements = 0
            if response.status == 201 { break }
            guard let there = Self.offset(response), there > offset, there <= size else {
                throw CurlFailure.notMillrace(url, "the upload does not move on")
            }
            offset = there
            progress(offset)
        }
        progress(size)
    }

    private func currentOffset(_ digest: Digest, _ url: String, _ headers: [HTTPHeader]) throws(Fault) -> Int64 {
        let response = try transport.perform(
            HTTPRequest(
                method: "HEAD", url: url, headers: headers + [HTTPHeader("Upload-Digest", digest.hex)]))
        // An answer to HEAD has no body to explain it: the first chunk will be refused with the reason.
        // A server that asks to wait is not sent a chunk first.
        if response.retryAfterSeconds != nil, [429, 503].contains(response.status) { throw response.refusal(url: url) }
        guard (200..<300).contains(response.status) else { return 0 }
        guard let offset = Self.offset(response) else {
            throw CurlFailure.notMillrace(url, "an answer without Upload-Offset")
        }
        return offset
    }

    private func patch(
        _ chunk: [UInt8], at offset: Int64, size: Int64, _ digest: Digest, _ url: String, _ headers: [HTTPHeader]
    ) throws(Fault) -> HTTPResponse {
        // The last chunk is answered when the server has hashed everything, or has sent it on to a bucket.
        let work = offset + Int64(chunk.count) == size ? Double(size) / Double(4 << 20) : 0
        var request = HTTPRequest(
            method: "PATCH", url: url,
            headers: headers + [
                HTTPHeader("Content-Type", "application/octet-stream"),
                HTTPHeader("Upload-Offset", "\(offset)"), HTTPHeader("Upload-Length", "\(size)"),
                HTTPHeader("Upload-Digest", digest.hex),
            ], body: chunk, timeoutSeconds: 600 + work, quietSeconds: work > 0 ? 120 + work : nil)
        request.kind = .upload
        return try transport.perform(request)
    }

    private static func offset(_ response: HTTPResponse) -> Int64? {
        response.headers["upload-offset"].flatMap { Int64($0) }.flatMap { $0 >= 0 ? $0 : nil }
    }

    private func read(_ file: Int32, _ path: String, at offset: Int64, count: Int64) throws(Fault) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(count))
        var at = 0
        while at < bytes.count {
            let got = bytes.withUnsafeMutableBytes {
                pread(file, $0.baseAddress! + at, $0.count - at, off_t(offset) + off_t(at))
            }
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else { throw Files.fault("read", path) }
            at += got
        }
        return bytes
    }
}
