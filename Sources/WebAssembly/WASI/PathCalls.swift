import CWasmtime
import Glibc

/// Calls about paths: below a folder that the module has, never out of it, never through a link.
extension WASISystem {
    func performOnPath(_ call: WASICall, _ at: CallArguments, _ memory: GuestMemory) throws(WASIError) {
        switch call {
        case .path_open: try open(at, memory)
        case .path_filestat_get:
            let folder = try folder(at[0])
            let path = try memory.text(at[2], at[3])
            let status = try status(folder, path)
            let kind = FileKind.number(status.st_mode)
            let size = kind == FileKind.regular ? UInt64(status.st_size) : 0
            try put(kind: kind, size: size, path: folder.path(of: path), memory, at[4])
        case .path_filestat_set_times: _ = try status(try folder(at[0]), try memory.text(at[2], at[3]))
        case .path_readlink:
            // What is there is no link.
            _ = try status(try folder(at[0]), try memory.text(at[1], at[2]))
            throw .invalid
        case .path_create_directory:
            try change(try folder(at[0]), try memory.text(at[1], at[2])) { mkdirat($0, $1, 0o755) }
        case .path_remove_directory:
            try change(try folder(at[0]), try memory.text(at[1], at[2])) { unlinkat($0, $1, Int32(AT_REMOVEDIR)) }
        case .path_unlink_file:
            let (folder, name) = (try folder(at[0]), try memory.text(at[1], at[2]))
            try refuseHidden(folder, name)
            try change(folder, name) { unlinkat($0, $1, 0) }
        default:
            let (to, name) = (try folder(at[3]), try memory.text(at[4], at[5]))
            let target = try Place(to, name)
            let (from, old) = (try folder(at[0]), try memory.text(at[1], at[2]))
            try refuseHidden(from, old)
            try change(from, old) {
                renameat($0, $1, target.folder, target.name)
            }
            willWrite(to.path(of: name))
        }
    }

    private func refuseHidden(_ folder: OpenFile, _ path: String) throws(WASIError) {
        if isHidden(folder.path(of: path)) { throw .notFound }
    }

    private func status(_ folder: OpenFile, _ path: String) throws(WASIError) -> stat {
        try refuseHidden(folder, path)
        let descriptor = millrace_open_below(folder.descriptor, path, millrace_only_path | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw .ofSystem }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .ofSystem }
        return status
    }

    private func open(_ at: CallArguments, _ memory: GuestMemory) throws(WASIError) {
        let folder = try folder(at[0])
        let path = try memory.text(at[2], at[3])
        // What to do: 1 create, 2 only a folder, 4 only a new file, 8 empty it.
        let how = at[4]
        // Rights to read or list; to write, allocate, or resize.
        let reads = at.long(5) & (1 << 1 | 1 << 14) != 0
        let writes = at.long(5) & (1 << 0 | 1 << 6 | 1 << 8 | 1 << 22) != 0 || how & 8 != 0
        let flags = UInt16(truncatingIfNeeded: at[7])
        let isFolder = how & 2 != 0 || (try? status(folder, path)).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
        let changes = !isFolder && (writes || how & (1 | 8) != 0)
        let full = folder.path(of: path)
        let isHidden = isHidden(full)
        guard changes || !isHidden else { throw .notFound }
        guard !changes || !folder.isReadOnly else { throw .readOnly }
        var mode: Int32 = isFolder ? O_RDONLY | O_DIRECTORY : writes ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY
        if isFolder && how & 1 != 0 { throw .isDirectory }
        if !isFolder {
            if how & 1 != 0 { mode |= O_CREAT }
            if how & 4 != 0 { mode |= O_EXCL }
            if how & 8 != 0 || isHidden { mode |= O_TRUNC }
            if flags & 1 != 0 { mode |= O_APPEND }
            if flags & (2 | 8 | 16) != 0 { mode |= O_SYNC }
        }
        // Pipes and devices have no place in a computation that can be repeated.
        let descriptor = millrace_open_below(
            folder.descriptor, path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, mode & O_CREAT == 0 ? 0 : 0o644)
        guard descriptor >= 0 else { throw .ofSystem }
        let file = OpenFile(
            isFolder ? .folder(name: nil) : .file, descriptor: descriptor, path: full, isReadOnly: folder.isReadOnly,
            isWritable: writes && !isFolder, flags: flags)
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .ofSystem }
        guard [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) else { throw .notSupported }
        try memory.store(try add(file), at: at[8])
        if file.isWritable || isHidden { willWrite(full) }
    }

    /// The folder in which something is, opened, and its name there.
    private final class Place {
        let folder: Int32
        let name: String

        init(_ below: OpenFile, _ path: String) throws(WASIError) {
            guard !below.isReadOnly else { throw .readOnly }
            var path = path[...]
            while path.hasSuffix("/") { path.removeLast() }
            let slash = path.lastIndex(of: "/")
            name = String(slash.map { path[path.index(after: $0)...] } ?? path)
            guard !name.isEmpty, name != ".", name != ".." else { throw .invalid }
            // An absolute path is refused by the system: it leads out.
            let parent = slash.map { String(path[...$0]) } ?? "."
            folder = millrace_open_below(below.descriptor, parent, millrace_only_path | O_DIRECTORY | O_CLOEXEC, 0)
            guard folder >= 0 else { throw .ofSystem }
        }

        deinit {
            if folder >= 0 { close(folder) }
        }
    }

    private func change(
        _ folder: OpenFile, _ path: String, _ call: (Int32, String) -> Int32
    ) throws(WASIError) {
        let place = try Place(folder, path)
        guard call(place.folder, place.name) == 0 else { throw .ofSystem }
    }
}
