import Domain

/// The right edge of a growing log: the roots of its largest complete subtrees, from left to right. It is all that is
/// needed to append, and to know the root: 32 bytes for each one in the binary number of leaves.
public struct Frontier: Hashable, Sendable {
    /// Leaves so far, 0 ... `LogLimits.sizeMax`.
    public private(set) var size: Int64
    /// One hash for each bit that is set in `size`, the highest bit (the largest subtree) first.
    public private(set) var peaks: [Digest]

    /// A log without leaves.
    public init() {
        size = 0
        peaks = []
    }

    /// - Returns: nil for a negative or too large size, or another count of peaks than it has bits.
    public init?(size: Int64, peaks: [Digest]) {
        guard (0...LogLimits.sizeMax).contains(size), peaks.count == size.nonzeroBitCount else { return nil }
        self.size = size
        self.peaks = peaks
    }

    /// Appends the hash of the next leaf.
    ///
    /// - Precondition: fewer than `LogLimits.sizeMax` leaves so far.
    public mutating func append(_ leaf: Digest) {
        precondition(size < LogLimits.sizeMax)
        var node = leaf
        for _ in 0..<(~size).trailingZeroBitCount {
            // A peak for each of the low one bits of the size is complete now.
            node = LogHash.node(peaks.removeLast(), node)
        }
        peaks.append(node)
        size += 1
    }

    /// The root at this size; `LogHash.empty` without leaves.
    public var root: Digest {
        guard var node = peaks.last else { return LogHash.empty }
        for peak in peaks.dropLast().reversed() { node = LogHash.node(peak, node) }
        return node
    }
}

/// Bounds of a log; readers check them before they allocate.
public enum LogLimits {
    /// Leaves in a log. The specifications allow 2^64; a decoder here refuses more than this.
    public static let sizeMax: Int64 = 1 << 62
    /// Bytes of one leaf: its length takes two bytes in an entry bundle.
    public static let leafBytesMax = 65_535
    /// Hashes in a tile, and leaves in an entry bundle.
    public static let tileWidth: Int64 = 256
    /// Hashes in a proof: one for each level, at most.
    public static let proofHashesMax = 63
    /// A signed note, in bytes and in signatures (C2SP demands at least 16).
    public static let noteBytesMax = 256 * 1024
    public static let noteSignaturesMax = 100
    /// A key name and an origin line, in bytes.
    public static let nameBytesMax = 256
    /// The largest file of a log: an entry bundle of 256 largest leaves.
    public static let fileBytesMax = 256 * (2 + leafBytesMax)
}
