import CPosix
import ClientCore
import Domain
import Glibc
import Synchronization
import WorkerHost

/// Serves the local page on 127.0.0.1 on a thread of its own, until nobody has looked for an hour.
package final class PageServer: Sendable {
    package typealias Ask = @Sendable (ControlRequest, @escaping @Sendable (ControlReply) -> Void) -> Void

    private let folder: String
    private let listener: Int32
    private let ask: Ask
    private let gate: PageGate
    private let invitations = Mutex(PageInvitations())
    private let wake: WakePipe
    private let hasEnded = Atomic(false)
    private let idleSeconds: Double

    package static let standardIdleSeconds = 3600.0
    private static let connectionsMax = 16
    /// From the first byte to the last one of the answer.
    private static let connectionSeconds = 10.0
    private static let answerSeconds = 10.0

    /// - Parameter folder: the client's.
    /// - Parameter ask: may answer on any thread.
    /// - Throws: `.osError` when no port is to be had.
    package init(folder: String, idleSeconds: Double = standardIdleSeconds, ask: @escaping Ask) throws(Fault) {
        self.folder = folder
        self.ask = ask
        self.idleSeconds = idleSeconds
        wake = try WakePipe()
        let (socket, port) = try Self.listen()
        listener = socket
        var random = SystemRandomNumberGenerator()
        gate = PageGate(port: port, random: &random)
        BlockingThread.start("page") { [self] in serve() }
    }

    package var isOver: Bool { hasEnded.load(ordering: .acquiring) }

    /// An address that is good once.
    package func invite() -> String {
        // It counts as a look: somebody is about to come.
        wake.post(.answer)
        var random = SystemRandomNumberGenerator()
        return gate.address(invitations.withLock { $0.invite(now: millrace_monotonic_seconds(), random: &random) })
    }

    package func end() { wake.post(.ended) }

    private static func listen() throws(Fault) -> (socket: Int32, port: Int) {
        let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC | O_NONBLOCK, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isMade =
            made >= 0
            && withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(made, $0, size) == 0 && Glibc.listen(made, 16) == 0 && getsockname(made, $0, &size) == 0
                }
            }
        guard isMade else {
            let reason = String(cString: strerror(errno))
            if made >= 0 { close(made) }
            throw Fault(.osError, "cannot listen on 127.0.0.1: \(reason)")
        }
        return (made, Int(UInt16(bigEndian: address.sin_port)))
    }

    // MARK: On its thread

    private func serve() {
        var routes = PageRoutes(gate: gate)
        var connections: [PageConnection] = []
        var lastLook = millrace_monotonic_seconds()
        defer {
            hasEnded.store(true, ordering: .releasing)
            close(listener)
        }
        while true {
            let now = millrace_monotonic_seconds()
            for connection in connections where now >= connection.until { connection.isOver = true }
            connections.removeAll(where: \.isOver)
            let end = lastLook + idleSeconds
            guard now < end else { return }
            let next = connections.map(\.until).reduce(end, min)
            let isFull = connections.count >= Self.connectionsMax
            var waits = [
                pollfd(fd: wake.readable, events: Int16(POLLIN), revents: 0),
                pollfd(fd: isFull ? -1 : listener, events: Int16(POLLIN), revents: 0),
            ]
            waits += connections.map { pollfd(fd: $0.socket, events: $0.events, revents: 0) }
            let milliseconds = Int32(min(max(0, next - now) * 1000 + 1, 3_600_000))
            guard poll(&waits, nfds_t(waits.count), milliseconds) >= 0 || errno == EINTR else { return }
            if waits[0].revents != 0 {
                guard !wake.take().contains(.ended) else { return }
                lastLook = millrace_monotonic_seconds()
            }
            for (place, connection) in connections.enumerated() where waits[place + 2].revents != 0 {
                if let request = connection.goOn() {
                    let answer = answer(request, &routes)
                    connection.answer(answer.bytes)
                    // Who is refused has not looked.
                    if answer.status < 400 { lastLook = millrace_monotonic_seconds() }
                }
            }
            if waits[1].revents != 0, let new = accept() { connections.append(new) }
        }
    }

    private func accept() -> PageConnection? {
        let socket = Glibc.accept(listener, nil, nil)
        guard socket >= 0 else {
            // Too many open files: not at once again.
            if errno != EAGAIN, errno != EINTR, errno != ECONNABORTED { usleep(100_000) }
            return nil
        }
        _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
        _ = fcntl(socket, F_SETFL, O_NONBLOCK)
        return PageConnection(socket, until: millrace_monotonic_seconds() + Self.connectionSeconds)
    }

    private func answer(_ request: PageRequest, _ routes: inout PageRoutes) -> PageResponse {
        let now = millrace_monotonic_seconds()
        return routes.answer(
            request, now: now, admit: { token in invitations.withLock { $0.admit(token, now: now) } },
            look: { look() }, ask: { reply(to: $0) })
    }

    private func look() -> PageRoutes.Look? {
        guard let status = reply(to: ControlRequest(.status)).status else { return nil }
        let preferences = reply(to: ControlRequest(.preferences)).preferences ?? []
        return PageRoutes.Look(
            status: status, history: HistoryReport(folder: folder, status: status), preferences: preferences,
            nowMs: millrace_wall_milliseconds())
    }

    private func reply(to request: ControlRequest) -> ControlReply {
        let answers = Mailbox<ControlReply>()
        ask(request) { answers.post($0) }
        return answers.take(waitSeconds: Self.answerSeconds).first
            ?? ControlReply(error: "the client is too busy to answer; it will do it all the same")
    }
}
