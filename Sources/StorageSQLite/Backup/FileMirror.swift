import Domain
import Glibc
import Storage

/// Brings files into another folder: as a second name of the same file, or as a copy whose hash is checked on the way.
struct FileMirror {
    let hash: HashFactory
    /// Second names where the file system allows it: at once and without space, and no protection against a broken
    /// disk.
    let isLinking: Bool

    struct Count: Hashable, Sendable {
        var files = 0
        var filesNew = 0
        var bytesNew: Int64 = 0

        static func + (a: Count, b: Count) -> Count {
            Count(files: a.files + b.files, filesNew: a.filesNew + b.filesNew, bytesNew: a.bytesNew + b.bytesNew)
        }
    }

    /// Brings one file, whole or not at all.
    /// - Parameter digest: what its bytes must hash to; nil: not known.
    /// - Returns: its bytes when it was not there with the same size; nil when it was.
    /// - Throws: `.missing` when the source is gone meanwhile, `.corrupt` when it has another hash, `.io`.
    func bring(_ name: String, from: Folder, to: Folder, as target: String? = nil, digest: Digest?) throws -> Int64? {
        guard let source = try from.open(name, O_RDONLY) else { throw StoreError.missing("\(from.path)/\(name)") }
        let status = try source.status()
        let target = target ?? name
        // Blobs never change, and other files have their time: what is there with the same size and time is the same.
        if let there = try to.status(of: target), there.st_size == status.st_size,
            digest != nil || there.st_mtim.tv_sec == status.st_mtim.tv_sec
        {
            return nil
        }
        let temporary = ".\(target).new"
        try to.remove(temporary)
        do {
            let isLinked =
                isLinking && linkat(from.descriptor, name, to.descriptor, temporary, 0) == 0
            if !isLinked { try copy(source, to, temporary, digest, status) }
            try to.rename(temporary, to: target, in: to)
        } catch {
            try? to.remove(temporary)
            throw error
        }
        return Int64(status.st_size)
    }

    private func copy(_ source: OpenFile, _ to: Folder, _ name: String, _ digest: Digest?, _ status: stat) throws {
        let mode = status.st_mode & 0o777 | 0o200
        guard let file = try to.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: mode) else {
            throw StoreError.io("\(to.path) is gone")
        }
        // Whatever the umask: who may read a blob may read its copy.
        guard fchmod(file.descriptor, mode) == 0 else { throw SystemError.io(file.path) }
        var state = hash()
        var offset: Int64 = 0
        while true {
            let piece = try source.read(at: offset, count: 1 << 20)
            if piece.isEmpty { break }
            try file.write(piece, at: offset)
            if digest != nil { state.update(piece) }
            offset += Int64(piece.count)
        }
        if let digest, state.finish() != digest {
            throw StoreError.corrupt("\(source.path) does not have the hash it is named by")
        }
        var times = [status.st_atim, status.st_mtim]
        futimens(file.descriptor, &times)
        try file.sync()
    }

    /// Brings every blob that lies in a file of its own. - Parameters: the blob folders.
    func bringBlobs(from: Folder, to: Folder) throws -> Count {
        var count = Count()
        for name in try from.names() where name.utf8.count == 2 && UInt8(name, radix: 16) != nil {
            let (source, target) = (try Folder(name, in: from), try Folder(name, in: to))
            var isChanged = false
            for blob in try source.names() {
                guard let digest = Digest(hex: blob) else { continue }
                count.files += 1
                do {
                    guard let bytes = try bring(blob, from: source, to: target, digest: digest) else { continue }
                    count.filesNew += 1
                    count.bytesNew += bytes
                    isChanged = true
                } catch StoreError.missing {
                    // Purged a moment ago: whether a row still names it is looked at afterwards.
                    count.files -= 1
                }
            }
            if isChanged { try target.sync() }
        }
        try to.sync()
        return count
    }

    /// Brings a folder with all that is in it; symbolic links are passed over, and what begins with a dot.
    func bringFolder(from: Folder, to: Folder, depth: Int = 8) throws -> Count {
        var count = Count()
        for name in try from.names() where !name.hasPrefix(".") {
            guard let status = try from.status(of: name) else { continue }
            if status.st_mode & S_IFMT == S_IFDIR, depth > 0 {
                let inside = try Folder(name, in: to)
                fchmod(inside.descriptor, status.st_mode & 0o777)
                count = count + (try bringFolder(from: try Folder(name, in: from), to: inside, depth: depth - 1))
            } else if status.st_mode & S_IFMT == S_IFREG {
                count.files += 1
                guard let bytes = try bring(name, from: from, to: to, digest: nil) else { continue }
                count.filesNew += 1
                count.bytesNew += bytes
            }
        }
        try to.sync()
        return count
    }
}
