import Bytes
import Domain
import Glibc
import Storage

/// The archives of a data directory: `archive/batch-N.tar.zst`, each whole or not there.
struct ArchiveFolder {
    let path: String

    init(data: String) {
        path = data + "/archive"
    }

    func file(_ batch: BatchID) -> String { "\(path)/batch-\(batch).tar.zst" }

    /// The archives that are there, by the number of their batch.
    func batches() -> [BatchID] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var found: [BatchID] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name.hasPrefix("batch-"), name.hasSuffix(".tar.zst"),
                let number = Int64(name.dropFirst(6).dropLast(8))
            else { continue }
            found.append(BatchID(rawValue: number))
        }
        return found.sorted()
    }

    /// Writes an archive under another name, syncs it, lets it be read back, and only then gives it its name.
    func write(
        _ batch: BatchID, _ body: (@escaping ([UInt8]) throws -> Void) throws -> Void,
        check: (@escaping (Int) throws -> [UInt8]) throws -> Void
    ) throws {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Self.fault("make the folder", path) }
        let part = file(batch) + ".part"
        let out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard out >= 0 else { throw Self.fault("write", part) }
        do {
            defer { close(out) }
            try body { bytes in try Self.write(bytes, to: out, part) }
            guard fsync(out) == 0 else { throw Self.fault("sync", part) }
        }
        let written = try ArchiveInput(part)
        try check { try written.read($0) }
        guard rename(part, file(batch)) == 0 else { throw Self.fault("rename", part) }
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0, fsync(folder) == 0, close(folder) == 0 else { throw Self.fault("sync", path) }
    }

    private static func write(_ bytes: [UInt8], to file: Int32, _ path: String) throws {
        var at = 0
        while at < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + at, bytes.count - at) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw fault("write", path) }
            at += count
        }
    }

    static func fault(_ what: String, _ path: String) -> Fault {
        Fault(
            .cannotWrite, "cannot \(what) \(path): \(String(cString: strerror(errno)))",
            advice: "check the disk and the permissions; nothing was removed")
    }
}

/// An archive that is read from its beginning to its end, and hashed on the way.
final class ArchiveInput {
    private let file: Int32
    private let path: String
    private var hash = StreamingSHA256()

    /// - Throws: `Fault` of kind `.noInput`.
    init(_ path: String) throws {
        file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Fault(.noInput, "cannot open \(path): \(String(cString: strerror(errno)))") }
        self.path = path
    }

    deinit { close(file) }

    /// - Returns: fewer bytes than `count` only at the end.
    func read(_ count: Int) throws -> [UInt8] {
        let bytes = try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = Glibc.read(file, buffer.baseAddress! + filled, count - filled)
                if got < 0 && errno == EINTR { continue }
                guard got >= 0 else { throw StoreError.io("\(path): \(String(cString: strerror(errno)))") }
                if got == 0 { return }
                filled += got
            }
        }
        hash.update(bytes)
        return bytes
    }

    /// The hash of the whole file, once everything was read. - Throws: `.corrupt` when something lies behind the end.
    func digest() throws -> Digest {
        guard try read(1).isEmpty else { throw StoreError.corrupt("\(path): something lies behind the archive's end") }
        return hash.finish()
    }
}
