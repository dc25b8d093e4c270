import CPosix
import Glibc

/// One look from process 1 at what the program uses.
///
/// What cannot be seen must not count as nothing: whoever could make it so would have no bounds. Whatever fails, but for
/// what has gone meanwhile, is blindness, and that ends the program.
struct Look {
    /// Why it cannot be said what is used, in words.
    struct Blindness: Error {
        var words: String

        init(_ what: String) { words = "what it uses cannot be seen: \(what)" }
    }

    /// Of the processor: this process waits for it as long as the program does, and is stopped together with it.
    private let endsAt: Double
    private static let secondsMax = 2.0
    /// The kernel allows 65,530 mappings; a line of one is seldom as long as that.
    private static let textBytesMax = 16 << 20

    init(cpuSecondsMax: Double = Self.secondsMax) {
        endsAt = millrace_own_cpu_seconds() + cpuSecondsMax
    }

    /// To be asked at each step.
    func goOn() throws(Blindness) {
        guard millrace_own_cpu_seconds() < endsAt else {
            throw Blindness("it has too many files, processes, descriptors or mappings to look at")
        }
    }

    /// Names in a folder; nil: it is not there any more.
    func names(in path: String, most: Int = .max - 1) throws(Blindness) -> [String]? {
        try goOn()
        guard let names = FolderNames.list(path, most: most) else {
            if Self.isGone { return nil }
            throw Self.blindness("list", path)
        }
        return names
    }

    /// The lines of a file of `/proc`; nil: it is not there any more.
    func lines(_ path: String) throws(Blindness) -> [Substring]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if Self.isGone { return nil }
            throw Self.blindness("open", path)
        }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            try goOn()
            let count = read(file, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                if Self.isGone { return nil }
                throw Self.blindness("read", path)
            }
            guard count > 0 else { break }
            guard bytes.count + count <= Self.textBytesMax else { throw Blindness("\(path) is too long") }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }

    /// The file, folder or process of the last call is not there any more.
    static var isGone: Bool { errno == ENOENT || errno == ESRCH || errno == ENOTDIR }

    static func blindness(_ act: String, _ path: String) -> Blindness {
        Blindness("cannot \(act) \(path): \(SystemCall.reason)")
    }
}
