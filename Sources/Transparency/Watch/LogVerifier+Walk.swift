import Domain

/// The walk from a confirmed hash down to the leaves.
extension LogVerifier {
    /// Checks a full tile, and everything below it.
    ///
    /// - Parameter expected: its root, which is confirmed.
    mutating func check(
        _ level: Int, _ index: Int64, _ expected: Digest, _ leaf: (Int64, ArraySlice<UInt8>) -> Void
    ) throws(Fault) {
        let path = TilePath(.hashes(level: level), index: index)
        let bytes = try reader.read(path.text)
        let stored = bytes.flatMap { HashTile.read($0, width: path.width) }
        var hashes = stored
        if stored.map({ LogHash.root(over: $0) }) != expected {
            let right = try edge(of: path.leaves).flatMap { $0.partial.count == level + 2 ? $0.tile : nil }
            let isRight = right.map { LogHash.root(over: $0) } == expected
            if bytes == nil {
                let (first, last) = (path.leaves.lowerBound, path.leaves.upperBound - 1)
                report.add(.missing(path: path.text, first: first, last: last))
            } else {
                let place = isRight ? stored.flatMap { zip($0, right ?? []).firstDifference } : nil
                report.add(.tile(path: path.text, hash: place))
            }
            if isRight {
                hashes = right
            } else {
                report.add(.leaves(first: path.leaves.lowerBound, last: path.leaves.upperBound - 1))
            }
        }
        // A tile that is wrong together with its leaves is no measure, but where they part is worth knowing.
        guard let hashes else { return }
        if level == 0 { return try checkBundle(index, hashes, leaf) }
        for (at, hash) in hashes.enumerated() {
            try check(level - 1, index * LogLimits.tileWidth + Int64(at), hash, leaf)
        }
    }

    /// Checks the leaves of a bundle. - Parameter hashes: theirs, confirmed; as many as the log has there.
    mutating func checkBundle(
        _ index: Int64, _ hashes: [Digest], _ leaf: (Int64, ArraySlice<UInt8>) -> Void
    ) throws(Fault) {
        let path = TilePath(.entries, index: index, width: hashes.count)
        let first = path.leaves.lowerBound
        guard let (bytes, found) = try reader.tile(path) else {
            report.add(.missing(path: path.text, first: first, last: path.leaves.upperBound - 1))
            return
        }
        // One more than there should be, to tell an added leaf from a changed one.
        let reading = EntryBundle.read(bytes, width: hashes.count + 1)
        let here = reading.entries.map { LogHash.leaf($0) }
        for (at, hash) in hashes.enumerated() {
            if at < here.count, here[at] == hash {
                report.leavesConfirmed += 1
                leaf(first + Int64(at), reading.entries[at])
                continue
            }
            let change = Self.change(at, here, hashes, rest: reading.rest)
            report.add(.leaf(first + Int64(at), change))
            // A leaf that was changed in its place moves no other; else nothing behind it can be told apart.
            guard change == .changed, here.count == hashes.count, reading.rest == 0 else { return }
        }
        // In a full bundle that stands for a partial one, others may follow.
        let isLonger = here.count > hashes.count || reading.rest > 0
        if found == path, isLonger { report.add(.leaf(path.leaves.upperBound, .added)) }
    }

    /// What happened to the first leaf that is not the signed one.
    private static func change(_ at: Int, _ here: [Digest], _ signed: [Digest], rest: Int) -> LogFinding.Change {
        if at == here.count { return rest == 0 ? .removed : .changed }
        if at + 1 < here.count, here[at + 1] == signed[at] { return .added }
        if at + 1 < signed.count, here[at] == signed[at + 1] { return .removed }
        return .changed
    }

    /// What the leaves of a range give, without any tile. - Parameter range: begins at a full tile of its size.
    /// - Returns: nil when a bundle is missing or cannot be read to its end.
    func edge(of range: Range<Int64>) throws(Fault) -> LeafEdge? {
        var edge = LogEdge()
        var tile: [Digest] = []
        var index = range.lowerBound / LogLimits.tileWidth
        while index * LogLimits.tileWidth < range.upperBound {
            guard let path = TileShape.tile(.entries, index: index, size: range.upperBound),
                let (bytes, found) = try reader.tile(path)
            else { return nil }
            let reading = EntryBundle.read(bytes, width: path.width)
            guard reading.entries.count == path.width, found != path || reading.rest == 0 else { return nil }
            for entry in reading.entries { edge.append(LogHash.leaf(entry)) { _, _, hashes in tile = hashes } }
            index += 1
        }
        return LeafEdge(partial: edge.partial, tile: tile)
    }
}

/// The right edge of some leaves, recomputed.
struct LeafEdge {
    var partial: [[Digest]]
    /// The highest full tile; empty when there is none.
    var tile: [Digest]

    var root: Digest { LogEdge.root(partial) }
}
