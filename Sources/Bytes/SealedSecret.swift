import Crypto
import FoundationEssentials

/// A secret that only the owner of a fresh key can read: HPKE in base mode (RFC 9180) with X25519, HKDF-SHA256 and
/// ChaCha20-Poly1305.
public struct SealedSecret: Hashable, Sendable {
    /// 32 bytes.
    public var encapsulatedKey: [UInt8]
    /// 16 bytes more than the secret.
    public var box: [UInt8]

    public init(encapsulatedKey: [UInt8], box: [UInt8]) {
        self.encapsulatedKey = encapsulatedKey
        self.box = box
    }

    /// - Parameters:
    ///   - publicKey: an X25519 key, 32 bytes.
    ///   - purpose: what it is for; whoever opens it must name the same.
    /// - Returns: nil when these bytes are no such key.
    public static func seal(_ secret: [UInt8], to publicKey: [UInt8], purpose: [UInt8]) -> SealedSecret? {
        guard let key = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: publicKey),
            var sender = try? HPKE.Sender(
                recipientKey: key, ciphersuite: .Curve25519_SHA256_ChachaPoly, info: Data(purpose)),
            let box = try? sender.seal(secret)
        else { return nil }
        return SealedSecret(encapsulatedKey: Array(sender.encapsulatedKey), box: Array(box))
    }
}

/// A key of one use, for whoever waits for a `SealedSecret`. Never leaves the process.
public struct OpeningKey: Sendable {
    private let key = Curve25519.KeyAgreement.PrivateKey()

    public init() {}

    /// 32 bytes.
    public var publicKey: [UInt8] { Array(key.publicKey.rawRepresentation) }

    /// - Returns: nil when it was sealed to another key, for another purpose, or changed on the way.
    public func open(_ sealed: SealedSecret, purpose: [UInt8]) -> [UInt8]? {
        guard
            var recipient = try? HPKE.Recipient(
                privateKey: key, ciphersuite: .Curve25519_SHA256_ChachaPoly, info: Data(purpose),
                encapsulatedKey: Data(sealed.encapsulatedKey)),
            let secret = try? recipient.open(sealed.box)
        else { return nil }
        return Array(secret)
    }
}
