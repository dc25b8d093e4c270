import Bytes
import Domain

/// The two hashes below a node of a trace's tree.
public struct NodeOpening: Hashable, Sendable {
    public var left: Digest
    public var right: Digest

    public init(left: Digest, right: Digest) {
        self.left = left
        self.right = right
    }
}

/// Settles a dispute between two traces of one computation: finds the first checkpoint at which they part, by walking
/// down both trees in at most log2 of their length rounds, then a referee replays that one segment.
///
/// A value that the caller drives by its `stage`. Whoever cannot open what he committed to has lost. Correct if one of
/// both is honest, wherever the traces part and meet again. Source: refereed delegation, Canetti, Riva, Rothblum (CCS
/// 2011).
public struct TraceBisection: Sendable {
    /// Which of the two.
    public enum Side: Hashable, Sendable, CaseIterable {
        case first
        case second
    }

    /// Where the dispute is, and what is needed next.
    public enum Stage: Hashable, Sendable {
        /// Of both: the hashes below this node (`TraceTree.children`), for `answer(nodes:)`.
        case descending(level: Int, index: Int)
        /// Of both: the digest of the checkpoint at which they part first, for `answer(checkpoints:)`.
        case opening(Int)
        /// Of anyone: the bytes of the checkpoint before it with their proof, for `settle`.
        case replaying(segment: Int)
        case settled(Outcome)
    }

    /// The end of a dispute.
    public enum Outcome: Hashable, Sendable {
        /// The traces are one.
        case same
        /// These sides are convicted. `segment`: the one that was replayed; nil when an answer was false or missing.
        case wrong(Set<Side>, segment: Int?, String)
    }

    public let first: TraceCommitment
    public let second: TraceCommitment
    /// Of the state that the work unit starts from.
    public let start: Digest
    public private(set) var stage: Stage
    /// Rounds of node hashes so far.
    public private(set) var rounds = 0
    /// What each side has committed to at the place in question: a node's hash, then a checkpoint's digest.
    private var claims: (first: Digest, second: Digest)

    /// - Parameter first, second: of equal counts: another number of checkpoints is a malformed result, not a dispute.
    /// - Returns: nil when the counts differ or there is no segment.
    public init?(_ first: TraceCommitment, _ second: TraceCommitment, start: Digest) {
        guard first.count == second.count, 2...TraceTree.largestCount ~= first.count else { return nil }
        self.first = first
        self.second = second
        self.start = start
        claims = (first.root, second.root)
        stage = .settled(.same)
        if first.root != second.root { descend(TraceTree.height(first.count), 0) }
    }

    /// The hashes below the node of `.descending`; nil: no answer in time.
    public mutating func answer(nodes one: NodeOpening?, _ two: NodeOpening?) {
        guard case .descending(let level, let index) = stage else { return }
        rounds += 1
        guard let a = one, let b = two, TraceHash.node(a.left, a.right) == claims.first,
            TraceHash.node(b.left, b.right) == claims.second
        else {
            convict(
                one.map { TraceHash.node($0.left, $0.right) }, two.map { TraceHash.node($0.left, $0.right) },
                "the hashes below node \(index) of level \(level) were not opened")
            return
        }
        // The left half decides if it differs: the first difference lies there.
        let isLeft = a.left != b.left
        claims = isLeft ? (a.left, b.left) : (a.right, b.right)
        descend(level - 1, isLeft ? 2 * index : 2 * index + 1)
    }

    /// A node without a partner below moves down unasked; a leaf is opened next.
    private mutating func descend(_ level: Int, _ index: Int) {
        var (level, index) = (level, index)
        while level > 0 && 2 * index + 1 >= TraceTree.width(first.count, level - 1) {
            level -= 1
            index *= 2
        }
        stage = level > 0 ? .descending(level: level, index: index) : .opening(index)
    }

    /// The digests of the checkpoint of `.opening`; nil: no answer in time.
    public mutating func answer(checkpoints one: Digest?, _ two: Digest?) {
        guard case .opening(let index) = stage else { return }
        guard let a = one, let b = two, TraceHash.leaf(index, a) == claims.first,
            TraceHash.leaf(index, b) == claims.second
        else {
            convict(
                one.map { TraceHash.leaf(index, $0) }, two.map { TraceHash.leaf(index, $0) },
                "checkpoint \(index) was not opened")
            return
        }
        claims = (a, b)
        guard index > 0 else {
            convict(against: start, segment: nil, "the trace does not start from the unit's state")
            return
        }
        stage = .replaying(segment: index - 1)
    }

    /// The referee's step. - Parameter state, proof: the bytes of the checkpoint before the disputed one, and its proof
    /// in either trace: both agree up to there. - Parameter replay: as in `TraceCheck`.
    /// - Returns: false when they are not that checkpoint; ask the other side for it.
    public mutating func settle(
        state: [UInt8], proof: CheckpointProof, replay: (Int, [UInt8]) -> [UInt8]?
    ) -> Bool {
        guard case .replaying(let segment) = stage, proof.index == segment,
            first.contains(proof) || second.contains(proof), SHA256Hash.digest(of: state) == proof.digest
        else { return false }
        let truth = replay(segment, state).map { SHA256Hash.digest(of: $0) }
        convict(against: truth, segment: segment, "replay of segment \(segment) gives another checkpoint")
        return true
    }

    /// - Parameter one, two: what the answers hash to; nil for none.
    private mutating func convict(_ one: Digest?, _ two: Digest?, _ reason: String) {
        var wrong: Set<Side> = []
        if one != claims.first { wrong.insert(.first) }
        if two != claims.second { wrong.insert(.second) }
        stage = .settled(.wrong(wrong, segment: nil, reason))
    }

    private mutating func convict(against truth: Digest?, segment: Int?, _ reason: String) {
        var wrong: Set<Side> = []
        if claims.first != truth { wrong.insert(.first) }
        if claims.second != truth { wrong.insert(.second) }
        stage = .settled(.wrong(wrong, segment: segment, reason))
    }
}
