import CPosix
import Domain
import FoundationEssentials
import Glibc
import Synchronization
import WorkerHost

/// Takes requests of this computer's user over a Unix socket in the client's folder, which only he may open.
///
/// Each connection has a thread of its own, so that nobody holds up another; there are few, and whoever does not
/// complete a line within two seconds is cut.
final class ControlSocket: Sendable {
    typealias Answer = @Sendable (ControlReply) -> Void

    private let folder: String
    private let listener: Int32
    private let isEnding = Atomic(false)
    private let connections = Atomic(0)
    static let connectionsMax = 8
    private static let lineBytesMax = 64 << 10
    private static let patienceMilliseconds: Int32 = 2000
    /// The deciding thread is never busy for long.
    private static let answerSeconds = 10.0

    /// Listens in the folder; whoever holds its lock may replace the socket of a client that was killed.
    ///
    /// - Parameter ask: called on a connection's thread; the answer may be given from any other.
    /// - Throws: `.osError`, `.cannotWrite`.
    init(folder: String, ask: @escaping @Sendable (ControlRequest, @escaping Answer) -> Void) throws(Fault) {
        self.folder = folder
        listener = try ControlAddress.makeSocket()
        let path = "\(folder)/\(ControlAddress.name)"
        unlink(path)
        let made = try ControlAddress.with(folder) { address, size in
            // Before it listens nobody can connect, so nobody comes before its mode is set.
            bind(listener, address, size) == 0 && chmod(path, 0o600) == 0 && listen(listener, 8) == 0
        }
        guard made else {
            let reason = String(cString: strerror(errno))
            close(listener)
            throw Fault(.osError, "cannot listen at \(path): \(reason)")
        }
        BlockingThread.start("control") { [self] in serve(ask) }
    }

    /// Takes nothing more; the thread ends by itself.
    func end() {
        isEnding.store(true, ordering: .relaxed)
        shutdown(listener, Int32(SHUT_RDWR))
        unlink("\(folder)/\(ControlAddress.name)")
    }

    private func serve(_ ask: @escaping @Sendable (ControlRequest, @escaping Answer) -> Void) {
        while !isEnding.load(ordering: .relaxed) {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else {
                // Too many open files, or the end: not at once again.
                if !isEnding.load(ordering: .relaxed), errno != EINTR, errno != ECONNABORTED { usleep(100_000) }
                continue
            }
            _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
            let isFree = connections.add(1, ordering: .relaxed).newValue <= Self.connectionsMax
            guard isFree else {
                let busy = ControlReply(error: "\(Self.connectionsMax) others are asking; try again")
                _ = Self.send(busy, to: connection)
                leave(connection)
                continue
            }
            BlockingThread.start("control-\(connection)") { [self] in
                attend(connection, ask)
                leave(connection)
            }
        }
        close(listener)
    }

    private func leave(_ connection: Int32) {
        close(connection)
        connections.subtract(1, ordering: .relaxed)
    }

    private static func send(_ reply: ControlReply, to connection: Int32) -> Bool {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let bytes = try? encoder.encode(reply) else { return false }
        return ControlLine.write(
            Array(bytes) + [UInt8(ascii: "\n")], to: connection, milliseconds: patienceMilliseconds)
    }

    /// As many requests as come, a line each.
    private func attend(_ connection: Int32, _ ask: @Sendable (ControlRequest, @escaping Answer) -> Void) {
        while let line = ControlLine.read(
            connection, limit: Self.lineBytesMax, milliseconds: Self.patienceMilliseconds)
        {
            guard Self.send(answer(line, ask), to: connection) else { return }
        }
    }

    private func answer(
        _ line: [UInt8], _ ask: @Sendable (ControlRequest, @escaping Answer) -> Void
    ) -> ControlReply {
        let request: ControlRequest
        do { request = try JSONDecoder().decode(ControlRequest.self, from: Data(line)) } catch {
            let commands = ControlRequest.Command.allCases.map(\.rawValue).joined(separator: ", ")
            return ControlReply(error: "expected a JSON object with a command: \(commands)")
        }
        if let field = ControlRequest.unknownField(line) {
            return ControlReply(error: "there is no field \(field); docs/local-api.md lists those of each command")
        }
        if let problem = request.problem { return ControlReply(error: problem) }
        let answers = Mailbox<ControlReply>()
        ask(request) { answers.post($0) }
        return answers.take(waitSeconds: Self.answerSeconds).first
            ?? ControlReply(error: "the client is too busy to answer; it will do it all the same")
    }
}
