import Domain
import Glibc
import Storage

/// Uploads: files that grow at the end, each under a lock of its own while it changes.
extension FileBlobStore {
    /// Uploads may rest for two weeks, what was written out for a worker for one day.
    private static let unpackedYounger = TimeSpan(seconds: 13 * 86_400)

    public func uploadOffset(_ name: UploadName) throws -> Int64 {
        try uploads.status(of: name.text).map { Int64($0.st_size) } ?? 0
    }

    public func appendUpload(_ name: UploadName, offset: Int64, bytes: [UInt8], limit: Int64) throws -> Int64 {
        guard offset >= 0 else { throw StoreError.conflict("upload \(name.text) at \(offset)") }
        guard Int64(bytes.count) <= limit - offset else {
            // The offset is checked first: a client that is elsewhere must hear that, not that it sends too much.
            let present = try uploadOffset(name)
            guard present == offset else { throw wrongOffset(name, present, offset) }
            throw StoreError.io("upload \(name.text) would have more than \(limit) bytes")
        }
        guard let file = try locked(name, create: true) else { throw StoreError.io("\(uploads.path) is gone") }
        let present = Int64(try file.status().st_size)
        guard present == offset else {
            if present == 0 { try uploads.remove(name.text) }
            throw wrongOffset(name, present, offset)
        }
        do {
            try file.write(bytes, at: offset)
            try file.sync()
            if present == 0 { try uploads.sync() }
            hashes?.note(name, file: UInt64(try file.status().st_ino), offset: offset, bytes: bytes)
        } catch {
            // What is beyond the acknowledged length must not count when the client asks where to go on.
            if present == 0 { try? uploads.remove(name.text) } else { ftruncate(file.descriptor, off_t(offset)) }
            throw error
        }
        return offset + Int64(bytes.count)
    }

    private func wrongOffset(_ name: UploadName, _ present: Int64, _ offset: Int64) -> StoreError {
        .conflict("upload \(name.text) has \(present) bytes, not \(offset)")
    }

    public func finishUpload(_ name: UploadName, expecting digest: Digest) throws {
        guard let file = try locked(name, create: false) else {
            // Finished before the answer was lost, or an upload of nothing at all.
            if try durableSize(of: digest) != nil { return }
            guard hash().finish() == digest else { throw StoreError.missing("upload \(name.text)") }
            _ = try put([UInt8]())
            return
        }
        let state = hashes?.take(name, file: UInt64(try file.status().st_ino))
        guard try hashed(file, from: state) == digest else {
            try uploads.remove(name.text)
            throw StoreError.corrupt("upload \(name.text) does not have the hash \(digest)")
        }
        try publish(file, name.text, from: uploads, as: digest)
        // Otherwise a crash could bring the upload back beside the blob; harmless, but it would take space.
        try uploads.sync()
    }

    public func removeStaleUploads(before: Timestamp) throws {
        // A worker reads at once what was written out for it; a day later nobody does.
        try removeUnpacked(before: before + FileBlobStore.unpackedYounger)
        for name in try uploads.names() {
            // For writing: over NFS an exclusive lock is refused to who can only read.
            guard let file = try uploads.open(name, O_RDWR) else { continue }
            // Somebody is writing to it: not stale.
            guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else { continue }
            let touched = try file.status().st_mtim
            let milliseconds = Int64(touched.tv_sec) * 1000 + Int64(touched.tv_nsec) / 1_000_000
            if milliseconds < before.milliseconds { try uploads.remove(name) }
        }
    }

    /// Mends what an earlier version, or a copy of the folder, left: nobody but root can open a read-only upload, so
    /// nobody else could go on with it.
    func makeUploadsWritable() throws {
        for name in try uploads.names() {
            guard let status = try uploads.status(of: name), status.st_mode & S_IFMT == S_IFREG,
                status.st_mode & 0o600 != 0o600
            else { continue }
            guard fchmodat(uploads.descriptor, name, 0o600, 0) == 0 || errno == ENOENT else {
                throw SystemError.io(uploads.path + "/" + name)
            }
        }
    }

    /// Opens an upload and waits until no other thread changes it.
    ///
    /// While it waited, the file may have become a blob or have been removed; then the name is looked up anew.
    func locked(_ name: UploadName, create: Bool) throws -> OpenFile? {
        while true {
            guard let file = try uploads.open(name.text, O_RDWR | (create ? O_CREAT : 0)) else { return nil }
            while flock(file.descriptor, LOCK_EX) != 0 {
                guard errno == EINTR else { throw SystemError.io(file.path) }
            }
            if let named = try uploads.status(of: name.text), named.st_ino == (try file.status().st_ino) { return file }
        }
    }
}
