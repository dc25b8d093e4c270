import Domain

/// Recomputes a log from its public files alone, and names what is wrong.
///
/// The signed root is what is believed. Hashes are confirmed from it downwards: the partial tiles together are the
/// root, each of their hashes is a full tile, and so on to the leaves. Where a tile is wrong it is recomputed from the
/// leaves below: if that leads to the confirmed hash above, only the tile was changed, else the leaves as well.
public struct LogVerifier<Reader: TileReader> {
    let reader: Reader
    private let key: NoteKey
    private let kept: SignedCheckpoint?
    var report = LogReport()

    /// - Parameter kept: a checkpoint of the same log from an earlier day, to find a rollback and a rewritten past.
    public init(_ reader: Reader, key: NoteKey, kept: SignedCheckpoint? = nil) {
        self.reader = reader
        self.key = key
        self.kept = kept
    }

    /// Reads everything once, in order.
    ///
    /// - Parameter leaf: told each leaf that is confirmed, with its index.
    /// - Throws: what the reader throws. What is wrong with the log is in the report.
    public mutating func run(
        leaf: (_ index: Int64, _ bytes: ArraySlice<UInt8>) -> Void = { _, _ in }
    ) throws(Fault) -> LogReport {
        report = LogReport()
        guard let bytes = try reader.read(TilePath.checkpoint) else {
            report.add(.noCheckpoint)
            return report
        }
        let signed: SignedCheckpoint
        do throws(NoteRefusal) { signed = try SignedCheckpoint(bytes, key: key) } catch {
            report.add(.badCheckpoint(error))
            return report
        }
        report.checkpoint = signed
        try compare(signed)
        if let edges = try confirmedEdges(signed) {
            for level in edges.indices.reversed() {
                let first = TileShape.hashes(at: level, size: signed.size) - Int64(edges[level].count)
                if level == 0 {
                    if !edges[0].isEmpty { try checkBundle(first / LogLimits.tileWidth, edges[0], leaf) }
                    continue
                }
                for (at, hash) in edges[level].enumerated() {
                    try check(level - 1, first + Int64(at), hash, leaf)
                }
            }
        }
        return report
    }

    /// Compares with the checkpoint of an earlier day.
    private mutating func compare(_ now: SignedCheckpoint) throws(Fault) {
        guard let kept, let evidence = try Evidence(kept: kept, served: now, files: reader) else { return }
        if let root = evidence.oldRoot {
            report.add(.forked(size: kept.size, seen: kept.root, now: root))
        } else {
            report.add(.rolledBack(seen: kept.size, now: now.size))
        }
        report.evidence = evidence
    }

    /// The hashes of the partial tiles, by level, that lead to the signed root. - Returns: nil when none do.
    private mutating func confirmedEdges(_ signed: SignedCheckpoint) throws(Fault) -> [[Digest]]? {
        let size = signed.size
        var stored: [[Digest]?] = []
        for level in 0..<TileShape.levels(size: size) { stored.append(try partialTile(level, size)) }
        let whole = stored.compactMap { $0 }
        if whole.count == stored.count, LogEdge.root(whole) == signed.root { return whole }
        guard let leaves = try edge(of: 0..<size) else {
            return try unconfirmed(signed, found: nil)
        }
        // Which partial tiles must be wrong, if the leaves are right? The fewest that explain it.
        let masks = (0..<1 << stored.count).sorted { ($0.nonzeroBitCount, $0) < ($1.nonzeroBitCount, $1) }
        for mask in masks {
            var edges: [[Digest]] = []
            for (level, hashes) in stored.enumerated() {
                guard let hashes = mask >> level & 1 == 1 ? leaves.partial[level] : hashes else { break }
                edges.append(hashes)
            }
            guard edges.count == stored.count, LogEdge.root(edges) == signed.root else { continue }
            for level in edges.indices.reversed() where mask >> level & 1 == 1 {
                try addPartialTile(level, size, stored[level], edges[level])
            }
            return edges
        }
        return try unconfirmed(signed, found: leaves.root)
    }

    /// A partial tile or the beginning of the full one. - Returns: empty when the level has none at this size, nil when
    /// it cannot be read.
    private func partialTile(_ level: Int, _ size: Int64) throws(Fault) -> [Digest]? {
        let width = TileShape.partialWidth(at: level, size: size)
        guard width > 0 else { return [] }
        let index = TileShape.hashes(at: level, size: size) / LogLimits.tileWidth
        let path = TilePath(.hashes(level: level), index: index, width: width)
        guard let (bytes, found) = try reader.tile(path), let hashes = HashTile.read(bytes, width: found.width)
        else { return nil }
        return Array(hashes.prefix(width))
    }

    private mutating func addPartialTile(
        _ level: Int, _ size: Int64, _ stored: [Digest]?, _ right: [Digest]
    ) throws(Fault) {
        let index = TileShape.hashes(at: level, size: size) / LogLimits.tileWidth
        let path = TilePath(.hashes(level: level), index: index, width: right.count)
        if try reader.tile(path) == nil {
            report.add(.missing(path: path.text, first: path.leaves.lowerBound, last: path.leaves.upperBound - 1))
        } else {
            report.add(.tile(path: path.text, hash: stored.flatMap { zip($0, right).firstDifference }))
        }
    }

    /// Nothing leads to the signed root: says where leaves and their tiles part, or that they agree among themselves.
    private mutating func unconfirmed(_ signed: SignedCheckpoint, found: Digest?) throws(Fault) -> [[Digest]]? {
        let before = report.findingsTotal
        var index: Int64 = 0
        while let path = TileShape.tile(.hashes(level: 0), index: index, size: signed.size) {
            if let (bytes, tile) = try reader.tile(path), let hashes = HashTile.read(bytes, width: tile.width) {
                try checkBundle(index, Array(hashes.prefix(path.width))) { _, _ in }
            } else {
                report.add(.missing(path: path.text, first: path.leaves.lowerBound, last: path.leaves.upperBound - 1))
            }
            index += 1
        }
        report.leavesConfirmed = 0
        if let found, report.findingsTotal == before {
            report.add(.wrongRoot(size: signed.size, signed: signed.root, found: found))
        } else {
            report.add(.unconfirmed(size: signed.size))
        }
        return nil
    }
}

extension Zip2Sequence where Sequence1 == [Digest], Sequence2 == [Digest] {
    /// Where the two differ first; nil when they do not.
    var firstDifference: Int? { enumerated().first { $0.element.0 != $0.element.1 }?.offset }
}
