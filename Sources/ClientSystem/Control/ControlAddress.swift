import CPosix
import Domain
import Glibc
import WorkerHost

/// The socket in a client's folder. Its path may be longer than the 107 bytes that an address of a Unix socket holds,
/// so it is named by a descriptor of the folder.
enum ControlAddress {
    static let name = "control"

    /// Calls `body` with an address of the socket.
    static func with<R>(_ folder: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) throws(Fault) -> R {
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw Files.fault("open", folder) }
        defer { close(directory) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array("/proc/self/fd/\(directory)/\(name)".utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path + [0]) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    static func makeSocket() throws(Fault) -> Int32 {
        let made = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        guard made >= 0 else { throw Fault(.osError, "no socket: \(String(cString: strerror(errno)))") }
        return made
    }
}

/// One line each way over a connected socket, bounded in bytes and time.
enum ControlLine {
    static let bytesMax = 16 << 20

    /// - Parameter milliseconds: for the whole line.
    /// - Returns: the line without its end; nil: none came in time, or it is longer than `limit`.
    static func read(_ connection: Int32, limit: Int, milliseconds: Int32) -> [UInt8]? {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        let end = millrace_monotonic_seconds() + Double(milliseconds) / 1000
        while line.count <= limit {
            var ready = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
            let left = max(0, (end - millrace_monotonic_seconds()) * 1000)
            guard poll(&ready, 1, Int32(left.rounded(.up))) > 0 else { return nil }
            let count = Glibc.read(connection, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return nil }
            guard let end = buffer[..<count].firstIndex(of: UInt8(ascii: "\n")) else {
                line += buffer[..<count]
                continue
            }
            line += buffer[..<end]
            return line.count <= limit ? line : nil
        }
        return nil
    }

    /// - Returns: whether all of it went.
    static func write(_ bytes: [UInt8], to connection: Int32, milliseconds: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            var ready = pollfd(fd: connection, events: Int16(POLLOUT), revents: 0)
            guard poll(&ready, 1, milliseconds) > 0 else { return false }
            let count = rest.withUnsafeBytes {
                send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
