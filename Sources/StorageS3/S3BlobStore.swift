import Domain
import Glibc
import Storage
import StorageSQLite

/// Blobs in a bucket of an S3-compatible service, named by their SHA-256.
///
/// The local folder holds what is not whole yet (uploads), copies for workers, and blobs of at most `smallMax` bytes,
/// which would cost a request each. What it already has, from before the bucket was used, stays there and is found.
///
/// Order: a blob is in the bucket before the upload on disk is removed, and before anybody is told. A crash between
/// leaves the upload whole: the client asks again, the server checks its hash and sends it again. A crash within a
/// multipart upload leaves parts that nobody sees; `removeStaleUploads` ends them.
public final class S3BlobStore: BlobStore {
    /// What may be set.
    public struct Options: Sendable {
        /// Blobs of at most so many bytes stay in the data directory; 0: all go to the bucket, for several servers.
        public var smallMax: Int
        /// Bytes of copies for workers that are kept.
        public var copiesBytesMax: Int64 = 32 << 30
        public var notice: @Sendable (String) -> Void = { _ in }
        public var pause: @Sendable (Double) -> Void = { usleep(UInt32($0 * 1e6)) }

        public init(smallMax: Int) { self.smallMax = smallMax }
    }

    private let local: FileBlobStore
    private let client: S3Client
    private let hash: HashFactory
    private let options: Options
    /// Requests of one `put` that run at the same time.
    private static let parallelPuts = 8

    /// - Throws: `StoreError.io` when the bucket cannot be used.
    public init(
        _ location: S3Location, _ credentials: S3Credentials, local: FileBlobStore, hash: @escaping HashFactory,
        options: Options
    ) throws {
        self.local = local
        self.hash = hash
        self.options = options
        client = S3Client(
            location, credentials, hash: hash, retry: S3Retry(), pause: options.pause, notice: options.notice)
        try client.checkBucket()
    }

    private func key(_ digest: Digest) -> String { client.location.key(of: digest) }

    /// Pieces of this size make a request each: worth their latency.
    public var pieceBytes: Int { 4 << 20 }

    /// Begins a multipart upload that nobody ends, as a crash does.
    package func leaveParts(of digest: Digest) throws { _ = try client.beginParts(key(digest)) }

    /// How many multipart uploads have not ended.
    package func openPartsCount() throws -> Int { try client.openParts().count }

    // MARK: Putting

    public func put(_ bytes: [UInt8]) throws -> Digest { try put([bytes])[0] }

    public func put(_ blobs: [[UInt8]]) throws -> [Digest] {
        let small = blobs.filter { $0.count <= options.smallMax }
        if !small.isEmpty { _ = try local.put(small) }
        let named = blobs.map { (digest: Storage.digest(of: $0, with: hash), bytes: $0) }
        let large = named.filter { $0.bytes.count > options.smallMax }
        try Parallel.forEach(large, threads: S3BlobStore.parallelPuts) { [self] digest, bytes in
            try send(digest, size: Int64(bytes.count)) { offset, count in
                Array(bytes[Int(offset)..<Int(offset) + count])
            }
        }
        return named.map(\.digest)
    }

    /// Puts a blob into the bucket. - Parameter read: gives bytes whose hash was checked.
    private func send(
        _ digest: Digest, size: Int64, _ read: (_ offset: Int64, _ count: Int) throws -> [UInt8]
    ) throws {
        if size <= Int64(S3Client.partBytes) {
            return try client.put(key(digest), try read(0, Int(size)), hash: digest)
        }
        if try client.size(key(digest)) == size { return }
        try client.putParts(key(digest), size: size, read)
    }

    // MARK: Reading

    public var isNear: Bool { false }

    public func contains(_ digest: Digest) throws -> Bool { try size(of: digest) != nil }

    public func size(of digest: Digest) throws -> Int64? { try local.size(of: digest) ?? client.size(key(digest)) }

    public func durableSize(of digest: Digest) throws -> Int64? {
        try local.durableSize(of: digest) ?? client.size(key(digest))
    }

    public func read(_ digest: Digest, limit: Int) throws -> [UInt8] {
        if try local.contains(digest) { return try local.read(digest, limit: limit) }
        guard let bytes = try client.get(key(digest), limit: limit) else {
            throw StoreError.missing("blob \(digest)")
        }
        guard Storage.digest(of: bytes, with: hash) == digest else { throw changed(digest) }
        return bytes
    }

    public func read(_ digest: Digest, offset: Int64, count: Int) throws -> [UInt8] {
        if try local.contains(digest) { return try local.read(digest, offset: offset, count: count) }
        guard offset >= 0, count >= 0 else { throw StoreError.io("blob \(digest): nothing lies at \(offset)") }
        if count > 0 {
            let (end, isBeyond) = offset.addingReportingOverflow(Int64(count))
            // More than there is may be asked for; the service cuts it off.
            let range = offset..<(isBeyond ? .max : end)
            if let bytes = try client.get(key(digest), range: range, limit: count) { return bytes }
        }
        guard let size = try client.size(key(digest)) else { throw StoreError.missing("blob \(digest)") }
        guard offset <= size else { throw StoreError.io("blob \(digest) has \(size) bytes, none at \(offset)") }
        return []
    }

    private func changed(_ digest: Digest) -> StoreError {
        .corrupt("s3://\(client.location.bucket)/\(key(digest)) does not have the hash it is named by")
    }

    public func smallBytes(of digest: Digest) throws -> [UInt8]? { try local.smallBytes(of: digest) }

    /// A copy on the local disk, whose hash was checked.
    public func path(of digest: Digest) -> String? {
        do {
            if try local.contains(digest) { return local.path(of: digest) }
            if let copy = try local.presentCopy(of: digest) { return copy }
            guard let size = try client.size(key(digest)) else { return nil }
            return try local.copy(of: digest, size: size, bytesMax: options.copiesBytesMax) { file in
                try forEachPiece(digest, size: size) { offset, bytes in try file.write(bytes, at: offset) }
            }
        } catch {
            options.notice("no copy of blob \(digest) for a worker: \(error)")
            return nil
        }
    }

    /// Reads a blob piece by piece. - Throws: `.corrupt` after the last one when its hash is another.
    private func forEachPiece(_ digest: Digest, size: Int64, _ body: (Int64, [UInt8]) throws -> Void) throws {
        var state = hash()
        var offset: Int64 = 0
        while offset < size {
            let bytes = try read(digest, offset: offset, count: S3Client.partBytes)
            guard !bytes.isEmpty else { throw changed(digest) }
            state.update(bytes)
            try body(offset, bytes)
            offset += Int64(bytes.count)
        }
        guard state.finish() == digest else { throw changed(digest) }
    }

    public func verify(_ digest: Digest) throws {
        if try local.contains(digest) { return try local.verify(digest) }
        guard let size = try client.size(key(digest)) else { throw StoreError.missing("blob \(digest)") }
        try forEachPiece(digest, size: size) { _, _ in }
    }

    public func ownFile(of digest: Digest) throws -> String? { try local.ownFile(of: digest) }

    public func remove(_ digest: Digest) throws {
        try local.remove(digest)
        try local.removeCopy(of: digest)
        try client.delete(key(digest))
    }

    // MARK: Uploads

    public func uploadOffset(_ name: UploadName) throws -> Int64 { try local.uploadOffset(name) }

    public func appendUpload(_ name: UploadName, offset: Int64, bytes: [UInt8], limit: Int64) throws -> Int64 {
        try local.appendUpload(name, offset: offset, bytes: bytes, limit: limit)
    }

    public func finishUpload(_ name: UploadName, expecting digest: Digest) throws {
        let wasThere = try local.handOn(name, expecting: digest) { upload in
            if upload.size <= Int64(options.smallMax) {
                _ = try local.put([try upload.read(at: 0, count: Int(upload.size))])
            } else {
                try send(digest, size: upload.size) { try upload.read(at: $0, count: $1) }
            }
        }
        if wasThere { return }
        // Finished before the answer was lost, or an upload of nothing at all.
        if try durableSize(of: digest) != nil { return }
        guard hash().finish() == digest else { throw StoreError.missing("upload \(name.text)") }
        _ = try put([UInt8]())
    }

    public func removeStaleUploads(before: Timestamp) throws {
        try local.removeStaleUploads(before: before)
        try client.abortStale(before: before)
    }
}
