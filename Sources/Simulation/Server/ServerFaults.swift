import Bytes
import Domain
import Storage
import Synchronization

/// What the faulty twins of the server's stores are told. The same object draws for both, in the order of the calls.
final class ServerFaults: Sendable {
    private struct State {
        var draws: Draws
        var store = false
        var blobs = false
    }

    private let state: Mutex<State>
    /// One transaction of so many has a fault, one call of the blob store of so many.
    private static let storeOneIn = 40
    private static let blobsOneIn = 60

    init(seed: UInt64, _ kinds: Set<ChaosKind>) {
        var state = State(draws: Draws(seed: seed, purpose: 0x57))
        state.store = kinds.contains(.store)
        state.blobs = kinds.contains(.blobs)
        self.state = Mutex(state)
    }

    func heal() {
        state.withLock { state in
            state.store = false
            state.blobs = false
        }
    }

    /// Never applied-not and silent: a store that lies is a canary's, no server survives it.
    func ofTransaction() -> CallFate {
        state.withLock { state in
            guard state.store, state.draws.chance(oneIn: ServerFaults.storeOneIn) else { return .good }
            return CallFate(applied: state.draws.chance(oneIn: 2), reported: true)
        }
    }

    func ofBlobCall() -> CallFate {
        state.withLock { state in
            guard state.blobs, state.draws.chance(oneIn: ServerFaults.blobsOneIn) else { return .good }
            return CallFate(applied: state.draws.chance(oneIn: 2), reported: true)
        }
    }
}

/// A blob store that says it has put a result and keeps nothing: a canary's.
final class LosingBlobStore: BlobStore {
    private let base: any BlobStore
    private let puts = Mutex(0)
    /// Which put is lost: units are put first, and those of the batch are left alone.
    private let lostPut: Int

    init(_ base: any BlobStore, lostPut: Int) {
        self.base = base
        self.lostPut = lostPut
    }

    func put(_ bytes: [UInt8]) throws -> Digest {
        let number = puts.withLock { count in
            count += 1
            return count
        }
        return number == lostPut ? SHA256Hash.digest(of: bytes) : try base.put(bytes)
    }

    /// It lies about this, too: otherwise the server would notice by itself.
    func size(of digest: Digest) throws -> Int64? {
        try base.size(of: digest) ?? 0
    }

    func contains(_ digest: Digest) throws -> Bool { try base.contains(digest) }
    func read(_ digest: Digest, limit: Int) throws -> [UInt8] { try base.read(digest, limit: limit) }
    func read(_ digest: Digest, offset: Int64, count: Int) throws -> [UInt8] {
        try base.read(digest, offset: offset, count: count)
    }
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
