import Domain
import Storage

private enum LogSQL {
    static let next = Query("SELECT coalesce(max(position), -1) + 1 FROM log_leaf")
    static let insert = Query("INSERT INTO log_leaf (position, leaf) VALUES (?, ?)")
    static let page = Query("SELECT leaf FROM log_leaf WHERE position >= ? ORDER BY position LIMIT ?")
    static let edge = Query("SELECT edge FROM log_edge WHERE id = 1")
    static let saveEdge = Query(
        "INSERT INTO log_edge (id, edge) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET edge = ?1")
}

extension SQLiteTransaction {
    func appendLogLeaf(_ leaf: [UInt8]) throws -> Int64 {
        let position = try logLeafCount()
        appended.append(leaf: leaf, at: position)
        return position
    }

    func logLeafCount() throws -> Int64 {
        try alive()
        if let next = appended.nextLeaf { return next }
        let next = try connection.first(LogSQL.next) { $0.integer() } ?? 0
        appended.nextLeaf = next
        return next
    }

    func writeLeaves(_ leaves: ArraySlice<[UInt8]>) throws {
        guard let next = appended.nextLeaf else { return }
        for (at, leaf) in leaves.enumerated() {
            try write(LogSQL.insert) {
                $0.integer(next - Int64(leaves.count - at))
                $0.blob(leaf)
            }
        }
    }

    func logLeaves(from index: Int64, limit: Int) throws -> [[UInt8]] {
        try alive()
        if appended.leaves.isEmpty, let known = recentLeaves.page(from: index, limit: limit) { return known }
        try settle()
        return try connection.all(
            LogSQL.page,
            {
                $0.integer(max(index, 0))
                $0.integer(max(limit, 0))
            }, { $0.blob() })
    }

    func logEdge() throws -> [UInt8]? { try connection.first(LogSQL.edge) { $0.blob() } }

    func saveLogEdge(_ edge: [UInt8]) throws { try write(LogSQL.saveEdge) { $0.blob(edge) } }
}

/// The last leaves that are durable: the publisher of the log asks for them moments after they were written.
struct RecentLeaves {
    private var first: Int64 = 0
    private var leaves: [[UInt8]] = []
    private static let countMax = 8192

    /// - Parameters:
    ///   - more: of one transaction.
    ///   - next: the number behind them; nil: there are none.
    ///   - isWhole: false when the transaction appended others besides.
    mutating func add(_ more: [[UInt8]], before next: Int64?, isWhole: Bool) {
        guard isWhole else { return leaves = [] }
        guard let next, !more.isEmpty else { return }
        let start = next - Int64(more.count)
        if first + Int64(leaves.count) != start { leaves = [] }
        if leaves.isEmpty { first = start }
        leaves += more
        guard leaves.count > Self.countMax else { return }
        let dropped = leaves.count - Self.countMax / 2
        leaves.removeFirst(dropped)
        first += Int64(dropped)
    }

    /// - Returns: nil when some of it is not known.
    func page(from index: Int64, limit: Int) -> [[UInt8]]? {
        guard index >= first, index <= first + Int64(leaves.count), !leaves.isEmpty else { return nil }
        return Array(leaves.dropFirst(Int(index - first)).prefix(max(0, limit)))
    }
}
