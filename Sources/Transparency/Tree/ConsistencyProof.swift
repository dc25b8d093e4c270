import Domain

/// That a log of one size is the beginning of the log of another (RFC 6962 section 2.1.2, RFC 9162 section 2.1.4).
public struct ConsistencyProof: Hashable, Sendable {
    public var oldSize: Int64
    public var newSize: Int64
    /// Empty when the sizes are equal, and for an older log without leaves, which is the beginning of every log.
    public var hashes: [Digest]

    public init(oldSize: Int64, newSize: Int64, hashes: [Digest]) {
        self.oldSize = oldSize
        self.newSize = newSize
        self.hashes = hashes
    }

    /// Makes the proof from stored hashes of the larger log.
    ///
    /// - Throws: `.usage` for sizes in the wrong order; what the source throws.
    public init(from oldSize: Int64, to newSize: Int64, from source: some NodeSource) throws(Fault) {
        guard oldSize >= 0, oldSize <= newSize, newSize <= LogLimits.sizeMax else {
            throw Fault(.usage, "a log of \(oldSize) leaves cannot be the beginning of one of \(newSize)")
        }
        var hashes: [Digest] = []
        for part in Self.parts(oldSize, newSize).reversed() { hashes.append(try source.hash(of: part)) }
        self.init(oldSize: oldSize, newSize: newSize, hashes: hashes)
    }

    /// The ranges of leaves whose hashes are the proof, the last one first: SUBPROOF of RFC 6962.
    private static func parts(_ oldSize: Int64, _ newSize: Int64) -> [Range<Int64>] {
        guard oldSize > 0, oldSize < newSize else { return [] }
        var parts: [Range<Int64>] = []
        var range = 0..<newSize
        while range.upperBound != oldSize {
            let middle = range.lowerBound + Split.left(of: Int64(range.count))
            if oldSize <= middle {
                parts.append(middle..<range.upperBound)
                range = range.lowerBound..<middle
            } else {
                parts.append(range.lowerBound..<middle)
                range = middle..<range.upperBound
            }
        }
        // A whole tree that begins at 0 is the older log itself, whose root the verifier has.
        if range.lowerBound > 0 { parts.append(range) }
        return parts
    }

    /// The two roots that follow from the proof.
    ///
    /// - Parameter oldRoot: needed when the older log is one complete tree: the proof then begins with it.
    /// - Throws: why the proof is no proof of this form.
    func roots(_ oldRoot: Digest) throws(ProofRefusal) -> (old: Digest, new: Digest) {
        try checkForm()
        guard oldSize > 0, oldSize < newSize else { return (oldRoot, oldRoot) }
        var (at, last) = (oldSize - 1, newSize - 1)
        let isComplete = oldSize & (oldSize - 1) == 0
        var rest = hashes[...]
        let first = isComplete ? oldRoot : rest.removeFirst()
        let skipped = (~at).trailingZeroBitCount
        at >>= skipped
        last >>= skipped
        var (old, new) = (first, first)
        for hash in rest {
            if at & 1 == 1 || at == last {
                old = LogHash.node(hash, old)
                new = LogHash.node(hash, new)
                // A right border without sisters: the same node stands for several levels.
                let lone = at & 1 == 1 ? 0 : at.trailingZeroBitCount
                at >>= lone
                last >>= lone
            } else {
                new = LogHash.node(new, hash)
            }
            at >>= 1
            last >>= 1
        }
        return (old, new)
    }

    private func checkForm() throws(ProofRefusal) {
        guard oldSize >= 0, oldSize <= newSize, newSize <= LogLimits.sizeMax else {
            throw .sizesReversed(old: oldSize, new: newSize)
        }
        let expected = Self.parts(oldSize, newSize).count
        if hashes.count < expected { throw .tooFewHashes(found: hashes.count, expected: expected) }
        if hashes.count > expected { throw .tooManyHashes(found: hashes.count, expected: expected) }
    }

    /// - Parameter oldRoot: of the log of `oldSize` leaves. - Parameter newRoot: of the log of `newSize` leaves.
    public func verify(oldRoot: Digest, newRoot: Digest) throws(ProofRefusal) {
        let found = try roots(oldRoot)
        // Every log begins with the one without leaves.
        if oldSize == 0, oldRoot != LogHash.empty { throw .anotherOldRoot }
        if oldSize == newSize, oldRoot != newRoot { throw .twoRoots(size: oldSize) }
        guard oldSize > 0, oldSize < newSize else { return }
        if found.new != newRoot { throw .anotherNewRoot }
        if found.old != oldRoot { throw .anotherOldRoot }
    }
}
