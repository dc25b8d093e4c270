import CPosix
import Domain
import FoundationEssentials
import Glibc
import Synchronization
import WorkerHost

/// Takes requests of this computer's user over a Unix socket in the client's folder, which only he may open.
///
/// One connection after the other, on a thread of its own; whoever says nothing for two seconds is cut, so nobody
/// holds up the next for longer.
final class ControlSocket: Sendable {
    typealias Answer = @Sendable (ControlReply) -> Void

    private let folder: String
    private let listener: Int32
    private let isEnding = Atomic(false)
    private static let lineBytesMax = 64 << 10
    private static let patienceMilliseconds: Int32 = 2000
    /// The deciding thread is never busy for long.
    private static let answerSeconds = 10.0

    /// Listens in the folder; whoever holds its lock may replace the socket of a client that was killed.
    ///
    /// - Parameter ask: called on the socket's thread; the answer may be given from any other.
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

    private func serve(_ ask: @Sendable (ControlRequest, @escaping Answer) -> Void) {
        while !isEnding.load(ordering: .relaxed) {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else {
                // Too many open files, or the end: not at once again.
                if !isEnding.load(ordering: .relaxed), errno != EINTR, errno != ECONNABORTED { usleep(100_000) }
                continue
            }
            _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
            attend(connection, ask)
            close(connection)
        }
        close(listener)
    }

    /// As many requests as come, a line each.
    private func attend(_ connection: Int32, _ ask: @Sendable (ControlRequest, @escaping Answer) -> Void) {
        while let line = ControlLine.read(
            connection, limit: Self.lineBytesMax, milliseconds: Self.patienceMilliseconds)
        {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            guard let bytes = try? encoder.encode(answer(line, ask)),
                ControlLine.write(
                    Array(bytes) + [UInt8(ascii: "\n")], to: connection, milliseconds: Self.patienceMilliseconds)
            else { return }
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
        if let problem = request.problem { return ControlReply(error: problem) }
        let answers = Mailbox<ControlReply>()
        ask(request) { answers.post($0) }
        return answers.take(waitSeconds: Self.answerSeconds).first
            ?? ControlReply(error: "the client is too busy to answer; it will do it all the same")
    }
}
