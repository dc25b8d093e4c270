import CWasmtime
import Glibc

/// What one of the module's descriptors stands for.
final class OpenFile {
    enum Kind {
        /// Standard input: empty.
        case nothing
        /// Standard output or errors.
        case stream
        case file
        /// `name` is what the module finds it by, for folders that it was started with.
        case folder(name: String?)
    }

    let kind: Kind
    let descriptor: Int32
    /// Where it is for the module, absolute: `/output/a/b`.
    let path: String
    /// It and what is below it may not be changed.
    let isReadOnly: Bool
    /// As the module opened it: 1 append, 4 never wait, 2, 8, 16 write through.
    var flags: UInt16
    let isWritable: Bool
    private var names: [(name: String, kind: UInt8)]?

    init(_ kind: Kind, descriptor: Int32, path: String, isReadOnly: Bool, isWritable: Bool, flags: UInt16 = 0) {
        self.kind = kind
        self.descriptor = descriptor
        self.path = path
        self.isReadOnly = isReadOnly
        self.isWritable = isWritable
        self.flags = flags
    }

    deinit {
        // The process's own streams stay.
        if descriptor > 2 { close(descriptor) }
    }

    /// The path of what lies below this folder, without `.`, and without `..` where it can be.
    func path(of below: String) -> String {
        var parts = path.split(separator: "/")
        for part in below.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// Names and kinds of what is in this folder, in order of their bytes, however the file system has them: as they
    /// were when they were first asked for, or asked for from the start.
    ///
    /// - Parameter isShown: asked when they are read.
    func entries(
        fromStart: Bool, _ isShown: (String) -> Bool
    ) throws(WASIError) -> [(name: String, kind: UInt8)] {
        if let names, !fromStart { return names }
        let copy = millrace_open_below(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        guard copy >= 0 else { throw .ofSystem }
        guard let list = fdopendir(copy) else {
            close(copy)
            throw .ofSystem
        }
        defer { closedir(list) }
        var found: [(name: String, kind: UInt8)] = []
        while let entry = readdir(list) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var status = stat()
            guard name != ".", name != "..", isShown(name) else { continue }
            guard fstatat(copy, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            found.append((name, FileKind.number(status.st_mode)))
        }
        found.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        names = found
        return found
    }
}

/// Kinds of files by WASI's numbers.
enum FileKind {
    static let unknown: UInt8 = 0
    static let folder: UInt8 = 3
    static let regular: UInt8 = 4
    static let link: UInt8 = 7

    static func number(_ mode: mode_t) -> UInt8 {
        switch mode & S_IFMT {
        case S_IFDIR: folder
        case S_IFREG: regular
        case S_IFLNK: link
        default: unknown
        }
    }
}
