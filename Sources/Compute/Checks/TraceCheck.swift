import Bytes
import Domain

/// One segment of a committed trace, opened: the bytes of its first checkpoint and proofs of both ends.
public struct TraceOpening: Hashable, Sendable {
    public var state: [UInt8]
    public var before: CheckpointProof
    public var after: CheckpointProof

    public init(state: [UInt8], before: CheckpointProof, after: CheckpointProof) {
        self.state = state
        self.before = before
        self.after = after
    }
}

/// The check of a long deterministic computation: its checkpoints are committed to, then random segments are replayed.
///
/// Finds a share ρ of false segments with probability 1 - (1 - ρ)^k and more. A single lie in a long trace mostly
/// hides: combine with trust and with `TraceBisection` on dispute. Needs a step function that gives the same bits on
/// every machine.
public struct TraceCheck: Sendable {
    public let commitment: TraceCommitment
    /// Of the bytes that the work unit starts from.
    public let start: Digest
    /// Of the last checkpoint, from which the reported result is taken.
    public let end: Digest
    /// The segments to open, in rising order, drawn without repetition.
    public let segments: [Int]

    /// - Parameter segments: how many to open, 1 or more; all of them when there are fewer.
    /// - Parameter challenge: drawn after the commitment was stored.
    public init(_ commitment: TraceCommitment, start: Digest, end: Digest, segments: Int, challenge: UInt64) {
        self.commitment = commitment
        self.start = start
        self.end = end
        let isUsable = 2...TraceTree.largestCount ~= commitment.count
        var source = Challenge(challenge, stream: 7)
        self.segments = isUsable ? source.indices(max(1, segments), below: commitment.segments) : []
    }

    /// Replayed steps over all steps.
    public var cost: CheckCost { CheckCost(job: Double(commitment.segments), check: Double(segments.count)) }

    /// Exactly: the chance that none of the opened segments is among `count` false ones.
    public func missProbability(falseSegments count: Int) -> Double {
        let all = commitment.segments
        guard count > 0 else { return 1 }
        guard count <= all - segments.count else { return 0 }
        return segments.indices.reduce(1) { $0 * Double(all - count - $1) / Double(all - $1) }
    }

    /// - Parameter first, last: proofs of the first and the last checkpoint.
    /// - Parameter openings: of `segments`, in that order.
    /// - Parameter replay: one segment: its index and the bytes before it, to the bytes after it; nil: it refuses them.
    public func verify(
        first: CheckpointProof, last: CheckpointProof, openings: [TraceOpening],
        replay: (Int, [UInt8]) -> [UInt8]?
    ) -> Proof {
        guard !segments.isEmpty else { return .malformed("a trace of \(commitment.count) checkpoints") }
        guard openings.count == segments.count else {
            return .malformed("\(openings.count) segments are opened, not \(segments.count)")
        }
        for (proof, index, digest, name) in [
            (first, 0, start, "first"), (last, commitment.count - 1, end, "last"),
        ] {
            guard proof.index == index, commitment.contains(proof) else {
                return .malformed("the proof of the \(name) checkpoint does not lead to the commitment")
            }
            guard proof.digest == digest else {
                return .broken("checkpoint \(index)", "the \(name) checkpoint is not that of the unit or the result")
            }
        }
        for (segment, opening) in zip(segments, openings) {
            if let refusal = Self.refusal(segment, opening, commitment, replay) { return refusal }
        }
        return .holds(
            ProofEvidence(
                share: 0, tolerance: 0, missProbability: missProbability(falseSegments: 1), floor: 1, cost: cost))
    }

    static func refusal(
        _ segment: Int, _ opening: TraceOpening, _ commitment: TraceCommitment, _ replay: (Int, [UInt8]) -> [UInt8]?
    ) -> Proof? {
        guard opening.before.index == segment, opening.after.index == segment + 1,
            commitment.contains(opening.before), commitment.contains(opening.after)
        else { return .malformed("the proofs of segment \(segment) do not lead to the commitment") }
        guard SHA256Hash.digest(of: opening.state) == opening.before.digest else {
            return .malformed("the opened bytes are not checkpoint \(segment)")
        }
        guard let state = replay(segment, opening.state) else {
            return .broken("checkpoint \(segment)", "the computation cannot go on from it")
        }
        guard SHA256Hash.digest(of: state) == opening.after.digest else {
            return .broken("checkpoint \(segment + 1)", "replay of segment \(segment) gives other bytes")
        }
        return nil
    }
}
