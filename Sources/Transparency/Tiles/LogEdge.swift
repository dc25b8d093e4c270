import Bytes
import Domain

/// What a publisher keeps of the log between two publications: the hashes of the last, incomplete tile of each level.
/// At most 8 KiB for each level; 4 levels hold four thousand million leaves.
public struct LogEdge: Hashable, Sendable {
    /// Leaves published so far.
    public internal(set) var size: Int64
    /// By level, the hashes of its partial tile: `TileShape.partialWidth(at:size:)` of them.
    package internal(set) var partial: [[Digest]]

    /// Of a log without leaves.
    public init() {
        size = 0
        partial = []
    }

    /// The first leaf that the next publication needs: the beginning of the last, incomplete entry bundle.
    public var firstLeaf: Int64 { size - size % LogLimits.tileWidth }

    /// The root at this size.
    public var root: Digest { Self.root(partial) }

    /// The partial tiles, from the highest level to the lowest, are the whole tree.
    static func root(_ partial: [[Digest]]) -> Digest {
        var root: Digest?
        for hashes in partial {
            for peak in peaks(hashes).reversed() { root = root.map { LogHash.node(peak, $0) } ?? peak }
        }
        return root ?? LogHash.empty
    }

    private static func peaks(_ hashes: [Digest]) -> [Digest] {
        var frontier = Frontier()
        for hash in hashes { frontier.append(hash) }
        return frontier.peaks
    }

    /// Appends a leaf's hash. - Parameter tile: told each tile that is complete now, lowest level first.
    mutating func append(_ leaf: Digest, tile: (_ level: Int, _ index: Int64, _ hashes: [Digest]) -> Void) {
        size += 1
        var (level, hash) = (0, leaf)
        while true {
            if level == partial.count { partial.append([]) }
            partial[level].append(hash)
            guard partial[level].count == LogLimits.tileWidth else { return }
            tile(level, TileShape.hashes(at: level + 1, size: size) - 1, partial[level])
            hash = LogHash.root(over: partial[level])
            partial[level] = []
            level += 1
        }
    }

    /// The bytes of a partial tile as it was when it had fewer hashes.
    /// - Parameter width: 1 ... the hashes that the level's partial tile has now.
    public func partialTile(level: Int, width: Int) -> [UInt8] { HashTile.bytes(of: partial[level].prefix(width)) }

    /// Appends a leaf whose tiles are there already.
    public mutating func append(_ leaf: [UInt8]) { append(LogHash.leaf(leaf)) { _, _, _ in } }

    /// For the database: the size in 8 bytes, little-endian, and the hashes by level.
    public var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.put(i64: size)
        for hashes in partial { writer.put(bytes: HashTile.bytes(of: hashes)) }
        return writer.bytes
    }

    /// - Throws: `.badData` for bytes that `bytes` never gives.
    public init(_ bytes: [UInt8]) throws(Fault) {
        let broken = Fault(.badData, "the stored edge of the log cannot be read")
        var reader = ByteReader(bytes)
        do throws(ByteReaderError) {
            size = try reader.readI64()
            guard (0...LogLimits.sizeMax).contains(size) else { throw .truncated(wanted: 0, remaining: 0) }
            partial = []
            for level in 0..<TileShape.levels(size: size) {
                let width = TileShape.partialWidth(at: level, size: size)
                partial.append(HashTile.read(try reader.readBytes(width * 32), width: width) ?? [])
            }
            try reader.expectEnd()
        } catch { throw broken }
    }
}

/// What a publisher keeps, with the epoch of the log that it belongs to: 1 for the first, one more each time that an
/// admin began a new log because the old one could not be gone on with.
public struct StoredEdge: Hashable, Sendable {
    /// 1 or more.
    public var epoch: Int64
    public var edge: LogEdge

    /// - Parameter epoch: 1 or more.
    public init(epoch: Int64 = 1, _ edge: LogEdge = LogEdge()) {
        precondition(epoch >= 1)
        self.epoch = epoch
        self.edge = edge
    }

    /// For the database: of a later epoch its negative number in 8 bytes, little-endian, then `LogEdge.bytes`.
    public var bytes: [UInt8] {
        guard epoch > 1 else { return edge.bytes }
        var writer = ByteWriter()
        writer.put(i64: -epoch)
        writer.put(bytes: edge.bytes)
        return writer.bytes
    }

    /// The epoch alone, which may be there when the rest is not.
    /// - Returns: 1 for bytes that tell of none.
    public static func epoch(of bytes: [UInt8]) -> Int64 {
        var reader = ByteReader(bytes)
        guard let first = try? reader.readI64(), first < -1, first != .min else { return 1 }
        return -first
    }

    /// - Throws: `.badData` for bytes that `bytes` never gives.
    public init(_ bytes: [UInt8]) throws(Fault) {
        epoch = Self.epoch(of: bytes)
        edge = try LogEdge(epoch > 1 ? Array(bytes.dropFirst(8)) : bytes)
    }
}
