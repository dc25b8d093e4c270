import Domain
import Glibc
import Storage

/// For a store whose blobs lie elsewhere: uploads gather here, and files are kept here for workers to read.
extension FileBlobStore {
    /// An upload that is whole and has the right hash.
    public struct StagedUpload {
        let file: OpenFile
        public let size: Int64

        /// - Returns: fewer bytes than `count` only at the end.
        public func read(at offset: Int64, count: Int) throws -> [UInt8] { try file.read(at: offset, count: count) }
    }

    /// Hands on an upload after its hash was checked, and removes it when it has arrived.
    ///
    /// A crash before the removal leaves it whole: the client asks where to go on, hears that all is there, and asks to
    /// finish again; or `removeStaleUploads` ends it.
    ///
    /// - Parameter send: returns when the bytes are durable elsewhere.
    /// - Returns: false when there is no such upload.
    /// - Throws: `StoreError.corrupt` for another hash, the upload is then removed; what `send` throws.
    public func handOn(
        _ name: UploadName, expecting digest: Digest, to send: (StagedUpload) throws -> Void
    ) throws -> Bool {
        guard let file = try locked(name, create: false) else { return false }
        let status = try file.status()
        let state = hashes?.take(name, file: UInt64(status.st_ino))
        guard try hashed(file, from: state) == digest else {
            try uploads.remove(name.text)
            throw StoreError.corrupt("upload \(name.text) does not have the hash \(digest)")
        }
        try send(StagedUpload(file: file, size: Int64(status.st_size)))
        try uploads.remove(name.text)
        return true
    }

    /// A file that is still being filled.
    public struct Filling {
        let file: OpenFile
        public func write(_ bytes: [UInt8], at offset: Int64) throws { try file.write(bytes, at: offset) }
    }

    /// The path of a copy of a blob that lies elsewhere. It survives nothing and is removed a day after it was last
    /// asked for, and earlier when all copies together are larger than `bytesMax`.
    ///
    /// - Parameter size: bytes that the blob has.
    /// - Parameter fill: writes the blob's bytes and checks their hash.
    public func copy(
        of digest: Digest, size: Int64, bytesMax: Int64, _ fill: (Filling) throws -> Void
    ) throws -> String {
        if let present = try presentCopy(of: digest) { return present }
        let name = digest.hex
        try makeRoom(bytes: size, bytesMax: bytesMax)
        let made = nextTemporary()
        do {
            guard let file = try temporary.open(made, O_WRONLY | O_CREAT | O_EXCL) else {
                throw StoreError.io("\(temporary.path) is gone")
            }
            try fill(Filling(file: file))
            // As in `unpacked`: several processes have a folder that no start empties.
            if lock == nil { try file.sync() }
            try temporary.rename(made, to: name, in: temporary)
        } catch {
            try? temporary.remove(made)
            throw error
        }
        return temporary.path + "/" + name
    }

    /// The path of a copy that is there; it is whole, for it was renamed into its place.
    public func presentCopy(of digest: Digest) throws -> String? {
        guard let file = try temporary.open(digest.hex, O_RDONLY) else { return nil }
        // Its age counts from now.
        futimens(file.descriptor, nil)
        return temporary.path + "/" + digest.hex
    }

    /// A copy that was asked for so lately may not have been opened yet.
    private static let copySpareSeconds = 900

    /// Removes the copies that were not asked for longest. Who has one open reads it to its end.
    private func makeRoom(bytes: Int64, bytesMax: Int64) throws {
        var copies: [(name: String, size: Int64, used: Int)] = []
        for name in try temporary.names() where name.utf8.count == 64 {
            guard let status = try temporary.status(of: name) else { continue }
            copies.append((name, Int64(status.st_size), status.st_mtim.tv_sec))
        }
        var sum = copies.reduce(0) { $0 + $1.size }
        let spared = time(nil) - Self.copySpareSeconds
        for copy in copies.sorted(by: { $0.used < $1.used }) where sum + bytes > bytesMax {
            guard copy.used < spared || sum + bytes > 2 * bytesMax else { break }
            try temporary.remove(copy.name)
            sum -= copy.size
        }
    }

    /// The copy of a blob, if there is one, goes with it.
    public func removeCopy(of digest: Digest) throws { try temporary.remove(digest.hex) }
}
