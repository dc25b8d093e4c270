import Domain
import Storage

private enum LogSQL {
    static let next = Query("SELECT coalesce(max(position), -1) + 1 FROM log_leaf")
    static let insert = Columns("position leaf:b").insert(into: "log_leaf")
    static let page = Query("SELECT leaf FROM log_leaf WHERE position >= $1 ORDER BY position LIMIT $2")
    static let edge = Query("SELECT edge FROM log_edge WHERE id = 1")
    static let saveEdge = Query(
        "INSERT INTO log_edge (id, edge) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET edge = $1")
}

extension PostgresTransaction {
    func appendLogLeaf(_ leaf: [UInt8]) throws -> Int64 {
        let position = try logLeafCount()
        appended.append(leaf: leaf, at: position)
        return position
    }

    func logLeafCount() throws -> Int64 {
        try alive()
        if let next = appended.nextLeaf { return next }
        let next = try first(LogSQL.next) { $0.integer() } ?? 0
        appended.nextLeaf = next
        return next
    }

    func writeLeaves(_ leaves: ArraySlice<[UInt8]>) throws {
        guard let next = appended.nextLeaf, !leaves.isEmpty else { return }
        try write(LogSQL.insert) { to in
            for (at, leaf) in leaves.enumerated() {
                to.integer(next - Int64(leaves.count - at))
                to.blob(leaf)
            }
        }
    }

    func logLeaves(from index: Int64, limit: Int) throws -> [[UInt8]] {
        try settle()
        return try all(
            LogSQL.page,
            {
                $0.integer(max(index, 0))
                $0.integer(max(limit, 0))
            }, { $0.blob() })
    }

    func logEdge() throws -> [UInt8]? { try first(LogSQL.edge) { $0.blob() } }

    func saveLogEdge(_ edge: [UInt8]) throws { try write(LogSQL.saveEdge) { $0.blob(edge) } }
}
