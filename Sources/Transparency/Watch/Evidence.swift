import Domain

/// What convicts a log, as a text file that anyone can check with the log's public key alone.
public struct Evidence: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// The log signed two histories: the newer one has another root at the older one's size.
        case fork
        /// The log served a smaller checkpoint than one that it had signed before.
        case rollback
        /// The log served a larger checkpoint without a proof that the older log is its beginning.
        case unproven
    }

    public var kind: Kind
    /// What was seen first, as bytes of a signed note.
    public var kept: SignedNote
    /// What was served then.
    public var served: SignedNote
    /// Fork: the root of the served log at the kept size. Else nil.
    public var oldRoot: Digest?
    /// Fork: from `oldRoot` to the served root. Unproven: what the log gave for a proof.
    public var proof: [Digest]

    public init(
        _ kind: Kind, kept: SignedCheckpoint, served: SignedCheckpoint, oldRoot: Digest? = nil, proof: [Digest] = []
    ) {
        self.kind = kind
        self.kept = kept.note
        self.served = served.note
        self.oldRoot = oldRoot
        self.proof = proof
    }

    /// Looks for a rollback or a fork between two checkpoints that a log has signed.
    ///
    /// - Parameter files: the public files that belong to `served`.
    /// - Returns: nil when there is neither, and when the files do not show it, since they are wrong themselves.
    /// - Throws: what the reader throws.
    public init?(kept: SignedCheckpoint, served: SignedCheckpoint, files: some TileReader) throws(Fault) {
        if served.size < kept.size {
            self.init(.rollback, kept: kept, served: served)
            return
        }
        guard kept.size > 0, kept.root != served.root || kept.size < served.size else { return nil }
        let (root, proof): (Digest, ConsistencyProof)
        do throws(Fault) {
            let nodes = TileNodes(files, size: served.size)
            proof = try ConsistencyProof(from: kept.size, to: served.size, from: nodes)
            root = kept.size == served.size ? served.root : try nodes.root(at: kept.size)
        } catch {
            guard error.kind == .noInput || error.kind == .badData else { throw error }
            return nil
        }
        guard root != kept.root, (try? proof.verify(oldRoot: root, newRoot: served.root)) != nil else { return nil }
        self.init(.fork, kept: kept, served: served, oldRoot: root, proof: proof.hashes)
    }

    private static let title = "millrace-log-evidence/v1"

    /// The file. Work-units/LEDGER.md describes it.
    public var text: String {
        var text = "\(Self.title)\nkind \(kind.rawValue)\n"
        if let oldRoot { text += "root \(Base64.encode(oldRoot.bytes))\n" }
        for hash in proof { text += "proof \(Base64.encode(hash.bytes))\n" }
        for (name, note) in [("kept", kept), ("served", served)] {
            let lines = note.bytes.filter { $0 == 0x0A }.count
            text += "\(name) \(lines)\n" + String(decoding: note.bytes, as: UTF8.self)
        }
        return text
    }

    /// Reads the file. - Throws: `.badData` with what is wrong.
    public init(text bytes: [UInt8]) throws(Fault) {
        var lines = TextLines(bytes, what: "evidence")
        try lines.expect(Self.title)
        guard let kind = Kind(rawValue: try lines.value("kind")) else { throw lines.fault("an unknown kind") }
        self.kind = kind
        oldRoot = lines.next?.hasPrefix("root ") == true ? try lines.digest("root") : nil
        proof = []
        while lines.next?.hasPrefix("proof ") == true {
            guard proof.count < LogLimits.proofHashesMax else { throw lines.fault("a proof of too many hashes") }
            proof.append(try lines.digest("proof"))
        }
        kept = try lines.note("kept")
        served = try lines.note("served")
        try lines.expectEnd()
        guard (oldRoot != nil) == (kind == .fork), kind != .rollback || proof.isEmpty else {
            throw lines.fault("what does not belong to its kind")
        }
    }

    /// Checks it. - Parameter key: the log's.
    /// - Returns: the two checkpoints; the log has signed both, and they are what `kind` says.
    /// - Throws: `.negative` when the evidence proves nothing.
    @discardableResult
    public func verify(_ key: NoteKey) throws(Fault) -> (kept: Checkpoint, served: Checkpoint) {
        let (first, second): (Checkpoint, Checkpoint)
        do throws(NoteRefusal) {
            first = try SignedCheckpoint(kept, key: key).checkpoint
            second = try SignedCheckpoint(served, key: key).checkpoint
        } catch { throw Fault(.negative, "a checkpoint of the evidence is refused: \(error)") }
        let proof = ConsistencyProof(oldSize: first.size, newSize: second.size, hashes: proof)
        switch kind {
        case .fork:
            guard let oldRoot, oldRoot != first.root else { throw Self.nothing("the roots are the same") }
            do throws(ProofRefusal) { try proof.verify(oldRoot: oldRoot, newRoot: second.root) } catch {
                throw Self.nothing("\(error)")
            }
        case .rollback:
            guard second.size < first.size else { throw Self.nothing("the served checkpoint is not smaller") }
        case .unproven:
            guard second.size > first.size else { throw Self.nothing("the served checkpoint is not larger") }
            if (try? proof.verify(oldRoot: first.root, newRoot: second.root)) != nil {
                throw Self.nothing("the proof is right")
            }
        }
        return (first, second)
    }

    private static func nothing(_ why: String) -> Fault { Fault(.negative, "the evidence proves nothing: \(why)") }
}
