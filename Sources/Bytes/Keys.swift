import Crypto

/// An Ed25519 private key (RFC 8032): a project's, or a host's.
///
/// Never printed: it has no description of its own bytes. Signing may be randomised, so two signatures of one message
/// can differ; both are valid.
public struct SigningKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// A new random key, from the operating system's generator.
    public init() {
        key = Curve25519.Signing.PrivateKey()
    }

    /// - Parameter rawRepresentation: the 32-byte seed. - Returns: nil for another length.
    public init?(rawRepresentation: [UInt8]) {
        guard rawRepresentation.count == SigningKey.byteCount,
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: rawRepresentation)
        else { return nil }
        self.key = key
    }

    public static let byteCount = 32

    /// The 32-byte seed: a secret.
    public var rawRepresentation: [UInt8] { Array(key.rawRepresentation) }

    public var publicKey: VerifyingKey { VerifyingKey(key.publicKey) }

    /// - Returns: 64 bytes.
    public func sign(_ message: [UInt8]) -> [UInt8] {
        guard let signature = try? key.signature(for: message) else {
            preconditionFailure("Ed25519 signs any message")
        }
        return Array(signature)
    }
}

/// An Ed25519 public key: who signed this?
public struct VerifyingKey: Hashable, Sendable {
    /// 32 bytes.
    public let rawRepresentation: [UInt8]

    public static let byteCount = 32
    public static let signatureByteCount = 64

    /// - Returns: nil for another length than 32 bytes.
    public init?(rawRepresentation: [UInt8]) {
        guard rawRepresentation.count == VerifyingKey.byteCount,
            (try? Curve25519.Signing.PublicKey(rawRepresentation: rawRepresentation)) != nil
        else { return nil }
        self.rawRepresentation = rawRepresentation
    }

    fileprivate init(_ key: Curve25519.Signing.PublicKey) {
        rawRepresentation = Array(key.rawRepresentation)
    }

    /// Whether the owner of this key signed exactly this message; false for a signature of another length.
    public func isValid(signature: [UInt8], for message: [UInt8]) -> Bool {
        guard signature.count == VerifyingKey.signatureByteCount,
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: rawRepresentation)
        else { return false }
        return key.isValidSignature(signature, for: message)
    }
}
