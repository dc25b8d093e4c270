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
