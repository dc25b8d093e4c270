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
