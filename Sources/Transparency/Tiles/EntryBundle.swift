import Domain

/// Up to 256 leaves one after another, each behind its length in two bytes, the higher one first (C2SP tlog-tiles).
public enum EntryBundle {
    /// - Throws: `.badData` for a leaf that is too long.
    public static func bytes(of entries: some Sequence<[UInt8]>) throws(Fault) -> [UInt8] {
        var bytes: [UInt8] = []
        for entry in entries {
            guard entry.count <= LogLimits.leafBytesMax else {
                throw Fault(.badData, "a leaf of \(entry.count) bytes; \(LogLimits.leafBytesMax) are allowed")
            }
            bytes.append(UInt8(entry.count >> 8))
            bytes.append(UInt8(entry.count & 255))
            bytes.append(contentsOf: entry)
        }
        return bytes
    }

    /// What can be read from the beginning of a file. A verifier wants to name the entry at which it goes wrong.
    public struct Reading: Hashable, Sendable {
        /// Those that are whole; at most `width`.
        public var entries: [ArraySlice<UInt8>]
        /// Bytes behind them.
        public var rest: Int
    }

    /// - Parameter width: entries wanted; what follows is `rest`.
    public static func read(_ bytes: [UInt8], width: Int) -> Reading {
        var entries: [ArraySlice<UInt8>] = []
        var at = 0
        while entries.count < width, bytes.count - at >= 2 {
            let count = Int(bytes[at]) << 8 | Int(bytes[at + 1])
            guard bytes.count - at - 2 >= count else { break }
            entries.append(bytes[at + 2..<at + 2 + count])
            at += 2 + count
        }
        return Reading(entries: entries, rest: bytes.count - at)
    }
}

/// The bytes of a tile of hashes.
enum HashTile {
    static func bytes(of hashes: some Sequence<Digest>) -> [UInt8] { hashes.flatMap(\.bytes) }

    /// - Returns: nil unless there are exactly `width` hashes.
    static func read(_ bytes: [UInt8], width: Int) -> [Digest]? {
        guard bytes.count == width * 32 else { return nil }
        return (0..<width).compactMap { Digest(bytes: bytes[$0 * 32..<($0 + 1) * 32]) }
    }
}
