import Bytes
import Domain
import Storage

/// Permission to upload one result: bound to a task, a host, a size and a time by the server's own secret, so that an
/// upload needs no look at the database.
public struct UploadTicket: Hashable, Sendable {
    public var task: TaskID
    public var host: HostID
    public var bytesMax: Int64
    public var expires: Timestamp

    public init(task: TaskID, host: HostID, bytesMax: Int64, expires: Timestamp) {
        self.task = task
        self.host = host
        self.bytesMax = bytesMax
        self.expires = expires
    }

    /// Where the bytes gather until they are whole.
    public var upload: UploadName { UploadName(task: task, host: host) }

    private static let payloadBytes = 32

    func text(keys: ServerKeys) -> String {
        var payload = ByteWriter()
        // The number that the host knows: whoever holds a ticket can read it.
        let number = Int64(bitPattern: keys.number(of: task))
        for value in [number, host.rawValue, bytesMax, expires.milliseconds] { payload.put(i64: value) }
        return Hex.encode(payload.bytes + HMACSHA256.code(for: payload.bytes, key: keys.ticketSecret))
    }
}

extension ProjectServer {
    /// - Throws: `.badTicket` for a text that this server did not write, or whose time is over.
    public func uploadTicket(_ text: String, now: Timestamp) throws(RequestRefusal) -> UploadTicket {
        guard text.utf8.count == 128, let bytes = Hex.decode(text), bytes.count == 64 else {
            throw RequestRefusal(.badTicket, "this is not an upload ticket")
        }
        let payload = Array(bytes[..<32])
        guard HMACSHA256.isValid(Array(bytes[32...]), for: payload, key: keys.ticketSecret) else {
            throw RequestRefusal(.badTicket, "this upload ticket was not given by this server")
        }
        var reader = ByteReader(payload)
        guard let task = try? reader.readI64(), let host = try? reader.readI64(),
            let bytesMax = try? reader.readI64(), let expires = try? reader.readI64()
        else { throw RequestRefusal(.badTicket, "this is not an upload ticket") }
        let ticket = UploadTicket(
            task: keys.task(numbered: task), host: HostID(rawValue: host), bytesMax: bytesMax,
            expires: Timestamp(milliseconds: expires))
        guard now <= ticket.expires else {
            throw RequestRefusal(
                .badTicket, "this upload ticket has expired", advice: "the task is too late; drop its result")
        }
        return ticket
    }

    func ticketText(task: SchedulableTask, host: HostID, deadline: Timestamp) -> String {
        UploadTicket(
            task: task.id, host: host, bytesMax: task.outputBytesMax,
            expires: deadline + TimeSpan(seconds: settings.ticketGraceSeconds)
        ).text(keys: keys)
    }
}
