import Domain

/// That a leaf stands at an index of the log of some size (RFC 6962 section 2.1.1, RFC 9162 section 2.1.3).
public struct InclusionProof: Hashable, Sendable {
    /// From 0.
    public var index: Int64
    /// Leaves in the log that the proof is about.
    public var size: Int64
    /// The sister of the leaf first, the child of the root last.
    public var hashes: [Digest]

    public init(index: Int64, size: Int64, hashes: [Digest]) {
        self.index = index
        self.size = size
        self.hashes = hashes
    }

    /// Makes the proof from stored hashes.
    ///
    /// - Throws: `.usage` for an index outside of the log; what the source throws.
    public init(of index: Int64, in size: Int64, from source: some NodeSource) throws(Fault) {
        guard size <= LogLimits.sizeMax, index >= 0, index < size else {
            throw Fault(.usage, "a log of \(size) leaves has no leaf \(index)")
        }
        var hashes: [Digest] = []
        var range = 0..<size
        while range.count > 1 {
            let middle = range.lowerBound + Split.left(of: Int64(range.count))
            if index < middle {
                hashes.append(try source.hash(of: middle..<range.upperBound))
                range = range.lowerBound..<middle
            } else {
                hashes.append(try source.hash(of: range.lowerBound..<middle))
                range = middle..<range.upperBound
            }
        }
        self.init(index: index, size: size, hashes: hashes.reversed())
    }

    /// How many hashes such a proof has. - Parameter index: 0 ..< size.
    static func count(of index: Int64, in size: Int64) -> Int {
        // Below the level where the paths to this leaf and to the last one meet, every level has a sister; above it,
        // only those at which the path turns right.
        let inner = 64 - (index ^ (size - 1)).leadingZeroBitCount
        return inner + (index >> inner).nonzeroBitCount
    }

    /// The root that follows from the leaf and the proof.
    ///
    /// - Throws: why the proof is no proof of this form.
    public func root(of leaf: Digest) throws(ProofRefusal) -> Digest {
        guard size > 0, size <= LogLimits.sizeMax, index >= 0, index < size else {
            throw .noSuchLeaf(index: index, size: size)
        }
        let expected = Self.count(of: index, in: size)
        if hashes.count < expected { throw .tooFewHashes(found: hashes.count, expected: expected) }
        if hashes.count > expected { throw .tooManyHashes(found: hashes.count, expected: expected) }
        var (at, last, node) = (index, size - 1, leaf)
        for hash in hashes {
            if at & 1 == 1 || at == last {
                node = LogHash.node(hash, node)
                // A right border without sisters: the same node stands for several levels.
                let lone = at & 1 == 1 ? 0 : at.trailingZeroBitCount
                at >>= lone
                last >>= lone
            } else {
                node = LogHash.node(node, hash)
            }
            at >>= 1
            last >>= 1
        }
        return node
    }

    /// - Parameter root: of the log of `size` leaves, from a signed checkpoint.
    public func verify(leaf: Digest, root: Digest) throws(ProofRefusal) {
        if try self.root(of: leaf) != root { throw .anotherRoot }
    }
}

/// Why a proof is refused.
public enum ProofRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Inclusion: the index is negative or not below the size.
    case noSuchLeaf(index: Int64, size: Int64)
    /// Consistency: the older log would be larger than the newer one, or a size is negative.
    case sizesReversed(old: Int64, new: Int64)
    case tooFewHashes(found: Int, expected: Int)
    case tooManyHashes(found: Int, expected: Int)
    /// Inclusion: leaf and proof give another root.
    case anotherRoot
    /// Consistency: the proof does not contain the older root.
    case anotherOldRoot
    /// Consistency: the proof does not lead to the newer root.
    case anotherNewRoot
    /// Consistency: two roots for one size.
    case twoRoots(size: Int64)

    public var description: String {
        switch self {
        case .noSuchLeaf(let index, let size): "a log of \(size) leaves has no leaf \(index)"
        case .sizesReversed(let old, let new): "a log of \(old) leaves cannot be the beginning of one of \(new)"
        case .tooFewHashes(let found, let expected): "\(found) hashes in a proof that needs \(expected)"
        case .tooManyHashes(let found, let expected): "\(found) hashes in a proof that has \(expected)"
        case .anotherRoot: "leaf and proof lead to another root than the checkpoint's"
        case .anotherOldRoot: "the proof does not contain the older root"
        case .anotherNewRoot: "the proof does not lead to the newer root"
        case .twoRoots(let size): "two different roots for the size \(size)"
        }
    }
}
