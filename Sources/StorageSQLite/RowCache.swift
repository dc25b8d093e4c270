/// Rows of a table as the transaction sees them: read once, changed here, and written together when it ends.
///
/// A row that is changed ten times in a group of calls is written once. What was changed since a savepoint can be taken
/// back. Rows stay from transaction to transaction; of two generations the older one goes when the younger is full.
struct RowCache<Key: Hashable & Sendable, Row: Sendable> {
    /// What the database has of a changed row.
    enum Stored {
        case known(Row)
        /// It was written in this transaction, and that may have been undone since.
        case unknown
    }

    private struct Change {
        var key: Key
        /// nil: it was not in the table.
        var row: Row?
        var stored: Stored?
    }

    private var young: [Key: Row] = [:]
    private var old: [Key: Row] = [:]
    private var dirty: [Key: Stored] = [:]
    private var changes: [Change] = []
    /// Rows that were written in this transaction before its end.
    private var written: Set<Key> = []
    private let generationMax: Int

    /// - Parameter rowsMax: rows kept, besides those that are changed and not written yet.
    init(rowsMax: Int) {
        generationMax = max(1, rowsMax / 2)
    }

    var dirtyCount: Int { dirty.count }
    /// So many rows must stay for the transaction that there is little room for others.
    var isCrowded: Bool { written.count + dirty.count >= max(1, generationMax / 2) }

    mutating func row(_ key: Key) -> Row? {
        if let row = young[key] { return row }
        guard let row = old.removeValue(forKey: key) else { return nil }
        keep(key, row)
        return row
    }

    /// A row as it was read.
    mutating func read(_ key: Key, _ row: Row) { keep(key, row) }

    /// A row that was not in the table before.
    mutating func inserted(_ key: Key) { changes.append(Change(key: key, row: nil, stored: nil)) }

    /// A row that is in the table no more. When that is undone it may have to be written as it was before.
    mutating func removed(_ key: Key) {
        changes.append(Change(key: key, row: row(key), stored: .unknown))
        remove(key)
    }

    /// - Parameters:
    ///   - stored: the row before, which is in the database unless it was changed already.
    ///   - isStored: false when nobody knows what the database has.
    mutating func change(_ key: Key, to row: Row, from stored: Row, isStored: Bool = true) {
        changes.append(Change(key: key, row: self.row(key) ?? stored, stored: dirty[key]))
        if dirty[key] == nil { dirty[key] = isStored ? .known(stored) : .unknown }
        keep(key, row)
    }

    /// What must be written, with what the database has of it; afterwards nothing is changed any more.
    mutating func takeDirty() -> [(key: Key, row: Row, stored: Stored)] {
        let all = dirty.compactMap { key, stored in row(key).map { (key: key, row: $0, stored: stored) } }
        written.formUnion(dirty.keys)
        dirty.removeAll(keepingCapacity: true)
        return all
    }

    // MARK: Undo

    var mark: Int { changes.count }

    /// Takes back what was changed since `mark`; what was written since may be undone as well, so it is written again.
    mutating func undo(to mark: Int) {
        while changes.count > mark, let last = changes.popLast() {
            guard let row = last.row else {
                remove(last.key)
                continue
            }
            keep(last.key, row)
            dirty[last.key] = written.contains(last.key) ? .unknown : last.stored
        }
        for key in written { dirty[key] = .unknown }
    }

    /// The transaction is kept.
    mutating func commit() {
        changes.removeAll(keepingCapacity: true)
        written.removeAll(keepingCapacity: true)
    }

    /// The transaction is lost.
    mutating func forget() {
        young.removeAll()
        old.removeAll()
        dirty.removeAll()
        commit()
    }

    private mutating func remove(_ key: Key) {
        young[key] = nil
        old[key] = nil
        dirty[key] = nil
        written.remove(key)
    }

    private mutating func keep(_ key: Key, _ row: Row) {
        if young.count >= generationMax, young[key] == nil {
            // What may have to be written, for the first time or again, must not be dropped with its generation.
            let changed = written.union(dirty.keys).compactMap { key in (young[key] ?? old[key]).map { (key, $0) } }
            old = young
            young = [:]
            for (key, row) in changed {
                old[key] = nil
                young[key] = row
            }
        }
        old[key] = nil
        young[key] = row
    }
}
