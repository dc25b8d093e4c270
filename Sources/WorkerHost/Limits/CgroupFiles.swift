import Domain
import Glibc

/// The files by which control groups are made and told what to do. Tests have a twin that knows the kernel's rules.
package protocol CgroupFiles: Sendable {
    func read(_ path: String) throws(Fault) -> String
    /// Writes to a file that is there, in one piece; the kernel acts on it or refuses.
    func write(_ text: String, to path: String) throws(Fault)
    /// - Returns: false when it was there already.
    func makeFolder(_ path: String) throws(Fault) -> Bool
    func removeFolder(_ path: String) throws(Fault)
    /// The names in a folder.
    func names(in path: String) throws(Fault) -> [String]
}

/// Control groups as the kernel shows them.
package struct KernelCgroupFiles: CgroupFiles {
    package init() {}

    package func read(_ path: String) throws(Fault) -> String {
        guard let text = ProcessTimes.text(path) else {
            // An empty list is an answer, too.
            guard Files.exists(path) else { throw Files.fault("read", path) }
            return ""
        }
        return text
    }

    package func write(_ text: String, to path: String) throws(Fault) {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { throw Files.fault("open", path) }
        defer { close(file) }
        try Files.write(Array(text.utf8), to: file, path)
    }

    package func makeFolder(_ path: String) throws(Fault) -> Bool {
        guard mkdir(path, 0o755) == 0 else {
            guard errno == EEXIST else { throw Files.fault("make control group", path) }
            return false
        }
        return true
    }

    package func removeFolder(_ path: String) throws(Fault) {
        guard rmdir(path) == 0 || errno == ENOENT else { throw Files.fault("remove control group", path) }
    }

    package func names(in path: String) throws(Fault) -> [String] { try Files.names(in: path) }
}
