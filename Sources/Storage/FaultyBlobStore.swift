import Domain
import Synchronization

/// The calls that a script of `FaultyBlobStore` tells apart.
public enum BlobCall: Hashable, Sendable {
    case put, contains, size, durableSize, read, remove, uploadOffset, appendUpload, finishUpload, removeStaleUploads
}

/// A blob store whose calls fail as a script says. For calls that only read, `applied` says nothing.
public final class FaultyBlobStore: BlobStore {
    private let base: any BlobStore
    private let hash: HashFactory
    private let script: @Sendable (Int, BlobCall) -> CallFate
    private let calls = Mutex(0)

    /// - Parameters:
    ///   - hash: names the blobs that were put only in the caller's belief.
    ///   - script: given the number of the call, from 0, and what it does.
    public init(
        _ base: any BlobStore, hash: @escaping HashFactory,
        script: @escaping @Sendable (Int, BlobCall) -> CallFate
    ) {
        self.base = base
        self.hash = hash
        self.script = script
    }

    private func fate(_ call: BlobCall) -> CallFate {
        let number = calls.withLock { count in
            defer { count += 1 }
            return count
        }
        return script(number, call)
    }

    private func reading<T>(_ call: BlobCall, _ body: () throws -> T) throws -> T {
        let fate = fate(call)
        if fate.reported { throw fate.failure }
        return try body()
    }

    /// - Parameter lie: what is answered when the call is neither applied nor reported as failed.
    private func writing<T>(_ call: BlobCall, lie: @autoclosure () throws -> T, _ body: () throws -> T) throws -> T {
        let fate = fate(call)
        let value = fate.applied ? try body() : fate.reported ? nil : try lie()
        guard let value, !fate.reported else { throw fate.failure }
        return value
    }

    public func put(_ bytes: [UInt8]) throws -> Digest {
        try writing(.put, lie: digest(of: bytes, with: hash)) { try base.put(bytes) }
    }

    public func contains(_ digest: Digest) throws -> Bool {
        try reading(.contains) { try base.contains(digest) }
    }

    public func size(of digest: Digest) throws -> Int64? {
        try reading(.size) { try base.size(of: digest) }
    }

    public func durableSize(of digest: Digest) throws -> Int64? {
        try reading(.durableSize) { try base.durableSize(of: digest) }
    }

    public func read(_ digest: Digest, limit: Int) throws -> [UInt8] {
        try reading(.read) { try base.read(digest, limit: limit) }
    }

    public func read(_ digest: Digest, offset: Int64, count: Int) throws -> [UInt8] {
        try reading(.read) { try base.read(digest, offset: offset, count: count) }
    }

    public var isNear: Bool { base.isNear }
    public func smallBytes(of digest: Digest) throws -> [UInt8]? { try base.smallBytes(of: digest) }
    public func path(of digest: Digest) -> String? { base.path(of: digest) }
    public func ownFile(of digest: Digest) throws -> String? { try base.ownFile(of: digest) }
    public func verify(_ digest: Digest) throws { try reading(.read) { try base.verify(digest) } }

    public func remove(_ digest: Digest) throws {
        try writing(.remove, lie: ()) { try base.remove(digest) }
    }

    public func uploadOffset(_ name: UploadName) throws -> Int64 {
        try reading(.uploadOffset) { try base.uploadOffset(name) }
    }

    public func appendUpload(_ name: UploadName, offset: Int64, bytes: [UInt8], limit: Int64) throws -> Int64 {
        try writing(.appendUpload, lie: offset + Int64(bytes.count)) {
            try base.appendUpload(name, offset: offset, bytes: bytes, limit: limit)
        }
    }

    public func finishUpload(_ name: UploadName, expecting digest: Digest) throws {
        try writing(.finishUpload, lie: ()) { try base.finishUpload(name, expecting: digest) }
    }

    public func removeStaleUploads(before: Timestamp) throws {
        try writing(.removeStaleUploads, lie: ()) { try base.removeStaleUploads(before: before) }
    }
}
