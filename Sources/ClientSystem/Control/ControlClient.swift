import Domain
import FoundationEssentials
import Glibc

/// Asks the client that runs in a folder.
public enum ControlClient {
    private static let answerMilliseconds: Int32 = 15_000

    /// - Throws: `.unreachable` when no client runs there, `.refused` with its words when it does not do it,
    ///   `.protocolError`, `.interrupted`.
    public static func ask(_ request: ControlRequest, folder: String) throws(Fault) -> ControlReply {
        guard let body = try? JSONEncoder().encode(request) else {
            throw Fault(.software, "the request cannot be encoded")
        }
        let connection = try ControlAddress.makeSocket()
        defer { close(connection) }
        let isConnected = try ControlAddress.with(folder) { connect(connection, $0, $1) == 0 }
        guard isConnected else {
            let isForeign = errno == EACCES
            throw Fault(
                .unreachable,
                isForeign ? "the client in \(folder) is another user's" : "no client runs in \(folder)",
                advice: isForeign
                    ? "Ask as the user that runs it." : "Start it with `millrace-client run`, or check --data.")
        }
        guard ControlLine.write(Array(body) + [UInt8(ascii: "\n")], to: connection, milliseconds: answerMilliseconds),
            let line = ControlLine.read(connection, limit: ControlLine.bytesMax, milliseconds: answerMilliseconds)
        else { throw Fault(.interrupted, "the client in \(folder) did not answer") }
        guard let reply = try? JSONDecoder().decode(ControlReply.self, from: Data(line)) else {
            throw Fault(.protocolError, "the client in \(folder) answered something else")
        }
        guard reply.ok else { throw Fault(.refused, reply.error ?? "the client does not do it") }
        return reply
    }
}
