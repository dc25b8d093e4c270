import Bytes
import Domain

/// What a log is at some moment: its name, its size, its root (C2SP tlog-checkpoint).
public struct Checkpoint: Hashable, Sendable {
    /// The log's name, for example `example.org/log`.
    public var origin: String
    public var size: Int64
    public var root: Digest
    /// Further lines of the text; Millrace writes none.
    public var extensions: [String]

    public init(origin: String, size: Int64, root: Digest, extensions: [String] = []) {
        self.origin = origin
        self.size = size
        self.root = root
        self.extensions = extensions
    }

    /// The text of the note.
    public var text: String {
        ([origin, "\(size)", Base64.encode(root.bytes)] + extensions).map { $0 + "\n" }.joined()
    }

    /// Reads the text of a note. - Throws: `.malformedCheckpoint` with what is wrong.
    public init(text: String) throws(NoteRefusal) {
        guard text.utf8.last == 0x0A else { throw .malformedCheckpoint("its last line has no end") }
        let lines = text.utf8.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard lines.count >= 3 else { throw .malformedCheckpoint("fewer than three lines") }
        guard lines.allSatisfy({ !$0.isEmpty }) else { throw .malformedCheckpoint("an empty line") }
        guard lines[0].utf8.count <= LogLimits.nameBytesMax else {
            throw .malformedCheckpoint("a name of more than \(LogLimits.nameBytesMax) bytes")
        }
        guard let size = Decimal.value(lines[1]), size <= LogLimits.sizeMax else {
            throw .malformedCheckpoint("its size is no number of leaves")
        }
        guard let root = Base64.decode(lines[2]).flatMap({ Digest(bytes: $0) }) else {
            throw .malformedCheckpoint("its root is not the base64 of 32 bytes")
        }
        self.init(origin: lines[0], size: size, root: root, extensions: Array(lines[3...]))
    }
}

/// A checkpoint with the note that it came in.
public struct SignedCheckpoint: Hashable, Sendable {
    public let checkpoint: Checkpoint
    public let note: SignedNote

    public var size: Int64 { checkpoint.size }
    public var root: Digest { checkpoint.root }

    /// Signs a checkpoint. - Parameter signer: of the kind `.ed25519`; the checkpoint's origin is its name.
    /// - Throws: `.malformedCheckpoint` for what cannot be read back.
    public init(_ checkpoint: Checkpoint, signer: NoteSigner) throws(NoteRefusal) {
        guard try Checkpoint(text: checkpoint.text) == checkpoint else {
            throw .malformedCheckpoint("a line feed in a line")
        }
        self.checkpoint = checkpoint
        note = try SignedNote(text: checkpoint.text, signers: [signer])
    }

    /// Reads a checkpoint and verifies the log's signature.
    ///
    /// - Parameter key: the log's; its name is the origin that the checkpoint must have.
    public init(_ bytes: [UInt8], key: NoteKey) throws(NoteRefusal) {
        try self.init(try SignedNote(bytes), key: key)
    }

    /// As above, of a note that was read already.
    public init(_ note: SignedNote, key: NoteKey) throws(NoteRefusal) {
        guard key.kind == .ed25519 else { throw .malformedKey("it is a witness's, not a log's") }
        // The signature first: text that nobody signed is not worth a reason.
        try note.verify([key])
        checkpoint = try Checkpoint(text: note.text)
        guard checkpoint.origin == key.name else {
            throw .anotherOrigin(found: checkpoint.origin, expected: key.name)
        }
        self.note = note
    }

    /// With the lines of witnesses under it.
    public func adding(_ cosignatures: [SignedNote.Signature]) -> SignedCheckpoint {
        SignedCheckpoint(checkpoint: checkpoint, note: note.adding(cosignatures))
    }

    private init(checkpoint: Checkpoint, note: SignedNote) {
        self.checkpoint = checkpoint
        self.note = note
    }
}
