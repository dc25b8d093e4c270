import Domain

/// A file to write.
public struct TileFile: Hashable, Sendable {
    public var path: String
    public var bytes: [UInt8]

    public init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }
}

/// A publication: the files, the checkpoint that is written when they are there, and what to keep afterwards.
public struct Publication: Sendable {
    /// Entry bundles, then tiles. None is changed by writing it again.
    public var files: [TileFile]
    public var edge: LogEdge
    public var checkpoint: SignedCheckpoint
}

/// Makes the public files of a log from its leaves. It decides; a `TileStore` writes.
///
/// A publisher does, after the transaction that appended leaves has been committed:
///
/// 1. read the stored `LogEdge` (none: `LogEdge()`), and the leaves from `edge.firstLeaf` on;
/// 2. `publish` them;
/// 3. store the new edge.
///
/// A crash at any point is repaired by doing it again: with the same leaves it gives the same files, with more leaves
/// a later checkpoint, and what was published stays as it is, since full tiles never change and partial tiles of
/// another width are other files.
public struct TileWriter: Sendable {
    private let signer: NoteSigner

    /// - Parameter signer: of the kind `.ed25519`; its name is the log's origin.
    public init(signer: NoteSigner) {
        self.signer = signer
    }

    /// - Parameter leaves: all from `edge.firstLeaf` on: those of the incomplete bundle again, then the new ones.
    /// - Parameter published: the checkpoint that the public has; nil before the first.
    /// - Throws: `.badData` when a leaf that was published is another one now, when leaves that were published are
    ///   missing, or when a leaf is too long. Then nothing may be written: the database was changed.
    public func plan(
        _ leaves: [[UInt8]], from edge: LogEdge, published: SignedCheckpoint?
    ) throws(Fault) -> Publication {
        try check(leaves, edge, published)
        if published?.size == edge.size { try Self.expect(published, edge) }
        let (files, next) = try Self.files(of: leaves, from: edge) { (next) throws(Fault) in
            if published?.size == next.size { try Self.expect(published, next) }
        }
        let checkpoint = try sign(next)
        return Publication(files: files, edge: next, checkpoint: checkpoint)
    }

    /// The bundles, then the tiles, that leaves give; no checkpoint. The same leaves from the same edge always give the
    /// same bytes.
    ///
    /// - Parameter leaves: all from `edge.firstLeaf` on. - Parameter appended: told the edge behind each new leaf.
    /// - Throws: `.badData` for a leaf that is too long; what `appended` throws.
    public static func files(
        of leaves: [[UInt8]], from edge: LogEdge, appended: (LogEdge) throws(Fault) -> Void = { _ throws(Fault) in }
    ) throws(Fault) -> (files: [TileFile], edge: LogEdge) {
        var (next, tiles, files) = (edge, [TileFile](), [TileFile]())
        let old = Int(edge.size - edge.firstLeaf)
        for leaf in leaves.dropFirst(old) {
            next.append(LogHash.leaf(leaf)) { level, index, hashes in
                let path = TilePath(.hashes(level: level), index: index)
                tiles.append(TileFile(path: path.text, bytes: HashTile.bytes(of: hashes)))
            }
            try appended(next)
        }
        let width = Int(LogLimits.tileWidth)
        for start in stride(from: 0, to: leaves.count, by: width) {
            let entries = leaves[start..<min(start + width, leaves.count)]
            // Nothing new in the bundle that was incomplete.
            if start + entries.count <= old { continue }
            let index = (edge.firstLeaf + Int64(start)) / LogLimits.tileWidth
            let path = TilePath(.entries, index: index, width: entries.count)
            files.append(TileFile(path: path.text, bytes: try EntryBundle.bytes(of: entries)))
        }
        guard next.size > edge.size else { return (files + tiles, next) }
        for (level, hashes) in next.partial.enumerated() where !hashes.isEmpty {
            let index = TileShape.hashes(at: level, size: next.size) / LogLimits.tileWidth
            let path = TilePath(.hashes(level: level), index: index, width: hashes.count)
            tiles.append(TileFile(path: path.text, bytes: HashTile.bytes(of: hashes)))
        }
        return (files + tiles, next)
    }

    /// Plans and writes. Does nothing when the store's checkpoint has all the leaves already; so the lines of
    /// witnesses under it stay.
    ///
    /// - Returns: the edge to store. - Throws: as `plan`, what the store throws, and `.badData` for a checkpoint in
    ///   the store that this log has not signed.
    public func publish(
        _ leaves: [[UInt8]], from edge: LogEdge, to store: some TileStore
    ) throws(Fault) -> LogEdge {
        var published: SignedCheckpoint?
        if let bytes = try store.read(TilePath.checkpoint) {
            do throws(NoteRefusal) { published = try SignedCheckpoint(bytes, key: signer.key) } catch {
                throw Fault(
                    .badData, "the published checkpoint is not this log's: \(error)",
                    advice: "Nothing was written. Was the folder, or the key, exchanged?")
            }
        }
        let publication = try plan(leaves, from: edge, published: published)
        if published?.size == publication.edge.size { return publication.edge }
        try store.write(publication.files)
        // Only now is there what it names.
        try store.write(TilePath.checkpoint, publication.checkpoint.note.bytes)
        return publication.edge
    }

    /// That the leaves of the incomplete bundle are those that were published, and that none is missing.
    private func check(_ leaves: [[UInt8]], _ edge: LogEdge, _ published: SignedCheckpoint?) throws(Fault) {
        let advice = "Nothing was written. Was the database changed by hand, or restored from an old copy?"
        let known = edge.partial.first ?? []
        for (at, leaf) in leaves.enumerated() {
            let index = edge.firstLeaf + Int64(at)
            guard leaf.count <= LogLimits.leafBytesMax else {
                throw Fault(.badData, "leaf \(index) has \(leaf.count) bytes; \(LogLimits.leafBytesMax) are allowed")
            }
            if at < known.count, LogHash.leaf(leaf) != known[at] {
                throw Fault(.badData, "leaf \(index) of the log is not the one that was published", advice: advice)
            }
        }
        let size = edge.firstLeaf + Int64(leaves.count)
        if size < edge.size {
            throw Fault(.badData, "the log has \(size) leaves; \(edge.size) were published", advice: advice)
        }
        guard let published else {
            guard edge.size > 0 else { return }
            throw Fault(
                .badData, "there is no published checkpoint, although \(edge.size) leaves were published",
                advice: "To write all files again, publish all leaves from an empty edge.")
        }
        if size < published.size {
            throw Fault(.badData, "the log has \(size) leaves; \(published.size) were published", advice: advice)
        }
        if published.size < edge.size {
            throw Fault(
                .badData, "the published checkpoint has \(published.size) leaves; \(edge.size) were published before",
                advice: "Nothing was written. Was the folder restored from an old copy?")
        }
    }

    private static func expect(_ published: SignedCheckpoint?, _ edge: LogEdge) throws(Fault) {
        guard let published, published.root != edge.root else { return }
        throw Fault(
            .badData, "the first \(published.size) leaves of the log are not those of the published checkpoint",
            advice: "Nothing was written. Was the database changed by hand, or restored from an old copy?")
    }

    /// The checkpoint of a log that is as its edge says. - Throws: `.software` when it cannot be signed.
    public func sign(_ edge: LogEdge) throws(Fault) -> SignedCheckpoint {
        do throws(NoteRefusal) {
            let checkpoint = Checkpoint(origin: signer.key.name, size: edge.size, root: edge.root)
            return try SignedCheckpoint(checkpoint, signer: signer)
        } catch {
            throw Fault(.software, "the checkpoint of the log cannot be signed: \(error)")
        }
    }
}
