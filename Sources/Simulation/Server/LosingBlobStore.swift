import Bytes
import Domain
import Storage
import Synchronization

/// A blob store that says it has put a blob and keeps nothing of it: a canary's.
final class LosingBlobStore: BlobStore {
    private struct State {
        var puts = 0
        var lost: (digest: Digest, size: Int64)?
    }

    private let base: any BlobStore
    private let state = Mutex(State())
    /// Which put is lost, from 1.
    private let lostPut: Int

    init(_ base: any BlobStore, lostPut: Int) {
        self.base = base
        self.lostPut = lostPut
    }

    func put(_ bytes: [UInt8]) throws -> Digest {
        let isLost = state.withLock { state in
            state.puts += 1
            return state.puts == lostPut
        }
        guard isLost else { return try base.put(bytes) }
        let digest = SHA256Hash.digest(of: bytes)
        state.withLock { $0.lost = (digest, Int64(bytes.count)) }
        return digest
    }

    /// It lies about this, too: otherwise the server would notice by itself.
    func size(of digest: Digest) throws -> Int64? {
        if let size = try base.size(of: digest) { return size }
        return state.withLock { $0.lost.flatMap { $0.digest == digest ? $0.size : nil } }
    }

    func contains(_ digest: Digest) throws -> Bool { try size(of: digest) != nil }
    func read(_ digest: Digest, limit: Int) throws -> [UInt8] { try base.read(digest, limit: limit) }
    func read(_ digest: Digest, offset: Int64, count: Int) throws -> [UInt8] {
        try base.read(digest, offset: offset, count: count)
    }
    func smallBytes(of digest: Digest) throws -> [UInt8]? { try base.smallBytes(of: digest) }
    func path(of digest: Digest) -> String? { base.path(of: digest) }
    func remove(_ digest: Digest) throws { try base.remove(digest) }
    func uploadOffset(_ name: UploadName) throws -> Int64 { try base.uploadOffset(name) }
    func appendUpload(_ name: UploadName, offset: Int64, bytes: [UInt8], limit: Int64) throws -> Int64 {
        try base.appendUpload(name, offset: offset, bytes: bytes, limit: limit)
    }
    func finishUpload(_ name: UploadName, expecting digest: Digest) throws {
        try base.finishUpload(name, expecting: digest)
    }
    func removeStaleUploads(before: Timestamp) throws { try base.removeStaleUploads(before: before) }
}
