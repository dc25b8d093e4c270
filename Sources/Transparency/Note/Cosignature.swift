import Bytes
import Domain

/// What a witness says of a checkpoint, and when (C2SP tlog-cosignature, `cosignature/v1` with Ed25519).
public struct Cosignature: Hashable, Sendable {
    public var witness: NoteKey
    /// Seconds since 1970: the log had this size and root then, and nothing larger was known.
    public var time: Int64

    public init(witness: NoteKey, time: Int64) {
        self.witness = witness
        self.time = time
    }

    /// Those of some witnesses under a note; the others' are ignored.
    ///
    /// - Throws: as `SignedNote.verify`, except that a note without cosignatures gives an empty list.
    public static func all(in note: SignedNote, of witnesses: [NoteKey]) throws(NoteRefusal) -> [Cosignature] {
        let known = witnesses.filter { $0.kind == .cosignature }
        let signed = note.signatures.filter { line in known.contains { $0.name == line.name && $0.id == line.keyID } }
        guard !signed.isEmpty else { return [] }
        try note.verify(known)
        return signed.compactMap { line in
            guard let key = known.first(where: { $0.name == line.name && $0.id == line.keyID }),
                let (time, _) = parts(line.bytes)
            else { return nil }
            return Cosignature(witness: key, time: time)
        }
    }

    /// The bytes that are signed.
    static func message(_ text: String, time: Int64) -> [UInt8] { Array("cosignature/v1\ntime \(time)\n\(text)".utf8) }

    /// The time and the Ed25519 signature. - Returns: nil for another length, and for a time beyond 2^63 - 1.
    package static func parts(_ bytes: [UInt8]) -> (time: Int64, signature: [UInt8])? {
        guard bytes.count == 8 + VerifyingKey.signatureByteCount else { return nil }
        let time = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let time = Int64(exactly: time) else { return nil }
        return (time, Array(bytes.dropFirst(8)))
    }
}
