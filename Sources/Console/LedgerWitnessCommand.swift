import Bytes
import Domain
import Glibc
import Transparency
import WorkerHost

/// `millrace witness PLACE --key KEY --state FILE --signer FILE [--out FILE] [--evidence FILE]`.
public struct WitnessCommand: Sendable {
    private let place: String
    private let key: String
    private let state: String
    private let signer: String
    private let out: String?
    private let evidence: String

    /// - Parameter state: what the witness remembers, a file; made at the first time.
    /// - Parameter signer: its secret key, a file. - Parameter out: where to write the cosigned checkpoint.
    /// - Parameter evidence: where to write what convicts the ledger; nil: beside the state.
    public init(place: String, key: String, state: String, signer: String, out: String?, evidence: String?) {
        self.place = place
        self.key = key
        self.state = state
        self.signer = signer
        self.out = out
        self.evidence = evidence ?? "\(state).evidence"
    }

    /// - Throws: `.negative` when it does not cosign.
    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        let key = try LedgerKeys.verifier(key)
        let files = try LedgerFiles(place, notice: context.remark)
        let signer = try LedgerKeys.signer(signer)
        let witness: Witness
        do throws(NoteRefusal) { witness = try Witness(signer: signer, logs: [key]) } catch {
            throw Fault(.usage, "\(error)", advice: "`millrace ledger keygen --witness` makes a witness's key.")
        }
        // One at a time: two that read the same state could cosign a fork.
        let lock = try StateLock("\(state).lock")
        defer { lock.release() }
        var remembered = WitnessState()
        if Files.exists(state) { remembered = try WitnessState(text: try Files.read(state, limit: 64 << 20)) }
        let served = try files.checkpoint(key)
        let line = try cosign(served, witness, &remembered, files, key)
        try Files.replace(state, with: Array(remembered.text.utf8))
        let cosigned = served.adding([line])
        if let out { try Files.replace(out, with: cosigned.note.bytes) }
        context.answer(
            .members([
                ("ok", .flag(true)), ("log", .text(key.name)), ("size", .integer(served.size)),
                ("root", .text(served.root.hex)), ("witness", .text(witness.key.name)),
                ("cosignature", .text(String(line.line.dropLast()))),
            ]), text: line.line)
        return 0
    }

    private func cosign(
        _ served: SignedCheckpoint, _ witness: Witness, _ state: inout WitnessState, _ files: LedgerFiles,
        _ key: NoteKey
    ) throws(Fault) -> SignedNote.Signature {
        let kept: SignedCheckpoint?
        do throws(NoteRefusal) { kept = try state.checkpoint(of: [key]) } catch {
            throw Fault(.badData, "\(Printable.clean(self.state)): \(error)", advice: "Was it edited?")
        }
        // Whoever has the files sees a fork also where the log's own proof would not show it.
        if let kept, let evidence = try Evidence(kept: kept, served: served, files: files) {
            throw try refusal(evidence)
        }
        let oldSize = kept?.size ?? 0
        let proof = try ConsistencyProof(from: oldSize, to: served.size, from: TileNodes(files, size: served.size))
        let request = WitnessRequest(oldSize: oldSize, proof: proof.hashes, checkpoint: served.note)
        do throws(WitnessRefusal) {
            return try witness.consider(request, &state, time: Int64(Glibc.time(nil)))
        } catch {
            if let evidence = error.evidence { throw try refusal(evidence) }
            throw Fault(.negative, "not cosigned: \(Printable.clean("\(error)"))")
        }
    }

    /// Keeps the evidence; what was kept before is not overwritten.
    private func refusal(_ evidence: Evidence) throws(Fault) -> Fault {
        let bytes = Array(evidence.text.utf8)
        var (path, number) = (self.evidence, 1)
        while Files.exists(path), (try? Files.read(path, limit: bytes.count)) != bytes {
            number += 1
            path = "\(self.evidence).\(number)"
        }
        if !Files.exists(path) { try Files.replace(path, with: bytes) }
        let what =
            switch evidence.kind {
            case .fork: "the ledger has forked: it signed two histories"
            case .rollback: "the ledger was rolled back to a smaller checkpoint"
            case .unproven: "the ledger's files do not prove that it only grew"
            }
        return Fault(
            .negative, "not cosigned: \(what)",
            advice: "The evidence is in \(Printable.clean(path)); `millrace ledger evidence` verifies it anywhere.")
    }
}

/// Keeps other processes away from a witness's state, by `flock`: it goes with the process, however that ends.
private struct StateLock {
    private let file: Int32

    init(_ path: String) throws(Fault) {
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Files.fault("create", path) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            close(file)
            throw Fault(.configuration, "another witness works with this state (\(Printable.clean(path)))")
        }
    }

    func release() { close(file) }
}

/// `millrace ledger keygen NAME FILE [--witness]`.
public struct LedgerKeygenCommand: Sendable {
    private let name: String
    private let path: String
    private let isWitness: Bool

    public init(name: String, path: String, isWitness: Bool) {
        self.name = name
        self.path = path
        self.isWitness = isWitness
    }

    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        let kind = isWitness ? NoteKey.Kind.cosignature : .ed25519
        guard let signer = NoteSigner(name: name, kind: kind, secret: SigningKey()) else {
            throw Fault(
                .usage, "\(Printable.clean(name)) is no name for a key",
                advice: "For example witness.example.org: no spaces, no plus sign, at most 256 bytes.")
        }
        try LedgerKeys.writeNew(path, Array((signer.secretText + "\n").utf8), mode: 0o600)
        context.answer(
            .members([("key", .text(signer.key.text)), ("path", .text(path))]), text: signer.key.text + "\n")
        return 0
    }
}

/// `millrace ledger evidence FILE --key KEY`.
public struct LedgerEvidenceCommand: Sendable {
    private let path: String
    private let key: String

    public init(path: String, key: String) {
        self.path = path
        self.key = key
    }

    /// - Throws: `.negative` when the file proves nothing.
    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        let key = try LedgerKeys.verifier(key)
        let evidence = try Evidence(text: try Files.read(path, limit: 4 * LogLimits.noteBytesMax))
        let (kept, served) = try evidence.verify(key)
        let sizes = "first \(kept.size) leaves, then \(served.size)"
        let text =
            switch evidence.kind {
            case .fork: "\(key.name) signed two histories: \(sizes), with different first \(kept.size) leaves\n"
            case .rollback: "\(key.name) signed both, and served the smaller one later: \(sizes)\n"
            case .unproven: "\(key.name) signed both, and gave no proof that it only grew: \(sizes)\n"
            }
        context.answer(
            .members([
                ("ok", .flag(true)), ("log", .text(key.name)), ("kind", .text(evidence.kind.rawValue)),
                ("kept_size", .integer(kept.size)), ("kept_root", .text(kept.root.hex)),
                ("served_size", .integer(served.size)), ("served_root", .text(served.root.hex)),
            ]), text: PrintableText.cleanLines(text))
        return 0
    }
}
