/// Rows of a table as the transaction sees them: read once, changed here, and written together when it ends.
///
/// A row that is changed ten times in a group of calls is written once. What was changed since a savepoint can be taken
/// back. Rows stay from transaction to transaction; of two generations the older one goes when the younger is full.
@usableFromInline
package struct RowCache<Key: Hashable & Comparable & Sendable, Row: Sendable> {
    /// What the database has of a changed row.
    @usableFromInline
    package enum Stored {
        case known(Row)
        /// It was written in this transaction, and that may have been undone since.
        case unknown
    }

    @usableFromInline
    struct Change {
        @usableFromInline
        var key: Key
        /// nil: it was not in the table.
        @usableFromInline
        var row: Row?
        @usableFromInline
        var stored: Stored?

        @inlinable
        init(key: Key, row: Row?, stored: Stored?) {
            self.key = key
            self.row = row
            self.stored = stored
        }
    }

    @usableFromInline
    var young: [Key: Row] = [:]
    @usableFromInline
    var old: [Key: Row] = [:]
    @usableFromInline
    var dirty: [Key: Stored] = [:]
    @usableFromInline
    var changes: [Change] = []
    /// Rows that were written in this transaction before its end.
    @usableFromInline
    var written: Set<Key> = []
    @usableFromInline
    let generationMax: Int

    /// - Parameter rowsMax: rows kept, besides those that are changed and not written yet.
    @inlinable
    package init(rowsMax: Int) {
        generationMax = max(1, rowsMax / 2)
    }

    @inlinable
    package var dirtyCount: Int { dirty.count }
    /// So many rows must stay for the transaction that there is little room for others.
    @inlinable
    package var isCrowded: Bool { written.count + dirty.count >= max(1, generationMax / 2) }

    @inlinable
    package mutating func row(_ key: Key) -> Row? {
        if let row = young[key] { return row }
        guard let row = old.removeValue(forKey: key) else { return nil }
        if young.count >= generationMax { turn() }
        young[key] = row
        return row
    }

    /// Somebody else has changed the row in the table: it is read again when it is wanted. Between transactions only.
    @inlinable
    package mutating func drop(_ key: Key) {
        young[key] = nil
        old[key] = nil
    }

    /// A row as it was read.
    @inlinable
    package mutating func read(_ key: Key, _ row: Row) { keep(key, row) }

    /// A row that was not in the table before.
    @inlinable
    package mutating func inserted(_ key: Key) { changes.append(Change(key: key, row: nil, stored: nil)) }

    /// A row that is in the table no more. When that is undone it may have to be written as it was before.
    package mutating func removed(_ key: Key) {
        changes.append(Change(key: key, row: row(key), stored: .unknown))
        remove(key)
    }

    /// - Parameters:
    ///   - stored: the row before, which is in the database unless it was changed already.
    ///   - isStored: false when nobody knows what the database has.
    @inlinable
    package mutating func change(_ key: Key, to row: Row, from stored: Row, isStored: Bool = true) {
        let before = self.row(key) ?? stored
        let known = RowCache.fill(&dirty[key], isStored ? .known(stored) : .unknown)
        changes.append(Change(key: key, row: before, stored: known))
        keep(key, row)
    }

    /// - Returns: what was there already, and stays.
    @inlinable
    static func fill(_ place: inout Stored?, _ stored: Stored) -> Stored? {
        if let known = place { return known }
        place = stored
        return nil
    }

    /// What must be written, with what the database has of it, in order of keys, so that rows that lie together in the
    /// database are found together; afterwards nothing is changed any more.
    @inlinable
    package mutating func takeDirty() -> [(key: Key, row: Row, stored: Stored)] {
        let keys = dirty.keys.sorted()
        var all: [(key: Key, row: Row, stored: Stored)] = []
        all.reserveCapacity(keys.count)
        for key in keys {
            guard let row = row(key), let stored = dirty[key] else { continue }
            all.append((key, row, stored))
        }
        written.formUnion(keys)
        dirty.removeAll(keepingCapacity: true)
        return all
    }

    // MARK: Undo

    @inlinable
    package var mark: Int { changes.count }

    /// Takes back what was changed since `mark`; what was written since may be undone as well, so it is written again.
    @inlinable
    package mutating func undo(to mark: Int) {
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
    @inlinable
    package mutating func commit() {
        changes.removeAll(keepingCapacity: true)
        written.removeAll(keepingCapacity: true)
    }

    /// The transaction is lost.
    @inlinable
    package mutating func forget() {
        young.removeAll()
        old.removeAll()
        dirty.removeAll()
        commit()
    }

    @inlinable
    mutating func remove(_ key: Key) {
        young[key] = nil
        old[key] = nil
        dirty[key] = nil
        written.remove(key)
    }

    /// No row is in both generations.
    @inlinable
    mutating func keep(_ key: Key, _ row: Row) {
        if young.count >= generationMax, young[key] == nil { turn() }
        let count = young.count
        young[key] = row
        if young.count > count { old[key] = nil }
    }

    /// The younger generation becomes the older one.
    @usableFromInline
    mutating func turn() {
        // What may have to be written, for the first time or again, must not be dropped with its generation.
        let changed = written.union(dirty.keys).compactMap { key in (young[key] ?? old[key]).map { (key, $0) } }
        swap(&old, &young)
        young.removeAll(keepingCapacity: true)
        for (key, row) in changed {
            old[key] = nil
            young[key] = row
        }
    }
}
