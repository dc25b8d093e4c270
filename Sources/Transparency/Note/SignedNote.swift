import Bytes
import Domain

/// A text with one or more signatures (C2SP signed-note).
public struct SignedNote: Hashable, Sendable {
    /// One line under the text.
    public struct Signature: Hashable, Sendable {
        public var name: String
        public var keyID: UInt32
        /// What the key made: for a cosignature a time and the signature.
        public var bytes: [UInt8]

        public init(name: String, keyID: UInt32, bytes: [UInt8]) {
            self.name = name
            self.keyID = keyID
            self.bytes = bytes
        }

        /// With the line feed at the end.
        public var line: String {
            let number = stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: keyID >> $0) }
            return "\u{2014} \(name) \(Base64.encode(number + bytes))\n"
        }
    }

    /// With the line feed at its end; this is what is signed.
    public let text: String
    public private(set) var signatures: [Signature]

    /// Reads a note. Says nothing of who signed it: ask `verify`.
    ///
    /// - Throws: `.malformedNote` with what is wrong.
    public init(_ bytes: [UInt8]) throws(NoteRefusal) {
        guard bytes.count <= LogLimits.noteBytesMax else {
            throw .malformedNote("more than \(LogLimits.noteBytesMax) bytes")
        }
        guard let whole = String(validating: bytes, as: UTF8.self) else { throw .malformedNote("not UTF-8") }
        guard bytes.allSatisfy({ $0 >= 0x20 || $0 == 0x0A }) else { throw .malformedNote("a control character") }
        let end = bytes.indices.dropFirst().last { bytes[$0] == 0x0A && bytes[$0 - 1] == 0x0A }
        guard let end, bytes.last == 0x0A, end < bytes.count - 1 else {
            throw .malformedNote("no empty line with signatures below")
        }
        text = String(decoding: whole.utf8.prefix(end), as: UTF8.self)
        let lines = bytes[(end + 1)...].dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
        guard lines.count <= LogLimits.noteSignaturesMax else {
            throw .malformedNote("more than \(LogLimits.noteSignaturesMax) signatures")
        }
        var signatures: [Signature] = []
        for line in lines { signatures.append(try Self.signature(line)) }
        self.signatures = signatures
    }

    /// A line without its line feed: em dash, space, name, space, base64.
    private static func signature(_ line: ArraySlice<UInt8>) throws(NoteRefusal) -> Signature {
        let words = String(decoding: line, as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[0] == "\u{2014}", NoteKey.isName(words[1]) else {
            throw .malformedNote("a line under the text that is no signature")
        }
        guard let bytes = Base64.decode(words[2]), bytes.count > 4 else {
            throw .malformedNote("a signature of \(words[1]) that is no base64 of key number and signature")
        }
        let keyID = bytes.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return Signature(name: String(words[1]), keyID: keyID, bytes: Array(bytes.dropFirst(4)))
    }

    /// Signs a text.
    ///
    /// - Parameter time: seconds since 1970, used by cosignatures only.
    /// - Throws: `.malformedNote` for a text that does not end in a line feed, or has control characters.
    public init(text: String, signers: [NoteSigner], time: Int64 = 0) throws(NoteRefusal) {
        guard text.utf8.last == 0x0A, text.utf8.allSatisfy({ $0 >= 0x20 || $0 == 0x0A }) else {
            throw .malformedNote("a text without a line feed at its end, or with control characters")
        }
        self.text = text
        signatures = signers.map { Self.sign(text, $0, time: time) }
    }

    static func sign(_ text: String, _ signer: NoteSigner, time: Int64) -> Signature {
        var bytes: [UInt8] = []
        switch signer.key.kind {
        case .ed25519: bytes = signer.sign(Array(text.utf8))
        case .cosignature:
            bytes = stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: time >> $0) }
            bytes += signer.sign(Cosignature.message(text, time: time))
        }
        return Signature(name: signer.key.name, keyID: signer.key.id, bytes: bytes)
    }

    /// With further signatures at the end; those of keys that have signed already take the old ones' places.
    public func adding(_ more: [Signature]) -> SignedNote {
        var note = self
        for signature in more {
            let place = note.signatures.firstIndex { $0.name == signature.name && $0.keyID == signature.keyID }
            if let place { note.signatures[place] = signature } else { note.signatures.append(signature) }
        }
        return note
    }

    /// The bytes of a file.
    public var bytes: [UInt8] { Array((text + "\n" + signatures.map(\.line).joined()).utf8) }

    /// Which of the keys signed. Signatures of other keys are ignored.
    ///
    /// - Throws: `.badSignature` when one of these keys' signatures is wrong, `.signedTwice` when a key signed twice,
    ///   `.notSigned` when none of them signed.
    @discardableResult
    public func verify(_ keys: [NoteKey]) throws(NoteRefusal) -> [NoteKey] {
        var found: [NoteKey] = []
        for signature in signatures {
            let known = keys.first { $0.name == signature.name && $0.id == signature.keyID }
            guard let key = known else { continue }
            if found.contains(key) { throw .signedTwice(key.name) }
            guard isValid(signature, of: key) else { throw .badSignature(key.name) }
            found.append(key)
        }
        if found.isEmpty { throw .notSigned(keys.map(\.name)) }
        return found
    }

    private func isValid(_ signature: Signature, of key: NoteKey) -> Bool {
        switch key.kind {
        case .ed25519:
            return key.publicKey.isValid(signature: signature.bytes, for: Array(text.utf8))
        case .cosignature:
            guard let (time, bytes) = Cosignature.parts(signature.bytes) else { return false }
            return key.publicKey.isValid(signature: bytes, for: Cosignature.message(text, time: time))
        }
    }
}

/// Why a key or a note is refused.
public enum NoteRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    case malformedKey(String)
    case malformedNote(String)
    /// The note is signed, but is no checkpoint.
    case malformedCheckpoint(String)
    case badSignature(String)
    case signedTwice(String)
    case notSigned([String])
    /// The checkpoint is of another log than the key's.
    case anotherOrigin(found: String, expected: String)

    public var description: String {
        switch self {
        case .malformedKey(let what): "this is no key: \(what)"
        case .malformedNote(let what): "this is no signed note: \(what)"
        case .malformedCheckpoint(let what): "this is no checkpoint: \(what)"
        case .badSignature(let name): "the signature of \(name) is wrong"
        case .signedTwice(let name): "\(name) signed twice"
        case .notSigned(let names): "not signed by \(names.joined(separator: " or "))"
        case .anotherOrigin(let found, let expected): "this is of the log \(found), not of \(expected)"
        }
    }
}
