import Domain

/// That a leaf is in a log, as a text file that needs nothing but the log's public key (C2SP tlog-proof): the leaf
/// itself, its index, the inclusion proof and the checkpoint, with the lines of witnesses if there are any.
public struct LeafProof: Hashable, Sendable {
    /// The bytes of the leaf; the file's `extra` line. What they say is worth nothing before `verify`.
    public var leaf: [UInt8]
    public var index: Int64
    public var hashes: [Digest]
    public var checkpoint: SignedNote

    private static let title = "c2sp.org/tlog-proof@v1"

    /// Makes a proof from the files of a log.
    ///
    /// - Throws: `.badData` when the files do not lead to the checkpoint's root; what the source throws.
    public init(
        of leaf: [UInt8], at index: Int64, in checkpoint: SignedCheckpoint, from source: some NodeSource
    ) throws(Fault) {
        let proof = try InclusionProof(of: index, in: checkpoint.size, from: source)
        do throws(ProofRefusal) { try proof.verify(leaf: LogHash.leaf(leaf), root: checkpoint.root) } catch {
            throw Fault(
                .badData, "leaf \(index) cannot be proven: \(error)",
                advice: "`millrace ledger verify` finds out which file is wrong.")
        }
        self.leaf = leaf
        self.index = index
        hashes = proof.hashes
        self.checkpoint = checkpoint.note
    }

    /// The file.
    public var text: String {
        let head = "\(Self.title)\nextra \(Base64.encode(leaf))\nindex \(index)\n"
        return head + hashes.map { Base64.encode($0.bytes) + "\n" }.joined() + "\n"
            + String(decoding: checkpoint.bytes, as: UTF8.self)
    }

    /// Reads the file. - Throws: `.badData` with what is wrong; also without an `extra` line, which C2SP allows.
    public init(text bytes: [UInt8]) throws(Fault) {
        guard bytes.count <= 2 * LogLimits.noteBytesMax else {
            throw Fault(.badData, "a proof of more than \(2 * LogLimits.noteBytesMax) bytes")
        }
        var lines = TextLines(bytes, what: "proof")
        try lines.expect(Self.title)
        guard let leaf = Base64.decode(try lines.value("extra")) else { throw lines.fault("this is no base64") }
        self.leaf = leaf
        index = try lines.number("index")
        (hashes, checkpoint) = try lines.hashesAndNote()
    }

    /// - Parameter key: the log's. - Returns: the checkpoint under which the leaf stands.
    /// - Throws: `.negative` when this proves nothing.
    @discardableResult
    public func verify(_ key: NoteKey) throws(Fault) -> SignedCheckpoint {
        let signed: SignedCheckpoint
        do throws(NoteRefusal) { signed = try SignedCheckpoint(checkpoint, key: key) } catch {
            throw Fault(.negative, "the checkpoint of the proof is refused: \(error)")
        }
        let proof = InclusionProof(index: index, size: signed.size, hashes: hashes)
        do throws(ProofRefusal) { try proof.verify(leaf: LogHash.leaf(leaf), root: signed.root) } catch {
            throw Fault(.negative, "the proof is refused: \(error)")
        }
        return signed
    }
}
