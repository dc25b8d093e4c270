import Domain
import Synchronization

/// Blobs in memory: the twin of the file store, and the simulator's store.
public final class MemoryBlobStore: BlobStore {
    private struct Upload {
        var bytes: [UInt8] = []
        var touchedAt: Timestamp
    }

    private struct State {
        var blobs: [Digest: [UInt8]] = [:]
        var uploads: [UploadName: Upload] = [:]
        var held: Int64 = 0
    }

    private let state = Mutex(State())
    private let hash: HashFactory
    private let capacity: Int64
    private let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - hash: starts a SHA-256.
    ///   - capacity: bytes of blobs and uploads together, beyond which writes fail as on a full disk.
    ///   - now: the time uploads are marked with.
    public init(
        hash: @escaping HashFactory, capacity: Int64 = .max,
        now: @escaping @Sendable () -> Timestamp = { Timestamp(milliseconds: 0) }
    ) {
        self.hash = hash
        self.capacity = capacity
        self.now = now
    }

    private func require(_ more: Int, in state: borrowing State) throws {
        guard Int64(more) <= capacity - state.held else { throw StoreError.io("memory blobs: no space left") }
    }

    public func put(_ bytes: [UInt8]) throws -> Digest {
        let name = digest(of: bytes, with: hash)
        try state.withLock { state in
            guard state.blobs[name] == nil else { return }
            try require(bytes.count, in: state)
            state.blobs[name] = bytes
            state.held += Int64(bytes.count)
        }
        return name
    }

    public var togetherBytesMax: Int { 4096 }

    public func recent(_ digest: Digest) -> [UInt8]? { state.withLock { $0.blobs[digest] } }

    public func contains(_ digest: Digest) throws -> Bool {
        state.withLock { $0.blobs[digest] != nil }
    }

    public func size(of digest: Digest) throws -> Int64? {
        state.withLock { $0.blobs[digest].map { Int64($0.count) } }
    }

    private func bytes(of digest: Digest) throws -> [UInt8] {
        guard let bytes = state.withLock({ $0.blobs[digest] }) else { throw StoreError.missing("blob \(digest)") }
        return bytes
    }

    public func read(_ digest: Digest, limit: Int) throws -> [UInt8] {
        let bytes = try bytes(of: digest)
        guard bytes.count <= limit else {
            throw StoreError.io("blob \(digest) has \(bytes.count) bytes, more than \(limit)")
        }
        return bytes
    }

    public func read(_ digest: Digest, offset: Int64, count: Int) throws -> [UInt8] {
        let bytes = try bytes(of: digest)
        guard offset >= 0, offset <= Int64(bytes.count), count >= 0 else {
            throw StoreError.io("blob \(digest) has \(bytes.count) bytes, none at \(offset)")
        }
        return Array(bytes.dropFirst(Int(offset)).prefix(count))
    }

    public func path(of digest: Digest) -> String? { nil }

    public func remove(_ digest: Digest) throws {
        state.withLock { state in
            state.held -= Int64(state.blobs.removeValue(forKey: digest)?.count ?? 0)
        }
    }

    public func uploadOffset(_ name: UploadName) throws -> Int64 {
        state.withLock { Int64($0.uploads[name]?.bytes.count ?? 0) }
    }

    public func appendUpload(_ name: UploadName, offset: Int64, bytes: [UInt8], limit: Int64) throws -> Int64 {
        try state.withLock { state in
            let present = Int64(state.uploads[name]?.bytes.count ?? 0)
            guard offset == present else {
                throw StoreError.conflict("upload \(name.text) has \(present) bytes, not \(offset)")
            }
            guard Int64(bytes.count) <= limit - present else {
                throw StoreError.io("upload \(name.text) would have more than \(limit) bytes")
            }
            try require(bytes.count, in: state)
            state.uploads[name, default: Upload(touchedAt: now())].bytes += bytes
            state.uploads[name]?.touchedAt = now()
            state.held += Int64(bytes.count)
            return present + Int64(bytes.count)
        }
    }

    public func finishUpload(_ name: UploadName, expecting digest: Digest) throws {
        try state.withLock { state in
            guard let upload = state.uploads.removeValue(forKey: name) else {
                // An upload that was finished before the answer was lost, or one of nothing at all.
                if state.blobs[digest] != nil { return }
                guard hash().finish() == digest else { throw StoreError.missing("upload \(name.text)") }
                state.blobs[digest] = []
                return
            }
            guard Storage.digest(of: upload.bytes, with: hash) == digest else {
                state.held -= Int64(upload.bytes.count)
                throw StoreError.corrupt("upload \(name.text) does not have the hash \(digest)")
            }
            if state.blobs.updateValue(upload.bytes, forKey: digest) != nil {
                state.held -= Int64(upload.bytes.count)
            }
        }
    }

    public func removeStaleUploads(before: Timestamp) throws {
        state.withLock { state in
            for (name, upload) in state.uploads where upload.touchedAt < before {
                state.uploads[name] = nil
                state.held -= Int64(upload.bytes.count)
            }
        }
    }
}
