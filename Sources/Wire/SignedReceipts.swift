import Bytes
import Domain

/// The receipts of one reply as the project signed them: what a host keeps to prove later that it delivered.
public struct SignedReceipts: Hashable, Sendable {
    /// The project's Ed25519 public key, as the client had pinned it.
    public var key: [UInt8]
    /// The serialised `Receipts`.
    public var receipts: [UInt8]
    public var signature: [UInt8]

    /// Bytes of serialised receipts that are kept; those of the largest reply are far fewer.
    public static let bytesMax = 64 * 1024
    /// The first line of a file of receipts.
    public static let title = "millrace-receipts/v1"

    public init(key: [UInt8], receipts: [UInt8], signature: [UInt8]) {
        self.key = key
        self.receipts = receipts
        self.signature = signature
    }

    /// Key, receipts and signature in hexadecimal, with spaces between; no line feed.
    public var line: String { [key, receipts, signature].map { Hex.encode($0) }.joined(separator: " ") }

    /// - Returns: nil for any text but one that `line` gives.
    public init?(line: some StringProtocol) {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false).map { Hex.decode(String($0)) }
        guard parts.count == 3, let key = parts[0], let receipts = parts[1], let signature = parts[2], key.count == 32,
            (1...Self.bytesMax).contains(receipts.count), signature.count == VerifyingKey.signatureByteCount
        else { return nil }
        self.init(key: key, receipts: receipts, signature: signature)
        guard self.line == line else { return nil }
    }

    /// What they say. - Throws: `.badData` when the key did not sign them, or they cannot be read.
    public func verified() throws(Fault) -> WireReceipts {
        guard let key = VerifyingKey(rawRepresentation: key),
            key.isValid(signature: signature, for: ReceiptSignature.message(receipts: receipts))
        else { throw Fault(.badData, "receipts without the project's signature") }
        do throws(WireError) {
            return try StrictDecode.message(WireReceipts.self, from: receipts, limit: Self.bytesMax)
        } catch { throw Fault(.badData, "receipts that cannot be read: \(error)") }
    }

    /// Reads a file that the client exported: the title, then a line for each reply.
    /// - Throws: `.badData` with the number of the line that is none.
    public static func read(file bytes: [UInt8]) throws(Fault) -> [SignedReceipts] {
        var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        guard lines.first.map({ $0 == title }) ?? false else {
            throw Fault(.badData, "this is no file of receipts: it does not begin with `\(title)`")
        }
        var all: [SignedReceipts] = []
        for (at, line) in lines.enumerated().dropFirst() {
            guard let one = SignedReceipts(line: line) else {
                throw Fault(.badData, "line \(at + 1) of the receipts cannot be read")
            }
            all.append(one)
        }
        return all
    }
}

extension WireReceipt {
    /// Whether it acknowledges a result that the server keeps, and which the public log must tell of one day. That of a
    /// repeated report names the first result, and is as good: the first receipt may have been lost on the way.
    public var isForResult: Bool {
        switch status {
        case .receiptAccepted, .receiptLate, .receiptDuplicate: resultSha256.count == 32
        case .receiptUnspecified, .receiptNotNeeded, .receiptResultMissing, .UNRECOGNIZED: false
        }
    }
}
