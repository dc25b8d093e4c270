import Domain
import Synchronization

/// The public files of a log, wherever they lie: a folder, a web server, memory.
public protocol TileReader {
    /// - Parameter path: `checkpoint`, or what `TilePath.text` gives.
    /// - Returns: nil when there is no such file.
    /// - Throws: when it cannot be said: the disk fails, nobody answers, more than `LogLimits.fileBytesMax` bytes.
    func read(_ path: String) throws(Fault) -> [UInt8]?
}

/// Where a log writes its public files.
public protocol TileStore: TileReader {
    /// Writes a whole file, or leaves the old one: a reader never sees half of it.
    ///
    /// On return the file survives a power failure. Folders are made as needed.
    func write(_ path: String, _ bytes: [UInt8]) throws(Fault)

    /// Writes files, each as above; in which order they are there is not said. On return all survive a power failure.
    func write(_ files: [TileFile]) throws(Fault)
}

extension TileStore {
    public func write(_ files: [TileFile]) throws(Fault) {
        for file in files { try write(file.path, file.bytes) }
    }
}

extension TileReader {
    /// A tile, or the beginning of the full one: partial tiles may be deleted once the full one is there.
    func tile(_ path: TilePath) throws(Fault) -> (bytes: [UInt8], path: TilePath)? {
        if let bytes = try read(path.text) { return (bytes, path) }
        guard !path.isFull, let bytes = try read(path.full.text) else { return nil }
        return (bytes, path.full)
    }
}

/// The files in memory; for tests and simulations.
public final class MemoryTileStore: TileStore, Sendable {
    private let content: Mutex<[String: [UInt8]]>

    public init(_ files: [String: [UInt8]] = [:]) {
        content = Mutex(files)
    }

    /// All of it, by path.
    public var files: [String: [UInt8]] { content.withLock { $0 } }

    public func read(_ path: String) throws(Fault) -> [UInt8]? { content.withLock { $0[path] } }
    public func write(_ path: String, _ bytes: [UInt8]) throws(Fault) { content.withLock { $0[path] = bytes } }
    public func remove(_ path: String) { content.withLock { $0[path] = nil } }
}

/// Hashes of complete subtrees from the tiles of a log of some size. Proofs made of it are as good as the tiles:
/// verify them against a signed root.
public final class TileNodes<Reader: TileReader>: NodeSource {
    private let reader: Reader
    private let size: Int64
    private var kept: [TilePath: [Digest]] = [:]

    public init(_ reader: Reader, size: Int64) {
        self.reader = reader
        self.size = size
    }

    public func hash(level: Int, index: Int64) throws(Fault) -> Digest {
        guard level >= 0, level < 62, index >= 0, (index + 1) <= size >> Int64(level) else {
            throw Fault(.usage, "a log of \(size) leaves has no complete subtree \(index) at level \(level)")
        }
        // The hashes of a tile level lie 8 levels apart; between them they are made from those below.
        let tileLevel = level / 8
        let count = Int64(1) << Int64(level % 8)
        let first = index * count
        let hashes = try tile(tileLevel, first / LogLimits.tileWidth)
        let start = Int(first % LogLimits.tileWidth)
        guard start + Int(count) <= hashes.count else {
            throw Fault(.badData, "a tile of level \(tileLevel) is shorter than the log")
        }
        return LogHash.root(over: Array(hashes[start..<start + Int(count)]))
    }

    private func tile(_ level: Int, _ index: Int64) throws(Fault) -> [Digest] {
        guard let path = TileShape.tile(.hashes(level: level), index: index, size: size) else {
            throw Fault(.software, "a log of \(size) leaves has no tile \(index) at level \(level)")
        }
        if let hashes = kept[path] { return hashes }
        guard let (bytes, found) = try reader.tile(path) else {
            throw Fault(.noInput, "the file \(path.text) of the log is missing")
        }
        guard let hashes = HashTile.read(bytes, width: found.width) else {
            throw Fault(.badData, "the file \(found.text) of the log has \(bytes.count) bytes")
        }
        // A proof needs one tile of each level, or two.
        if kept.count >= 64 { kept = [:] }
        kept[path] = hashes
        return hashes
    }
}
