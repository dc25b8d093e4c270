import CPosix
import Glibc

/// One connection of a browser: a request in, an answer out, without waiting for it.
final class PageConnection {
    let socket: Int32
    /// By the monotonic clock: whoever is slower is cut.
    let until: Double
    var isOver = false
    private var reader = PageRequestReader()
    private var rest: ArraySlice<UInt8> = []
    private var isAnswering = false

    init(_ socket: Int32, until: Double) {
        self.socket = socket
        self.until = until
    }

    deinit { close(socket) }

    /// What to wait for.
    var events: Int16 { Int16(isAnswering ? POLLOUT : POLLIN) }

    /// Reads or writes what can be.
    ///
    /// - Returns: the request, once it is whole.
    func goOn() -> PageRequest? {
        if isAnswering {
            write()
            return nil
        }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(socket, &buffer, buffer.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return nil }
        guard count > 0 else {
            isOver = true
            return nil
        }
        switch reader.take(buffer[..<count]) {
        case .more: return nil
        case .request(let request): return request
        case .refused(let status):
            answer(PageGate.no(status, "This is no request that this page takes.").bytes)
            return nil
        }
    }

    func answer(_ bytes: [UInt8]) {
        isAnswering = true
        rest = bytes[...]
        write()
    }

    private func write() {
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { return }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        // The answer says how long it is; what a browser sends beyond its request is nobody's matter.
        shutdown(socket, Int32(SHUT_WR))
        isOver = true
    }
}
