import Domain
import Glibc
import Storage
import Synchronization

/// Blobs as files in the data directory: `ab/abcdef…` by the first byte of the name, `uploads/` for what is not whole
/// yet, `temporary/` for what is being written. Small ones lie together in `small.sqlite` (`SmallBlobs`); one that a
/// worker must read as a file is written out into `temporary/`.
///
/// A file under its final name may be read by everybody on this machine who knows the name and may enter the data
/// directory (mode 0700 unless its owner opens it): a web server can send it, see `server/deploy/nginx-blobs.conf`.
///
/// A file under its final name is whole: it was written under another name, synced, and renamed; then the folder was
/// synced. What a crash leaves behind lies in `temporary/` and is removed at the next opening, or in `uploads/`, where
/// the client goes on or `removeStaleUploads` ends it.
public final class FileBlobStore: BlobStore {
    let hash: HashFactory
    let root: Folder
    let temporary: Folder
    let uploads: Folder
    private let recheck: Bool
    /// Nil: other processes use the folder, too.
    let lock: FileLock?
    /// Begins the names of what is being written; of several processes each has another.
    private let prefix: String
    private let fans = Mutex<[Folder?]>(Array(repeating: nil, count: 256))
    private let counter = Atomic<Int>(0)
    let small: (any SmallBlobStore)?
    /// Nil: another process may change an upload, and what this one has hashed says nothing about the file.
    let hashes: UploadHashes?
    private let smallMax: Int

    /// Opens the folder and makes it when there is none.
    ///
    /// - Parameters:
    ///   - hash: starts a SHA-256.
    ///   - recheck: hash each blob again when it is read whole, and throw `StoreError.corrupt` when it has changed.
    ///   - smallMax: blobs of at most so many bytes are put together; 0: each has a file.
    ///   - shared: where small blobs lie when other processes, on other machines too, use the folder at the same time.
    ///     What a killed process left in `temporary/` goes with stale uploads then.
    /// - Throws: `StoreError.locked` when another store holds the folder; `StoreError.io`.
    public init(
        path: String, hash: @escaping HashFactory, recheck: Bool = false, smallMax: Int = 0,
        shared: (any SmallBlobStore)? = nil
    ) throws {
        self.smallMax = smallMax
        prefix = shared != nil ? String(UInt64.random(in: .min ... .max), radix: 16) + "-" : ""
        self.hash = hash
        hashes = shared != nil ? nil : UploadHashes(hash: hash)
        self.recheck = recheck
        root = try Folder(path)
        try root.letPass()
        lock = shared != nil ? nil : try FileLock(path + "/lock")
        temporary = try Folder("temporary", in: root)
        uploads = try Folder("uploads", in: root)
        if shared == nil { for name in try temporary.names() { try temporary.remove(name) } }
        small = try shared ?? (smallMax > 0 ? SmallBlobs(file: path + "/small.sqlite") : nil)
        try makeUploadsWritable()
    }

    /// Copies the small blobs to where several processes will find them. - Returns: how many there are.
    public func copySmall(to target: any SmallBlobStore) throws -> Int { try small?.copy(to: target, hash: hash) ?? 0 }

    /// And back.
    public func copySmall(from source: any SmallBlobStore) throws -> Int {
        guard let small else { return 0 }
        return try source.copy(to: small, hash: hash)
    }

    /// A name in `temporary` that nobody else has.
    func nextTemporary() -> String { "\(prefix)\(counter.add(1, ordering: .relaxed).newValue)" }

    /// Whether a blob was ever put or asked for: then its folder is there.
    func hasHeldBlobs() throws -> Bool {
        if let small, try !small.isEmpty { return true }
        return try root.names().contains { $0.utf8.count == 2 && UInt8($0, radix: 16) != nil }
    }

    /// The folder a blob lies in.
    func fan(_ digest: Digest) throws -> Folder {
        try fans.withLock { fans in
            if let folder = fans[Int(digest.bytes[0])] { return folder }
            let folder = try Folder(String(digest.hex.prefix(2)), in: root)
            try folder.letPass()
            fans[Int(digest.bytes[0])] = folder
            return folder
        }
    }

    public func put(_ blobs: [[UInt8]]) throws -> [Digest] {
        guard let small else { return try blobs.map { try put($0) } }
        let named = blobs.map { (digest: Storage.digest(of: $0, with: hash), bytes: $0) }
        try small.put(named.filter { $0.bytes.count <= smallMax })
        for (_, bytes) in named where bytes.count > smallMax { _ = try put(bytes) }
        return named.map(\.digest)
    }

    public func put(_ bytes: [UInt8]) throws -> Digest {
        if small != nil, bytes.count <= smallMax { return try put([bytes])[0] }
        let digest = Storage.digest(of: bytes, with: hash)
        let folder = try fan(digest)
        if try folder.status(of: digest.hex)?.st_size == off_t(bytes.count) {
            // Another thread may have renamed it a moment ago and not yet synced the folder.
            try folder.sync()
            return digest
        }
        let name = nextTemporary()
        do {
            guard let file = try temporary.open(name, O_WRONLY | O_CREAT | O_EXCL) else {
                throw StoreError.io("\(temporary.path) is gone")
            }
            try file.write(bytes, at: 0)
            try publish(file, name, from: temporary, as: digest)
        } catch {
            try? temporary.remove(name)
            throw error
        }
        return digest
    }

    /// The last steps of every blob. A crash before the rename leaves a file that no blob is made of; after it, the
    /// blob is whole and at worst not known to anybody.
    func publish(_ file: OpenFile, _ name: String, from folder: Folder, as digest: Digest) throws {
        let target = try fan(digest)
        try file.sync()
        try folder.rename(name, to: digest.hex, in: target)
        try target.sync()
        // Last: a read-only file that is still an upload could not be opened to go on with. It only guards against
        // slips, so a crash before it does no harm.
        fchmod(file.descriptor, 0o444)
    }

    public var togetherBytesMax: Int { small == nil ? 0 : smallMax }

    public func recent(_ digest: Digest) -> [UInt8]? { small?.recent(digest) }

    public func contains(_ digest: Digest) throws -> Bool { try size(of: digest) != nil }

    public func size(of digest: Digest) throws -> Int64? {
        if let size = try small?.size(of: digest) { return size }
        return try fan(digest).status(of: digest.hex).map { Int64($0.st_size) }
    }

    public func durableSize(of digest: Digest) throws -> Int64? {
        if let size = try small?.size(of: digest) { return size }
        let folder = try fan(digest)
        guard let size = try folder.status(of: digest.hex).map({ Int64($0.st_size) }) else { return nil }
        try folder.sync()
        return size
    }

    private func opened(_ digest: Digest) throws -> OpenFile {
        guard let file = try fan(digest).open(digest.hex, O_RDONLY) else { throw StoreError.missing("blob \(digest)") }
        return file
    }

    public func read(_ digest: Digest, limit: Int) throws -> [UInt8] {
        if let bytes = try small?.bytes(of: digest) {
            guard bytes.count <= limit else {
                throw StoreError.io("blob \(digest) has \(bytes.count) bytes, more than \(limit)")
            }
            guard !recheck || Storage.digest(of: bytes, with: hash) == digest else { throw changed(digest) }
            return bytes
        }
        let file = try opened(digest)
        let size = Int(try file.status().st_size)
        guard size <= limit else { throw StoreError.io("blob \(digest) has \(size) bytes, more than \(limit)") }
        let bytes = try file.read(at: 0, count: size)
        guard bytes.count == size, !recheck || Storage.digest(of: bytes, with: hash) == digest else {
            throw StoreError.corrupt("\(file.path) does not have the hash it is named by")
        }
        return bytes
    }

    public func read(_ digest: Digest, offset: Int64, count: Int) throws -> [UInt8] {
        func check(_ size: Int64) throws {
            guard offset >= 0, offset <= size, count >= 0 else {
                throw StoreError.io("blob \(digest) has \(size) bytes, none at \(offset)")
            }
        }
        if let bytes = try small?.bytes(of: digest) {
            try check(Int64(bytes.count))
            return Array(bytes[Int(offset)..<Int(offset) + min(count, bytes.count - Int(offset))])
        }
        let file = try opened(digest)
        let size = Int64(try file.status().st_size)
        try check(size)
        return try file.read(at: offset, count: Int(min(Int64(count), size - offset)))
    }

    private func changed(_ digest: Digest) -> StoreError {
        .corrupt("small blob \(digest) does not have the hash it is named by")
    }

    /// A file with the bytes of a small blob, for who can only read files. It need not survive anything: whoever asks
    /// again gets a new one. A reader sees it whole or not at all.
    private func unpacked(_ digest: Digest, _ bytes: [UInt8]) throws -> String {
        let name = digest.hex
        if let file = try temporary.open(name, O_RDONLY), try file.status().st_size == off_t(bytes.count) {
            // Its age counts from now.
            futimens(file.descriptor, nil)
            return temporary.path + "/" + name
        }
        let made = nextTemporary()
        do {
            guard let file = try temporary.open(made, O_WRONLY | O_CREAT | O_EXCL) else {
                throw StoreError.io("\(temporary.path) is gone")
            }
            try file.write(bytes, at: 0)
            // A folder that nobody empties at the start must not show half a file after a power cut.
            if lock == nil { try file.sync() }
            try temporary.rename(made, to: name, in: temporary)
        } catch {
            try? temporary.remove(made)
            throw error
        }
        return temporary.path + "/" + name
    }

    /// Removes files that were written out for a worker long ago.
    func removeUnpacked(before: Timestamp) throws {
        for name in try temporary.names() where name.utf8.count == 64 || lock == nil {
            guard let status = try temporary.status(of: name) else { continue }
            let written = Timestamp(seconds: Int64(status.st_mtim.tv_sec))
            if written < before { try temporary.remove(name) }
        }
    }

    public func smallBytes(of digest: Digest) throws -> [UInt8]? { try small?.bytes(of: digest) }

    /// - Returns: nil also when there is no such blob.
    public func path(of digest: Digest) -> String? {
        if let bytes = try? small?.bytes(of: digest) { return try? unpacked(digest, bytes) }
        guard let folder = try? fan(digest), let status = try? folder.status(of: digest.hex), status.st_size >= 0
        else { return nil }
        return folder.path + "/" + digest.hex
    }

    public func ownFile(of digest: Digest) throws -> String? {
        let folder = try fan(digest)
        return try folder.status(of: digest.hex) == nil ? nil : folder.path + "/" + digest.hex
    }

    /// Not synced: a removal that a crash undoes leaves a blob that nobody asks for.
    public func remove(_ digest: Digest) throws {
        if let small {
            try small.remove(digest)
            try temporary.remove(digest.hex)
        }
        try fan(digest).remove(digest.hex)
    }

    /// Hashes the file again. - Throws: `StoreError.corrupt` when it has changed, `.missing`, `.io`.
    public func verify(_ digest: Digest) throws {
        if let bytes = try small?.bytes(of: digest) {
            guard Storage.digest(of: bytes, with: hash) == digest else { throw changed(digest) }
            return
        }
        let file = try opened(digest)
        guard try hashed(file) == digest else {
            throw StoreError.corrupt("\(file.path) does not have the hash it is named by")
        }
    }

    /// The hash of a whole file, a piece at a time.
    ///
    /// - Parameter start: what is hashed already.
    func hashed(_ file: OpenFile, from start: UploadHashes.Progress? = nil) throws -> Digest {
        var state = start?.state ?? hash()
        var offset = start?.offset ?? 0
        while true {
            let piece = try file.read(at: offset, count: 1 << 20)
            if piece.isEmpty { return state.finish() }
            state.update(piece)
            offset += Int64(piece.count)
        }
    }
}
