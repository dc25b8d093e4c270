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
        guard let digest = Domain.Digest(bytes: Array(hash.finalize())) else {
            preconditionFailure("SHA-256 gives 32 bytes")
        }
        return digest
    }
}

/// HMAC with SHA-256 (RFC 2104): tickets and tokens that only their maker checks.
public enum HMACSHA256 {
    /// - Returns: 32 bytes.
    public static func code(for message: [UInt8], key: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key)))
    }

    /// Takes the same time whatever byte differs.
    public static func isValid(_ code: [UInt8], for message: [UInt8], key: [UInt8]) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: message, using: SymmetricKey(data: key))
    }
}

/// A key for HMAC with SHA-256 that is used many times.
public struct MACKey: Sendable {
    /// With the key taken in, which is half of the work for a short message.
    private let start: HMAC<SHA256>

    public static let byteCount = 32

    /// - Parameter bytes: a secret of 32 bytes, uniformly random.
    public init(_ bytes: [UInt8]) {
        start = HMAC(key: SymmetricKey(data: bytes))
    }

    /// - Parameter pieces: one message, in pieces. - Returns: 32 bytes.
    public func code(for pieces: [[UInt8]]) -> [UInt8] {
        var code = start
        for piece in pieces { piece.withUnsafeBytes { code.update(data: $0) } }
        return Array(code.finalize())
    }
}
