import Glibc
import Storage

/// An open folder; names in it are used relative to the open handle, and a symbolic link is never followed.
final class Folder: Sendable {
    let path: String
    let descriptor: Int32

    /// Opens the folder, and makes it and its parents when there are none.
    /// - Throws: `StoreError.io`.
    init(_ path: String) throws {
        self.path = path
        try Folder.make(path)
        descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError.io(path) }
    }

    /// Opens a folder in another, and makes it when there is none.
    init(_ name: String, in parent: Folder) throws {
        path = parent.path + "/" + name
        if mkdirat(parent.descriptor, name, 0o700) == 0 {
            guard fsync(parent.descriptor) == 0 else { throw SystemError.io(parent.path) }
        } else if errno != EEXIST {
            throw SystemError.io(parent.path + "/" + name)
        }
        descriptor = openat(parent.descriptor, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw SystemError.io(path) }
    }

    /// Opens a folder that must be there. - Throws: `StoreError.missing`, `.io`.
    init(existing path: String) throws {
        self.path = path
        descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw errno == ENOENT ? StoreError.missing(path) : SystemError.io(path)
        }
    }

    /// - Returns: nil when there is no such folder.
    static func existing(_ path: String) throws -> Folder? {
        do { return try Folder(existing: path) } catch StoreError.missing { return nil }
    }

    /// A folder in this one; nil when there is none.
    func existing(_ name: String) throws -> Folder? { try Folder.existing(path + "/" + name) }

    deinit { close(descriptor) }

    /// Lets others open files whose names they know, and nothing more: mode 0711, whatever the umask.
    func letPass() throws {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemError.io(path) }
        // Not the owner: then it is as the owner has it.
        guard status.st_mode & 0o777 == 0o700, status.st_uid == geteuid() else { return }
        guard fchmod(descriptor, 0o711) == 0 else { throw SystemError.io(path) }
    }

    private static func make(_ path: String) throws {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        let code = errno
        guard code == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw SystemError.io(path, code)
        }
        try make(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw SystemError.io(path) }
    }

    /// - Returns: nil when there is no such file.
    func open(_ name: String, _ flags: Int32, mode: mode_t = 0o600) throws -> OpenFile? {
        let file = openat(descriptor, name, flags | O_CLOEXEC | O_NOFOLLOW, mode)
        if file < 0 {
            guard errno == ENOENT else { throw SystemError.io(path + "/" + name) }
            return nil
        }
        return OpenFile(descriptor: file, path: path + "/" + name)
    }

    /// - Returns: nil when there is no such file.
    func status(of name: String) throws -> stat? {
        var status = stat()
        if fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 { return status }
        guard errno == ENOENT else { throw SystemError.io(path + "/" + name) }
        return nil
    }

    /// Does nothing when there is no such file.
    func remove(_ name: String) throws {
        guard unlinkat(descriptor, name, 0) == 0 || errno == ENOENT else { throw SystemError.io(path + "/" + name) }
    }

    func rename(_ name: String, to newName: String, in folder: Folder) throws {
        guard renameat(descriptor, name, folder.descriptor, newName) == 0 else {
            throw SystemError.io(folder.path + "/" + newName)
        }
    }

    /// Returns when the names in the folder are on the disk.
    func sync() throws {
        guard fsync(descriptor) == 0 else { throw SystemError.io(path) }
    }

    /// Names of what lies in the folder, in no order.
    func names() throws -> [String] {
        let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else { throw SystemError.io(path) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}

/// An open file, closed with its last user.
final class OpenFile {
    let descriptor: Int32
    let path: String

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    func status() throws -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemError.io(path) }
        return status
    }

    func write(_ bytes: [UInt8], at offset: Int64) throws {
        try bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let rest = UnsafeRawBufferPointer(rebasing: buffer[done...])
                let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset) + done)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw SystemError.io(path, count == 0 ? ENOSPC : errno) }
                done += count
            }
        }
    }

    /// - Returns: fewer bytes than `count` only at the end of the file.
    func read(at offset: Int64, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            while filled < count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: raw[filled..<count])
                let got = pread(descriptor, rest.baseAddress, rest.count, off_t(offset) + filled)
                if got < 0 && errno == EINTR { continue }
                guard got >= 0 else { throw SystemError.io(path) }
                if got == 0 { return }
                filled += got
            }
        }
    }

    func sync() throws {
        guard fsync(descriptor) == 0 else { throw SystemError.io(path) }
    }
}
