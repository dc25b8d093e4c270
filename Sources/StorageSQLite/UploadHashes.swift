import Domain
import Storage
import Synchronization

/// Hashes of uploads as far as they have come, so that a large one need not be read again when it is whole.
///
/// They are in memory only, and few: after a restart, or when too many uploads run at once, `finishUpload` reads what
/// is missing from the file, once. Nothing is read before that, so nobody can make the server read a file many times
/// by sending it in small pieces.
///
/// Only for who has the folder alone: another process could end an upload and begin another, with the same length and
/// even the same number of the file.
final class UploadHashes: Sendable {
    struct Progress: Sendable {
        var state: any StreamingHash
        /// Bytes that are in the state.
        var offset: Int64
        /// The file's number: another file of the same name is another upload.
        var file: UInt64
        var used: Int
    }

    private struct State: Sendable {
        var uploads: [UploadName: Progress] = [:]
        var clock = 0
    }

    private let state = Mutex(State())
    private let hash: HashFactory
    /// A state takes some hundred bytes.
    private static let uploadsMax = 1024

    init(hash: @escaping HashFactory) {
        self.hash = hash
    }

    /// Takes in what was just written at `offset`. The caller holds the upload's lock: pieces come one after another.
    func note(_ name: UploadName, file: UInt64, offset: Int64, bytes: [UInt8]) {
        let found = state.withLock { state -> Progress? in
            let found = state.uploads.removeValue(forKey: name)
            return found?.file == file && found?.offset == offset ? found : nil
        }
        guard var progress = found ?? (offset == 0 ? Progress(state: hash(), offset: 0, file: file, used: 0) : nil)
        else { return }
        // Outside of the lock: hashing a piece takes milliseconds.
        progress.state.update(bytes)
        progress.offset += Int64(bytes.count)
        state.withLock { state in
            state.clock += 1
            progress.used = state.clock
            state.uploads[name] = progress
            guard state.uploads.count > UploadHashes.uploadsMax,
                let oldest = state.uploads.min(by: { $0.value.used < $1.value.used })?.key
            else { return }
            state.uploads[oldest] = nil
        }
    }

    /// - Returns: nil when nothing of this file was hashed; it is forgotten.
    func take(_ name: UploadName, file: UInt64) -> Progress? {
        let found = state.withLock { $0.uploads.removeValue(forKey: name) }
        return found?.file == file ? found : nil
    }
}
