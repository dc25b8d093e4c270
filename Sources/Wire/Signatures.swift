import Bytes
import Domain

/// What a host signs when it calls the server.
public enum RequestSignature {
    public static let hostHeader = "Millrace-Host"
    public static let sequenceHeader = "Millrace-Sequence"
    /// 128 hexadecimal digits.
    public static let signatureHeader = "Millrace-Signature"

    /// The bytes that are signed with Ed25519:
    /// `millrace-request-v1\n` METHOD `\n` path `\n` sequence in decimal `\n` SHA-256 of the body in hexadecimal.
    ///
    /// - Parameter method: upper case.
    /// - Parameter path: as in the request line, a query included.
    /// - Parameter sequence: larger than in any request before; 0 for registration.
    public static func message(method: String, path: String, sequence: Int64, body: [UInt8]) -> [UInt8] {
        let hash = SHA256Hash.digest(of: body).hex
        return Array("millrace-request-v1\n\(method)\n\(path)\n\(sequence)\n\(hash)".utf8)
    }
}

/// What the project signs when it acknowledges reports.
public enum ReceiptSignature {
    /// The bytes that are signed with Ed25519: `millrace-receipts-v1\n` and the serialised `Receipts`.
    public static func message(receipts: [UInt8]) -> [UInt8] {
        Array("millrace-receipts-v1\n".utf8) + receipts
    }
}

/// What the project signs when it has erased a volunteer.
public enum ErasureSignature {
    /// The bytes that are signed with Ed25519: `millrace-erasure-v1\n` and the serialised `ErasureStatement`.
    public static func message(statement: [UInt8]) -> [UInt8] {
        Array("millrace-erasure-v1\n".utf8) + statement
    }
}
