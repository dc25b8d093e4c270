import Crypto
import Domain

/// SHA-256 (FIPS 180-4) of bytes that are in memory.
public enum SHA256Hash {
    public static func digest(of bytes: [UInt8]) -> Domain.Digest {
        bytes.withUnsafeBytes { digest(of: $0) }
    }

    public static func digest(of bytes: ArraySlice<UInt8>) -> Domain.Digest {
        bytes.withUnsafeBytes { digest(of: $0) }
    }

    public static func digest(of bytes: UnsafeRawBufferPointer) -> Domain.Digest {
        var hash = StreamingSHA256()
        hash.update(bytes)
        return hash.finish()
    }
}

/// SHA-256 of bytes that come piece by piece: files and uploads.
public struct StreamingSHA256: Sendable {
    private var hash = SHA256()

    public init() {}

    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }

    public mutating func update(_ bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        hash.update(bufferPointer: bytes)
    }

    /// The digest of what came so far; more may follow.
    public func finish() -> Domain.Digest {
        guard let digest = hash.finalize().withUnsafeBytes({ Domain.Digest(bytes: $0) }) else {
            preconditionFailure("SHA-256 gives 32 bytes")
        }
        return digest
    }
}

/// HMAC with SHA-256 (RFC 2104): tickets and tokens that only their maker checks.
public enum HMACSHA256 {
    /// - Returns: 32 bytes.
    public static func code(for message: [UInt8], key: [UInt8]) -> [UInt8] {
        MACKey(key).code(for: [message])
    }

    /// Takes the same time whatever byte differs.
    public static func isValid(_ code: [UInt8], for message: [UInt8], key: [UInt8]) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: message, using: SymmetricKey(data: key))
    }
}

/// A key for HMAC with SHA-256 (RFC 2104) that is used many times.
///
/// On `SHA256` itself: `HMAC` of swift-crypto is generic and is not specialised for others, which costs a short message
/// more than the hashing.
public struct MACKey: Sendable {
    /// With the padded key taken in, which is half of the work for a short message.
    private let (inner, outer): (SHA256, SHA256)

    public static let byteCount = 32
    private static let (innerPad, outerPad): (UInt8, UInt8) = (0x36, 0x5C)

    /// - Parameter bytes: a secret of 32 bytes, uniformly random; others are taken as RFC 2104 says.
    public init(_ bytes: [UInt8]) {
        let key = bytes.count > SHA256.blockByteCount ? SHA256Hash.digest(of: bytes).bytes : bytes
        let padding = repeatElement(UInt8(0), count: SHA256.blockByteCount - key.count)
        func start(_ pad: UInt8) -> SHA256 {
            var hash = SHA256()
            (key + padding).map { $0 ^ pad }.withUnsafeBytes { hash.update(bufferPointer: $0) }
            return hash
        }
        (inner, outer) = (start(Self.innerPad), start(Self.outerPad))
    }

    /// - Parameter pieces: one message, in pieces. - Returns: 32 bytes.
    public func code(for pieces: [[UInt8]]) -> [UInt8] {
        var (inner, outer) = (inner, outer)
        for piece in pieces { piece.withUnsafeBytes { inner.update(bufferPointer: $0) } }
        inner.finalize().withUnsafeBytes { outer.update(bufferPointer: $0) }
        return outer.finalize().withUnsafeBytes { Array($0) }
    }
}
