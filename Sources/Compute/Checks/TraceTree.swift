import Bytes
import Domain

/// A commitment to a list of checkpoints: the root of a Merkle tree over their SHA-256 digests, hashed as in RFC 6962,
/// section 2.1. A leaf is the index (8 bytes, little-endian) and the digest of the checkpoint's bytes, so that a
/// checkpoint cannot stand for another place.
public struct TraceTree: Sendable {
    /// Digests of the checkpoints' bytes: the start, then one after each segment.
    public let checkpoints: [Digest]
    /// Hashes of leaves, then of each level above; a last one without a partner moves up unchanged.
    private let levels: [[Digest]]

    /// More than any client keeps.
    public static let largestCount = 1 << 24

    /// - Returns: nil for an empty or too long list.
    public init?(checkpoints: [Digest]) {
        guard 1...Self.largestCount ~= checkpoints.count else { return nil }
        self.checkpoints = checkpoints
        var levels = [checkpoints.enumerated().map { TraceHash.leaf($0, $1) }]
        while let level = levels.last, level.count > 1 {
            levels.append(
                stride(from: 0, to: level.count, by: 2).map { at in
                    at + 1 < level.count ? TraceHash.node(level[at], level[at + 1]) : level[at]
                })
        }
        self.levels = levels
    }

    /// What is committed to.
    public var commitment: TraceCommitment {
        TraceCommitment(root: levels[levels.count - 1][0], count: checkpoints.count)
    }

    /// The hashes below a node, for `TraceBisection`. - Parameter level: 1: right above the leaves.
    /// - Returns: nil when there is no such node with two below it.
    public func children(level: Int, index: Int) -> NodeOpening? {
        guard levels.indices.dropFirst().contains(level), 0..<levels[level].count ~= index,
            2 * index + 1 < levels[level - 1].count
        else { return nil }
        return NodeOpening(left: levels[level - 1][2 * index], right: levels[level - 1][2 * index + 1])
    }

    /// Nodes of a level of a tree over `count` leaves.
    static func width(_ count: Int, _ level: Int) -> Int { (count + (1 << level) - 1) >> level }

    /// The level of the root of a tree over `count` leaves.
    static func height(_ count: Int) -> Int {
        var level = 0
        while width(count, level) > 1 { level += 1 }
        return level
    }

    /// - Returns: nil when there is no such checkpoint.
    public func proof(_ index: Int) -> CheckpointProof? {
        guard checkpoints.indices.contains(index) else { return nil }
        var path: [Digest] = []
        var at = index
        for level in levels.dropLast() {
            let partner = at ^ 1
            if partner < level.count { path.append(level[partner]) }
            at >>= 1
        }
        return CheckpointProof(index: index, digest: checkpoints[index], path: path)
    }
}

/// The root over a trace of checkpoints, and how many there are. Stored before any challenge is drawn.
public struct TraceCommitment: Hashable, Sendable {
    public var root: Digest
    public var count: Int

    public init(root: Digest, count: Int) {
        self.root = root
        self.count = count
    }

    /// Segments between checkpoints.
    public var segments: Int { max(0, count - 1) }

    /// Whether the proof shows its checkpoint in the committed trace. Source: RFC 9162, section 2.1.3.2.
    public func contains(_ proof: CheckpointProof) -> Bool {
        guard 1...TraceTree.largestCount ~= count, 0..<count ~= proof.index else { return false }
        var (at, last) = (proof.index, count - 1)
        var hash = TraceHash.leaf(proof.index, proof.digest)
        for partner in proof.path {
            guard last > 0 else { return false }
            if at & 1 == 1 || at == last {
                hash = TraceHash.node(partner, hash)
                while at & 1 == 0 && at > 0 {
                    at >>= 1
                    last >>= 1
                }
            } else {
                hash = TraceHash.node(hash, partner)
            }
            at >>= 1
            last >>= 1
        }
        return last == 0 && hash == root
    }
}

/// One checkpoint of a committed trace with its audit path.
public struct CheckpointProof: Hashable, Sendable {
    public var index: Int
    /// SHA-256 of the checkpoint's bytes.
    public var digest: Digest
    /// Hashes of the partners, from the leaf upwards.
    public var path: [Digest]

    public init(index: Int, digest: Digest, path: [Digest]) {
        self.index = index
        self.digest = digest
        self.path = path
    }
}

/// Leaves and nodes are hashed with different first bytes, so that neither can stand for the other.
enum TraceHash {
    static func leaf(_ index: Int, _ checkpoint: Digest) -> Digest {
        var writer = ByteWriter(capacity: 41)
        writer.put(u8: 0)
        writer.put(u64: UInt64(truncatingIfNeeded: index))
        writer.put(bytes: checkpoint.bytes)
        return SHA256Hash.digest(of: writer.bytes)
    }

    static func node(_ left: Digest, _ right: Digest) -> Digest {
        SHA256Hash.digest(of: [1] + left.bytes + right.bytes)
    }
}
