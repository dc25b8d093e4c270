import Bytes
import Domain

/// One line under a signed text.
public struct ReleaseSignature: Hashable, Sendable {
    public var key: VerifyingKey
    /// 64 bytes.
    public var bytes: [UInt8]

    public init(key: VerifyingKey, bytes: [UInt8]) {
        self.key = key
        self.bytes = bytes
    }
}

/// A text and signatures over exactly its bytes: `text`, an empty line, and a line `signed KEY SIGNATURE` for each.
///
/// A key is its own name (64 hexadecimal digits), so no two keys can share one and none counts twice. There is one
/// encoding only: lines are sorted by key, and what does not come out of `bytes` as it went in is refused.
public struct SignedText: Hashable, Sendable {
    /// The signed bytes, with the end of the last line.
    public let text: [UInt8]
    /// Sorted by key, one for each.
    public let signatures: [ReleaseSignature]

    /// - Parameter text: what a body wrote; without signatures it is a draft.
    public init(text: [UInt8], signatures: [ReleaseSignature] = []) {
        self.text = text
        var unique: [VerifyingKey: ReleaseSignature] = [:]
        for signature in signatures { unique[signature.key] = signature }
        self.signatures = unique.values.sorted {
            $0.key.rawRepresentation.lexicographicallyPrecedes($1.key.rawRepresentation)
        }
    }

    /// With signatures of these keys as well.
    public func signed(by keys: [SigningKey]) -> SignedText {
        let present = Set(signatures.map(\.key))
        let added = keys.filter { !present.contains($0.publicKey) }.map {
            ReleaseSignature(key: $0.publicKey, bytes: $0.sign(text))
        }
        return SignedText(text: text, signatures: signatures + added)
    }

    public var bytes: [UInt8] {
        var bytes = text + [0x0A]
        for signature in signatures {
            bytes += Array("signed \(Hex.encode(signature.key.rawRepresentation)) ".utf8)
            bytes += Array((Hex.encode(signature.bytes) + "\n").utf8)
        }
        return bytes
    }

    public var digest: Digest { SHA256Hash.digest(of: bytes) }

    /// Takes text and signatures apart; nobody has verified anything yet.
    ///
    /// - Throws: `.tooManyBytes`, `.malformed`.
    public init(_ bytes: [UInt8], file: ReleaseFile) throws(ReleaseRefusal) {
        let bytesMax = file.role.bytesMax
        guard bytes.count <= bytesMax else {
            throw ReleaseRefusal(.tooManyBytes, file.name, "\(bytes.count) bytes, at most \(bytesMax) are allowed")
        }
        let malformed = { (reason: String) in ReleaseRefusal(.malformed, file.name, reason) }
        guard let end = bytes.indices.dropFirst().first(where: { bytes[$0 - 1] == 0x0A && bytes[$0] == 0x0A }) else {
            throw malformed("there is no empty line between text and signatures")
        }
        let text = Array(bytes[..<end])
        var signatures: [ReleaseSignature] = []
        for line in bytes[(end + 1)...].split(separator: 0x0A) {
            guard signatures.count < ReleaseLimits.signaturesMax else {
                throw malformed("more than \(ReleaseLimits.signaturesMax) signatures")
            }
            let words = String(decoding: line, as: UTF8.self).split(separator: " ")
            guard words.count == 3, words[0] == "signed",
                let key = Hex.decode(String(words[1])).flatMap({ VerifyingKey(rawRepresentation: $0) }),
                let signature = Hex.decode(String(words[2])), signature.count == VerifyingKey.signatureByteCount
            else { throw malformed("a line under the text is not \"signed KEY SIGNATURE\"") }
            signatures.append(ReleaseSignature(key: key, bytes: signature))
        }
        self.init(text: text, signatures: signatures)
        guard self.bytes == bytes else { throw malformed("it is not written as signed texts are") }
    }
}
