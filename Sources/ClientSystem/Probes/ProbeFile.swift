import CPosix
import Glibc

/// Small files that tell something, of the kernel or of strangers: read without waiting and never beyond a limit.
enum ProbeFile {
    /// The first bytes of a file.
    ///
    /// - Returns: nil when there is none, it may not be read, or it is no regular file: a pipe would make us wait.
    static func bytes(_ path: String, limit: Int = 4096) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        // Files of the kernel have no size: read until the end.
        while count < limit {
            let got = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress! + count, limit - count) }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { return nil }
            guard got > 0 else { break }
            count += got
        }
        bytes.removeLast(limit - count)
        return bytes
    }

    static func text(_ path: String, limit: Int = 4096) -> String? {
        bytes(path, limit: limit).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The first line, without blanks around it; nil for none, too.
    static func word(_ path: String) -> String? {
        guard let line = text(path)?.split(separator: "\n", maxSplits: 1).first else { return nil }
        let word = trimmed(line)
        return word.isEmpty ? nil : word
    }

    static func number(_ path: String) -> Int64? { word(path).flatMap { Int64($0) } }

    static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }

    /// What a folder holds, in any order, at most so many names; nil when it cannot be listed.
    static func names(in path: String, limit: Int) -> [String]? {
        guard let folder = opendir(path) else { return nil }
        defer { closedir(folder) }
        var names: [String] = []
        while names.count < limit, let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// Links followed; nil when there is nothing.
    static func status(_ path: String) -> stat? {
        var status = stat()
        return stat(path, &status) == 0 ? status : nil
    }
}

extension timespec {
    /// Since 1970. Cut to some thousand years: whoever owns a terminal gives it any time that fits into 64 bits, and
    /// must not end the client of somebody else by that.
    package var milliseconds: Int64 {
        let farthest: Int64 = 100_000_000_000
        return min(max(Int64(tv_sec), -farthest), farthest) * 1000 + Int64(tv_nsec) / 1_000_000
    }
}
