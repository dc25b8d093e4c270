import Bytes
import Domain
import Transparency
import Wire

/// The project's key and the secrets that follow from it.
public struct ServerKeys: Sendable {
    /// Signs work units and receipts.
    public let project: SigningKey
    /// Signs the checkpoints of the public log, and nothing else; of its first epoch.
    public let log: NoteSigner
    /// Binds rows into the log.
    public let rows: RowSeal
    let ticketSecret: [UInt8]
    private let challengeSecret: [UInt8]
    private let drawSecret: [UInt8]
    let numberSecret: [UInt8]
    let lotSecret: [UInt8]
    private let sessionsKey: MACKey
    private let linkSecret: [UInt8]
    private let erasedSecret: [UInt8]

    public init(project: SigningKey) {
        self.init(project: project, secret: project.rawRepresentation)
    }

    /// - Parameter secret: what draws, lots and numbers follow from, in place of the key: whoever measures what they
    ///   decide needs others in each trial, and need not sign everything again for that.
    package init(project: SigningKey, secret raw: [UInt8]) {
        self.project = project
        ticketSecret = HMACSHA256.code(for: Array("millrace-ticket-v1".utf8), key: raw)
        challengeSecret = HMACSHA256.code(for: Array("millrace-challenge-v1".utf8), key: raw)
        log = Self.logSigner(project, epoch: 1)
        rows = RowSeal(key: HMACSHA256.code(for: Array("millrace-rows-v1".utf8), key: raw))
        numberSecret = HMACSHA256.code(for: Array("millrace-number-v1".utf8), key: raw)
        lotSecret = HMACSHA256.code(for: Array("millrace-lot-v1".utf8), key: raw)
        sessionsKey = MACKey(HMACSHA256.code(for: Array("millrace-session-v1".utf8), key: raw))
        linkSecret = HMACSHA256.code(for: Array("millrace-link-v1".utf8), key: raw)
        erasedSecret = HMACSHA256.code(for: Array("millrace-erased-v1".utf8), key: raw)
        drawSecret = HMACSHA256.code(for: Array("millrace-draw-v1".utf8), key: raw)
    }

    /// Signs the checkpoints of a log that was begun anew: another name, another key.
    ///
    /// - Parameter epoch: 1 for the first log, one more for each that an admin began in place of the one before.
    public func log(epoch: Int64) -> NoteSigner { epoch <= 1 ? log : Self.logSigner(project, epoch: epoch) }

    /// Which of this server's logs has a name; nil when it is none of them.
    public func logEpoch(ofOrigin name: some StringProtocol) -> Int64? {
        if name == log.key.name { return 1 }
        guard name.hasPrefix(log.key.name + "-"), let epoch = Int64(name.dropFirst(log.key.name.utf8.count + 1)),
            epoch > 1, name == "\(log.key.name)-\(epoch)"
        else { return nil }
        return epoch
    }

    private static func logSigner(_ project: SigningKey, epoch: Int64) -> NoteSigner {
        let suffix = epoch > 1 ? "-\(epoch)" : ""
        let seed = HMACSHA256.code(for: Array("millrace-log-v1\(suffix)".utf8), key: project.rawRepresentation)
        let name = "millrace-\(fingerprint(of: project))\(suffix)"
        guard let secret = SigningKey(rawRepresentation: seed),
            let signer = NoteSigner(name: name, kind: .ed25519, secret: secret)
        else { preconditionFailure("any 32 bytes are an Ed25519 key, and the name has no character that notes refuse") }
        return signer
    }

    private static func fingerprint(of key: SigningKey) -> String {
        String(SHA256Hash.digest(of: key.publicKey.rawRepresentation).hex.prefix(16))
    }

    /// The first 16 digits of the SHA-256 of the public key: what people compare by eye.
    public var fingerprint: String { Self.fingerprint(of: project) }

    /// The seed for checking a result. It follows from the result's hash and a secret, so it is fixed only once the
    /// result is committed, nobody outside can foresee it, and a check that is done again asks the same question.
    func challenge(task: TaskID, result: Digest) -> UInt64 {
        number(task, result, round: nil, key: challengeSecret)
    }

    /// When it is drawn whether a result is computed again.
    enum Draw: UInt8 {
        /// When it is found plausible.
        case arrival = 1
        /// When its batch is closed.
        case closing = 2
    }

    /// The draw for a committed result, uniform over all 64-bit numbers; as secret and as repeatable as the challenge.
    func draw(_ draw: Draw, task: TaskID, result: Digest) -> UInt64 {
        number(task, result, round: draw.rawValue, key: drawSecret)
    }

    /// The key of a session, 32 bytes: whoever knows the secret knows it, so nobody has to keep it.
    func sessionSecret(_ token: SessionToken) -> [UInt8] { sessionsKey.code(for: [token.bytes]) }

    /// What is stored of a link code: 40 bits are soon tried out, so that a plain hash would give them away to whoever
    /// reads the database.
    func digest(of code: LinkCode) -> Digest {
        keyed(Array(code.letters.utf8), linkSecret)
    }

    /// What takes the place of a host's key once its volunteer is erased: enough to know the key when it is shown, and
    /// nothing to find its owner by.
    func erased(_ publicKey: [UInt8]) -> [UInt8] { keyed(publicKey, erasedSecret).bytes }

    private func keyed(_ bytes: [UInt8], _ key: [UInt8]) -> Digest {
        guard let digest = Digest(bytes: HMACSHA256.code(for: bytes, key: key)) else {
            preconditionFailure("a code of HMAC-SHA256 has 32 bytes")
        }
        return digest
    }

    private func number(_ task: TaskID, _ result: Digest, round: UInt8?, key: [UInt8]) -> UInt64 {
        var message = ByteWriter()
        message.put(i64: task.rawValue)
        message.put(bytes: result.bytes)
        if let round { message.put(bytes: [round]) }
        let code = HMACSHA256.code(for: message.bytes, key: key)
        return code.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
