import Domain

/// What a log asks of a witness: the body of `add-checkpoint` (C2SP tlog-witness).
public struct WitnessRequest: Hashable, Sendable {
    /// The size that the witness has cosigned last, as far as the log knows; 0 for none.
    public var oldSize: Int64
    public var proof: [Digest]
    public var checkpoint: SignedNote

    public init(oldSize: Int64, proof: [Digest], checkpoint: SignedNote) {
        self.oldSize = oldSize
        self.proof = proof
        self.checkpoint = checkpoint
    }

    public var body: String {
        "old \(oldSize)\n" + proof.map { Base64.encode($0.bytes) + "\n" }.joined() + "\n"
            + String(decoding: checkpoint.bytes, as: UTF8.self)
    }

    /// Reads a body. - Throws: `.badData` with what is wrong.
    public init(body: [UInt8]) throws(Fault) {
        guard body.count <= LogLimits.noteBytesMax else {
            throw Fault(.badData, "a request of more than \(LogLimits.noteBytesMax) bytes")
        }
        var lines = TextLines(body, what: "request")
        oldSize = try lines.number("old")
        (proof, checkpoint) = try lines.hashesAndNote()
    }
}

/// Why a witness does not cosign. The status codes are those of C2SP tlog-witness.
public enum WitnessRefusal: Error, Hashable, Sendable {
    /// 404: no key is known for this log.
    case unknownLog(String)
    /// 403: none of the log's keys signed.
    case notSigned(NoteRefusal)
    /// 400: the old size is larger than the checkpoint's; what convicts the log when the witness has seen more.
    case smaller(old: Int64, size: Int64, Evidence?)
    /// 409: the witness has cosigned this size last; ask again with a proof from it.
    case staleOldSize(Int64)
    /// 409: another root at the same size.
    case fork(Evidence)
    /// 422: the proof is refused. The evidence convicts the log when it is a fork; nil for a log that is new here.
    case badProof(ProofRefusal, Evidence?)

    public var status: Int {
        switch self {
        case .unknownLog: 404
        case .notSigned: 403
        case .smaller: 400
        case .staleOldSize, .fork: 409
        case .badProof: 422
        }
    }

    public var evidence: Evidence? {
        switch self {
        case .unknownLog, .notSigned, .staleOldSize: nil
        case .smaller(_, _, let evidence), .badProof(_, let evidence): evidence
        case .fork(let evidence): evidence
        }
    }
}

extension WitnessRefusal: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownLog(let origin): "the log \(origin) is not known here"
        case .notSigned(let refusal): "the checkpoint is refused: \(refusal)"
        case .smaller(let old, let size, let evidence):
            evidence == nil
                ? "a proof from \(old) leaves cannot lead to \(size)"
                : "the log was rolled back: it had \(old) leaves, now it has \(size)"
        case .staleOldSize(let size): "the last cosigned checkpoint has \(size) leaves"
        case .fork: "the log has forked: two roots for the same size"
        case .badProof(let refusal, let evidence):
            evidence?.kind == .fork
                ? "the log has forked: its past was rewritten"
                : "the log gives no proof that it only grew: \(refusal)"
        }
    }
}
