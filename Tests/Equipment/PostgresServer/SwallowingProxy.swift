import Foundation
import Synchronization

/// Stands between a client and a server on Unix sockets, and can swallow an answer: the server has done what it was
/// told, and nobody hears of it.
public final class SwallowingProxy: Sendable {
    /// The directory of the socket, to connect to in place of the server's.
    public let directory: String
    private let target: String
    private let listener: Int32
    private let state = Mutex(State())

    private struct State {
        var swallowsNext = false
        var refuses = false
    }

    /// - Parameter server: the directory of the server's socket.
    public init(of server: String) throws {
        directory = "/tmp/millrace-px-\(UUID().uuidString.prefix(13))"
        target = server + "/.s.PGSQL.5432"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let path = directory + "/.s.PGSQL.5432"
        guard listener >= 0, Self.withAddress(path, { bind(listener, $0, $1) }) == 0, listen(listener, 8) == 0 else {
            throw PostgresServer.Failure(description: "cannot listen on \(path)")
        }
        Thread.detachNewThread { [self] in
            while true {
                let client = accept(listener, nil, nil)
                if client < 0 { return }
                serve(client)
            }
        }
    }

    /// Ends the listening; connections end with their clients.
    public func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// The next answer of the server is lost, and with it the connection.
    /// - Parameter refuses: there are no new connections until `accepts`.
    public func swallowNext(refuses: Bool = false) {
        state.withLock { $0 = State(swallowsNext: true, refuses: refuses) }
    }

    public func accepts() { state.withLock { $0.refuses = false } }

    private func serve(_ client: Int32) {
        let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard !state.withLock({ $0.refuses }), Self.withAddress(target, { connect(server, $0, $1) }) == 0 else {
            close(server)
            close(client)
            return
        }
        Thread.detachNewThread {
            while Self.pass(client, server, { true }) {}
            shutdown(server, Int32(SHUT_RDWR))
        }
        Thread.detachNewThread { [self] in
            while Self.pass(
                server, client,
                {
                    state.withLock { state in
                        defer { state.swallowsNext = false }
                        return !state.swallowsNext
                    }
                })
            {}
            shutdown(client, Int32(SHUT_RDWR))
        }
    }

    /// - Returns: whether it goes on.
    private static func pass(_ from: Int32, _ to: Int32, _ mayPass: () -> Bool) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(from, &bytes, bytes.count, 0)
        guard count > 0, mayPass() else { return false }
        var at = 0
        while at < count {
            let sent = bytes.withUnsafeBytes {
                send(to, $0.baseAddress! + at, count - at, Int32(MSG_NOSIGNAL))
            }
            if sent <= 0 { return false }
            at += sent
        }
        return true
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
