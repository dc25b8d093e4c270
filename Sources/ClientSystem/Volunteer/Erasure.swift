import Bytes
import ClientCore
import Domain
import FoundationEssentials
import Wire
import WorkerHost

/// The server's signed word that it has erased a volunteer. Kept as `erased.json` beside the receipts.
public struct Erasure: Hashable, Sendable, Codable {
    public var server: String
    public var host: HostID
    public var volunteer: UInt64
    /// Milliseconds since 1970, by the server's clock.
    public var erasedMs: UInt64
    /// Hexadecimal: the serialised `ErasureStatement`, its signature, and the project's key that it was checked with.
    public var statement: String
    public var signature: String
    public var projectKey: String

    static let file = "erased.json"

    /// What goes and what stays, said before anything is done.
    public static let warning = [
        "Erasing ends your account at this project, on all your computers, and cannot be undone.",
        "gone   your name, the names, keys and descriptions of your computers, your link codes, your team membership",
        "stays  under a number: the credit and when it was earned, results and verdicts, and what counted for a team,",
        "       because the project's ledger is append-only and public, and science and others' credit rest on it",
        "stays  in backups of the server until they are replaced; on this computer: the receipts",
    ]

    /// Asks the server to erase, checks its word, and keeps it. Done before, and cut short: the same word again.
    ///
    /// - Throws: `.negative` when another host manages the account; `.protocolError` when the word is not signed by the
    ///   project; what the transport throws. Nothing is removed here before.
    static func ask(_ directory: ProjectDirectory) throws(Fault) -> Erasure {
        guard let identity = try directory.identity() else {
            throw Fault(
                .configuration, "\(directory.path) does not say where this host is attached",
                advice: "Attach to the same project again, then erase.")
        }
        if !Files.exists("\(directory.path)/host.key"), let kept = try? read(directory.path),
            kept.host == identity.host
        {
            return kept
        }
        let link = ServerLink(
            transport: HTTPTransport(userAgent: "millrace-client/\(HostInventory.clientVersion)"),
            serverURL: identity.serverURL)
        let reply = try link.erase(host: identity.host, key: try directory.hostKey())
        let erasure = try checked(reply, identity)
        try erasure.save(in: directory.path)
        return erasure
    }

    package static func checked(
        _ reply: WireEraseReply, _ identity: ClientState.Attachment
    ) throws(Fault) -> Erasure {
        let statement = Array(reply.statement)
        guard let key = VerifyingKey(rawRepresentation: identity.projectKey),
            key.isValid(signature: Array(reply.signature), for: ErasureSignature.message(statement: statement)),
            let said = try? StrictDecode.message(WireErasureStatement.self, from: statement, limit: 4096),
            said.volunteerID > 0, said.erasedMs > 0
        else {
            throw Fault(
                .protocolError, "\(identity.serverURL): the answer is no statement signed by the project's key",
                advice: "Nothing was removed here; try again.")
        }
        return Erasure(
            server: identity.serverURL, host: identity.host, volunteer: said.volunteerID, erasedMs: said.erasedMs,
            statement: Hex.encode(statement), signature: Hex.encode(Array(reply.signature)),
            projectKey: Hex.encode(identity.projectKey))
    }

    private static func read(_ folder: String) throws -> Erasure {
        try JSONDecoder().decode(Erasure.self, from: Data(Files.read("\(folder)/\(file)", limit: 1 << 16)))
    }

    private func save(in folder: String) throws(Fault) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard let bytes = try? encoder.encode(self) else { throw Fault(.software, "a statement cannot be encoded") }
        try Files.replace("\(folder)/\(Self.file)", with: [UInt8](bytes) + [UInt8(ascii: "\n")], mode: 0o600)
    }
}
