import Bytes
import Domain

/// Who signs a note, and how: a name and an Ed25519 key (C2SP signed-note; cosignatures: C2SP tlog-cosignature).
public struct NoteKey: Hashable, Sendable {
    /// The byte that tells kinds of signatures apart; it goes into the key ID, so that one key may serve for several.
    public enum Kind: UInt8, Hashable, Sendable {
        /// Over the text of the note.
        case ed25519 = 0x01
        /// Over a header, a time and the text: what witnesses do.
        case cosignature = 0x04
    }

    /// For example `example.org/log`; no spaces, no plus sign.
    public let name: String
    public let kind: Kind
    public let publicKey: VerifyingKey
    /// The first four bytes of SHA-256(name, line feed, kind, public key), read as a big-endian number.
    public let id: UInt32

    /// - Returns: nil for a name that no key can have.
    public init?(name: String, kind: Kind, publicKey: VerifyingKey) {
        guard Self.isName(name) else { return nil }
        self.name = name
        self.kind = kind
        self.publicKey = publicKey
        id = Self.id(name, kind, publicKey)
    }

    /// Reads the text form. - Throws: `.malformedKey` with what is wrong.
    public init(text: some StringProtocol) throws(NoteRefusal) {
        let (name, id, kind, key) = try KeyText.parse(text, prefix: "")
        guard let publicKey = VerifyingKey(rawRepresentation: key),
            let read = NoteKey(name: name, kind: kind, publicKey: publicKey)
        else { throw .malformedKey("its last part is no Ed25519 key") }
        guard read.id == id else { throw .malformedKey("its number does not belong to its key") }
        self = read
    }

    /// `NAME+KEYID+BASE64`: what a verifier is given.
    public var text: String { KeyText.text(name, id, kind, publicKey.rawRepresentation) }

    /// Not empty, no control characters, no Unicode space, no plus sign; at most `LogLimits.nameBytesMax` bytes.
    static func isName(_ name: some StringProtocol) -> Bool {
        !name.isEmpty && name.utf8.count <= LogLimits.nameBytesMax
            && name.unicodeScalars.allSatisfy { scalar in
                scalar.value > 0x20 && scalar.value != 0x7F && scalar != "+" && !scalar.properties.isWhitespace
            }
    }

    private static func id(_ name: String, _ kind: Kind, _ key: VerifyingKey) -> UInt32 {
        let digest = SHA256Hash.digest(of: Array(name.utf8) + [0x0A, kind.rawValue] + key.rawRepresentation)
        return digest.bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }
}

/// A `NoteKey` with its secret half.
public struct NoteSigner: Sendable {
    public let key: NoteKey
    private let secret: SigningKey

    /// - Returns: nil for a name that no key can have.
    public init?(name: String, kind: NoteKey.Kind, secret: SigningKey) {
        guard let key = NoteKey(name: name, kind: kind, publicKey: secret.publicKey) else { return nil }
        self.key = key
        self.secret = secret
    }

    private static let prefix = "PRIVATE+KEY+"

    /// Reads the text form. - Throws: `.malformedKey` with what is wrong; never with the text, which is a secret.
    public init(text: some StringProtocol) throws(NoteRefusal) {
        let (name, id, kind, seed) = try KeyText.parse(text, prefix: Self.prefix)
        guard let secret = SigningKey(rawRepresentation: seed),
            let read = NoteSigner(name: name, kind: kind, secret: secret)
        else { throw .malformedKey("its last part is no Ed25519 seed") }
        guard read.key.id == id else { throw .malformedKey("its number does not belong to its key") }
        self = read
    }

    /// `PRIVATE+KEY+NAME+KEYID+BASE64`, as golang.org/x/mod/sumdb/note writes it: a secret, for a file of mode 0600.
    public var secretText: String { Self.prefix + KeyText.text(key.name, key.id, key.kind, secret.rawRepresentation) }

    func sign(_ message: [UInt8]) -> [UInt8] { secret.sign(message) }
}

/// `NAME+KEYID+BASE64`, where the base64 holds a byte for the kind of signature, and the key.
private enum KeyText {
    typealias Parts = (name: String, id: UInt32, kind: NoteKey.Kind, key: [UInt8])

    static func parse(_ text: some StringProtocol, prefix: String) throws(NoteRefusal) -> Parts {
        guard text.hasPrefix(prefix) else { throw .malformedKey("it does not begin with \(prefix)") }
        let parts = text.dropFirst(prefix.count).split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformedKey("it has not the form NAME+KEYID+BASE64") }
        guard NoteKey.isName(parts[0]) else { throw .malformedKey("its name is empty, too long or has a space") }
        let digits = parts[1].utf8
        guard digits.count == 8, digits.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
            let id = UInt32(parts[1], radix: 16)
        else { throw .malformedKey("its number is not 8 lower-case hexadecimal digits") }
        guard let bytes = Base64.decode(parts[2]), let first = bytes.first else {
            throw .malformedKey("its last part is no base64")
        }
        guard let kind = NoteKey.Kind(rawValue: first) else {
            throw .malformedKey("its kind of signature, \(first), is not known here")
        }
        return (String(parts[0]), id, kind, Array(bytes.dropFirst()))
    }

    static func text(_ name: String, _ id: UInt32, _ kind: NoteKey.Kind, _ key: [UInt8]) -> String {
        let digits = String(id, radix: 16)
        let number = String(repeating: "0", count: 8 - digits.count) + digits
        return "\(name)+\(number)+\(Base64.encode([kind.rawValue] + key))"
    }
}
