import Domain

/// Hashes of complete subtrees, wherever they lie: tiles, memory, a database.
public protocol NodeSource {
    /// The Merkle tree hash of the leaves `index << level ..< (index + 1) << level`.
    ///
    /// - Parameter level: 0 for the hash of a leaf, up to 62.
    /// - Throws: a fault when the hash is not there or cannot be read.
    func hash(level: Int, index: Int64) throws(Fault) -> Digest
}

extension NodeSource {
    /// The Merkle tree hash of a range of leaves, as RFC 6962 cuts trees: into the largest complete tree and the rest.
    ///
    /// - Parameter range: not empty, and its beginning a multiple of the power of two not below its length.
    public func hash(of range: Range<Int64>) throws(Fault) -> Digest {
        let count = Int64(range.count)
        if count & (count - 1) == 0 {
            return try hash(level: count.trailingZeroBitCount, index: range.lowerBound / count)
        }
        let middle = range.lowerBound + Split.left(of: count)
        return LogHash.node(try hash(of: range.lowerBound..<middle), try hash(of: middle..<range.upperBound))
    }

    /// The root at some size, for example of an older checkpoint. - Parameter size: 0 or more.
    public func root(at size: Int64) throws(Fault) -> Digest {
        size == 0 ? LogHash.empty : try hash(of: 0..<size)
    }
}

/// Where RFC 6962 cuts a tree.
enum Split {
    /// The largest power of two below `count`. - Parameter count: 2 or more.
    static func left(of count: Int64) -> Int64 { 1 << (63 - (count - 1).leadingZeroBitCount) }
}

/// All leaf hashes in memory: for small logs and as a reference in tests.
public struct MemoryNodes: NodeSource, Sendable {
    public private(set) var leaves: [Digest]

    public init(_ leaves: [Digest] = []) {
        self.leaves = leaves
    }

    public mutating func append(_ leaf: Digest) { leaves.append(leaf) }

    public func hash(level: Int, index: Int64) throws(Fault) -> Digest {
        guard level >= 0, level < 62, index >= 0, index < Int64(leaves.count) >> level else {
            throw Fault(.badData, "the log has no complete subtree \(index) at level \(level)")
        }
        if level == 0 { return leaves[Int(index)] }
        return LogHash.node(
            try hash(level: level - 1, index: index * 2), try hash(level: level - 1, index: index * 2 + 1))
    }
}
