import Domain

/// The name of a file of a log (C2SP tlog-tiles): hashes of some level, or entries.
public struct TilePath: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// 256 hashes of complete subtrees of 256^level leaves; level 0 has the hashes of the leaves. 0 ... 7 here.
        case hashes(level: Int)
        /// The leaves themselves.
        case entries
    }

    public var kind: Kind
    /// The place among the tiles of its level, from 0.
    public var index: Int64
    /// Hashes or entries in it: 256, or fewer in the last tile of a level.
    public var width: Int

    /// The name of the one file that changes.
    public static let checkpoint = "checkpoint"

    /// - Parameter width: 1 ... 256.
    public init(_ kind: Kind, index: Int64, width: Int = Int(LogLimits.tileWidth)) {
        self.kind = kind
        self.index = index
        self.width = width
    }

    public var isFull: Bool { width == LogLimits.tileWidth }

    /// The same place when it is full.
    public var full: TilePath { TilePath(kind, index: index) }

    /// For example `tile/0/x001/x234/067.p/5`.
    public var text: String {
        let folder =
            switch kind {
            case .hashes(let level): "\(level)"
            case .entries: "entries"
            }
        var (rest, parts) = (index / 1000, [Self.threeDigits(index % 1000)])
        while rest > 0 {
            parts.insert("x" + Self.threeDigits(rest % 1000), at: 0)
            rest /= 1000
        }
        return "tile/\(folder)/\(parts.joined(separator: "/"))" + (isFull ? "" : ".p/\(width)")
    }

    private static func threeDigits(_ value: Int64) -> String {
        String("00\(value)".suffix(3))
    }

    /// - Returns: nil for any text but the one that `text` gives.
    public init?(_ text: some StringProtocol) {
        var parts: [String] = text.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
        guard parts.count >= 3, parts[0] == "tile" else { return nil }
        var width = LogLimits.tileWidth
        if let head = parts.dropLast().last, head.hasSuffix(".p") {
            guard let partial = Decimal.value(parts[parts.count - 1]), (1..<LogLimits.tileWidth).contains(partial)
            else { return nil }
            width = partial
            parts.removeLast()
            parts[parts.count - 1] = String(head.dropLast(2))
        }
        let kind: Kind
        if parts[1] == "entries" {
            kind = .entries
        } else {
            guard let level = Decimal.value(parts[1]), (0...7).contains(level) else { return nil }
            kind = .hashes(level: Int(level))
        }
        var index: Int64 = 0
        for (at, part) in parts.dropFirst(2).enumerated() {
            let digits = at == parts.count - 3 ? part[...] : part.dropFirst()
            guard at == parts.count - 3 || part.first == "x", digits.utf8.count == 3,
                digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int64(digits),
                index <= LogLimits.sizeMax / 1000
            else { return nil }
            index = index * 1000 + value
        }
        self.init(kind, index: index, width: Int(width))
        guard self.text == text else { return nil }
    }

    /// The leaves whose hashes, or which themselves, are in it.
    public var leaves: Range<Int64> {
        let level =
            switch kind {
            case .hashes(let level): level
            case .entries: 0
            }
        let each = TileShape.leaves(perHashAt: level)
        let first = index * LogLimits.tileWidth
        return first * each..<(first + Int64(width)) * each
    }
}

/// How many tiles a log of some size has.
public enum TileShape {
    /// Leaves under one hash of a level: 256^level. - Parameter level: 0 ... 7.
    public static func leaves(perHashAt level: Int) -> Int64 { 1 << Int64(8 * level) }

    /// Hashes of complete subtrees at a level.
    public static func hashes(at level: Int, size: Int64) -> Int64 { size >> Int64(8 * level) }

    /// Hashes in the partial tile of a level; 0 when there is none.
    public static func partialWidth(at level: Int, size: Int64) -> Int {
        Int(hashes(at: level, size: size) % LogLimits.tileWidth)
    }

    /// Levels that have at least one hash; 0 for a log without leaves.
    public static func levels(size: Int64) -> Int {
        (0...7).first { hashes(at: $0, size: size) == 0 } ?? 8
    }

    /// The tile of a level with this place, at this size. - Returns: nil when the log is not that large.
    public static func tile(_ kind: TilePath.Kind, index: Int64, size: Int64) -> TilePath? {
        let level =
            switch kind {
            case .hashes(let level): level
            case .entries: 0
            }
        let width = min(hashes(at: level, size: size) - index * LogLimits.tileWidth, LogLimits.tileWidth)
        return width > 0 ? TilePath(kind, index: index, width: Int(width)) : nil
    }
}
