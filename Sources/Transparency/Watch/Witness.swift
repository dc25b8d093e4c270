import Bytes
import Domain

/// What a witness remembers: of each log the last checkpoint that it has cosigned.
public struct WitnessState: Hashable, Sendable {
    /// In order of the logs' names.
    public private(set) var last: [SignedNote] = []

    public init() {}

    private static let title = "millrace-witness-state/v1"

    /// The state as a text file.
    public var text: String {
        last.reduce(Self.title + "\n") { text, note in
            let lines = note.bytes.filter { $0 == 0x0A }.count
            return text + "checkpoint \(lines)\n" + String(decoding: note.bytes, as: UTF8.self)
        }
    }

    /// Reads the file. - Throws: `.badData` with what is wrong: a witness that has forgotten must not begin anew.
    public init(text bytes: [UInt8]) throws(Fault) {
        var lines = TextLines(bytes, what: "witness's state")
        try lines.expect(Self.title)
        while lines.next != nil {
            let note = try lines.note("checkpoint")
            guard let origin = Self.origin(note) else { throw lines.fault("this is no checkpoint") }
            guard last.last.flatMap(Self.origin).map({ $0 < origin }) ?? true else {
                throw lines.fault("the logs are not in order of their names")
            }
            last.append(note)
        }
        try lines.expectEnd()
    }

    private static func origin(_ note: SignedNote) -> String? { (try? Checkpoint(text: note.text))?.origin }

    /// - Parameter keys: of one log; more than one while it changes its key.
    /// - Returns: nil when the log is new here. - Throws: when what is kept was signed by none of the keys.
    public func checkpoint(of keys: [NoteKey]) throws(NoteRefusal) -> SignedCheckpoint? {
        guard let note = last.first(where: { note in keys.contains { $0.name == Self.origin(note) } }) else {
            return nil
        }
        return try SignedCheckpoint(note, key: try note.verify(keys)[0])
    }

    mutating func keep(_ checkpoint: SignedCheckpoint) {
        last.removeAll { Self.origin($0) == checkpoint.checkpoint.origin }
        last.append(checkpoint.note)
        last.sort { (Self.origin($0) ?? "") < (Self.origin($1) ?? "") }
    }
}

/// Cosigns checkpoints of logs that only grow (C2SP tlog-witness). Pure: the caller stores the new state durably
/// before the cosignature leaves the house, and handles one request at a time.
public struct Witness: Sendable {
    private let signer: NoteSigner
    private let logs: [NoteKey]

    /// - Parameter signer: of the kind `.cosignature`. - Parameter logs: keys of the logs that it watches.
    /// - Throws: `.malformedKey` for a key of the wrong kind.
    public init(signer: NoteSigner, logs: [NoteKey]) throws(NoteRefusal) {
        guard signer.key.kind == .cosignature else { throw .malformedKey("it is a log's, not a witness's") }
        guard logs.allSatisfy({ $0.kind == .ed25519 }) else {
            throw .malformedKey("it is a witness's, not a log's")
        }
        self.signer = signer
        self.logs = logs
    }

    public var key: NoteKey { signer.key }

    /// Decides on a request.
    ///
    /// - Parameter state: changed when the answer is a cosignature, and only then.
    /// - Parameter time: seconds since 1970.
    public func consider(
        _ request: WitnessRequest, _ state: inout WitnessState, time: Int64
    ) throws(WitnessRefusal) -> SignedNote.Signature {
        let (served, kept) = try checkpoints(request, state)
        let keptSize = kept?.size ?? 0
        if request.oldSize > served.size {
            // A smaller checkpoint of a log that the witness has seen larger.
            let evidence = kept.flatMap { kept in
                kept.size > served.size ? Evidence(.rollback, kept: kept, served: served) : nil
            }
            throw .smaller(old: request.oldSize, size: served.size, evidence)
        }
        guard request.oldSize == keptSize else { throw .staleOldSize(keptSize) }
        let proof = ConsistencyProof(oldSize: keptSize, newSize: served.size, hashes: request.proof)
        if let kept, kept.size == served.size, kept.root != served.root {
            throw .fork(Evidence(.fork, kept: kept, served: served, oldRoot: served.root))
        }
        do throws(ProofRefusal) {
            try proof.verify(oldRoot: kept?.root ?? LogHash.empty, newRoot: served.root)
        } catch {
            throw .badProof(error, kept.map { Self.evidence(proof, kept: $0, served: served) })
        }
        var next = state
        next.keep(served)
        state = next
        return SignedNote.sign(served.note.text, signer, time: time)
    }

    private func checkpoints(
        _ request: WitnessRequest, _ state: WitnessState
    ) throws(WitnessRefusal) -> (served: SignedCheckpoint, kept: SignedCheckpoint?) {
        let origin = request.checkpoint.text.prefix { $0 != "\n" }
        let keys = logs.filter { $0.name == origin }
        guard !keys.isEmpty else { throw .unknownLog(String(origin)) }
        do throws(NoteRefusal) {
            let signers = try request.checkpoint.verify(keys)
            let served = try SignedCheckpoint(request.checkpoint, key: signers[0])
            return (served, try state.checkpoint(of: keys))
        } catch { throw .notSigned(error) }
    }

    /// A refused proof convicts the log where it leads to the served root all the same, from another old root.
    private static func evidence(
        _ proof: ConsistencyProof, kept: SignedCheckpoint, served: SignedCheckpoint
    ) -> Evidence {
        let roots = try? proof.roots(kept.root)
        if let roots, roots.new == served.root, roots.old != kept.root {
            return Evidence(.fork, kept: kept, served: served, oldRoot: roots.old, proof: proof.hashes)
        }
        return Evidence(.unproven, kept: kept, served: served, proof: proof.hashes)
    }
}
