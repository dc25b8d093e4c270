import Foundation
import Synchronization

/// Stands between a client and its server on a loopback port of its own, as a slow line or a proxy whose server is ill.
final class Relay: Sendable {
    enum Mode: Equatable, Sendable {
        case passes
        /// Every request gets this status and a page of HTML, as from a proxy that does not reach the server.
        case answers(Int)
        /// Connections are closed at once.
        case refuses
    }

    private struct State {
        var mode = Mode.passes
        var connections: Set<Int32> = []
        var refused = 0
    }

    let url: String
    private let target: Int
    private let bytesPerSecond: Int?
    private let listener: Int32
    private let state = Mutex(State())

    /// - Parameters:
    ///   - url: of the server.
    ///   - bytesPerSecond: in each direction of each connection; nil: as fast as it goes.
    init(to url: String, bytesPerSecond: Int? = nil) throws {
        target = Int(url.split(separator: ":").last ?? "") ?? 0
        self.bytesPerSecond = bytesPerSecond
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var port = 0
        let isBound = Self.withAddress(port: 0) { address in
            guard bind(listener, address, length) == 0, listen(listener, 64) == 0,
                getsockname(listener, address, &length) == 0
            else { return false }
            port = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                Int(UInt16(bigEndian: $0.pointee.sin_port))
            }
            return true
        }
        guard isBound else { throw CocoaError(.fileWriteUnknown) }
        self.listener = listener
        self.url = "http://127.0.0.1:\(port)"
        Thread.detachNewThread { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else {
                    if errno == EINTR || errno == ECONNABORTED { continue }
                    close(listener)
                    return
                }
                guard let self else {
                    close(client)
                    continue
                }
                self.serve(client)
            }
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    /// Requests that did not get through.
    var refused: Int { state.withLock { $0.refused } }

    /// Connections that are open are cut, so that it holds from now on.
    func set(_ mode: Mode) {
        state.withLock { state in
            state.mode = mode
            for connection in state.connections { shutdown(connection, Int32(SHUT_RDWR)) }
        }
    }

    private func serve(_ client: Int32) {
        let mode = state.withLock { state in
            if state.mode != .passes { state.refused += 1 }
            return state.mode
        }
        switch mode {
        case .refuses: close(client)
        case .answers(let status):
            Thread.detachNewThread {
                Self.answer(client, status)
                close(client)
            }
        case .passes: pass(client)
        }
    }

    private func pass(_ client: Int32) {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        guard Self.withAddress(port: target, { connect(server, $0, length) == 0 }) else {
            close(server)
            close(client)
            return
        }
        state.withLock { _ = $0.connections.insert(client) }
        let rate = bytesPerSecond
        Thread.detachNewThread { [weak self] in
            let back = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                while Self.forward(server, client, rate) {}
                shutdown(client, Int32(SHUT_RDWR))
                back.signal()
            }
            while Self.forward(client, server, rate) {}
            shutdown(server, Int32(SHUT_RDWR))
            back.wait()
            self?.state.withLock { _ = $0.connections.remove(client) }
            close(server)
            close(client)
        }
    }

    /// - Returns: whether it goes on.
    private static func forward(_ from: Int32, _ to: Int32, _ rate: Int?) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(from, &bytes, bytes.count, 0)
        guard count > 0 else { return false }
        if let rate { usleep(UInt32(count * 1_000_000 / rate)) }
        return sendAll(to, bytes[..<count])
    }

    private static func sendAll(_ to: Int32, _ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { send(to, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if sent <= 0 { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    /// Answers before the body has come, as proxies do.
    private static func answer(_ client: Int32, _ status: Int) {
        var head: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while head.firstRange(of: Array("\r\n\r\n".utf8)) == nil, head.count < 65_536 {
            let count = recv(client, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            head += buffer[..<count]
        }
        let page = "<html><head><title>\(status)</title></head><body><h1>The site is ill</h1></body></html>"
        let text =
            "HTTP/1.1 \(status) Ill\r\nContent-Type: text/html\r\nContent-Length: \(page.utf8.count)\r\n"
            + "Connection: close\r\n\r\n\(page)"
        guard sendAll(client, Array(text.utf8)[...]) else { return }
        shutdown(client, Int32(SHUT_WR))
        while recv(client, &buffer, buffer.count, 0) > 0 {}
    }

    private static func withAddress<Result>(
        port: Int, _ body: (UnsafeMutablePointer<sockaddr>) -> Result
    ) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
        }
    }
}
