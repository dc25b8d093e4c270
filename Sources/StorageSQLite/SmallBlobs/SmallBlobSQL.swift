/// The statements of `SmallBlobs`.
enum SmallBlobSQL {
    static let begin = Query("BEGIN IMMEDIATE")
    static let commit = Query("COMMIT")

    static let through = Query("SELECT through FROM placed")
    static let last = Query("SELECT max(id) FROM blob")
    static let above = Query("SELECT digest, id FROM blob WHERE id > ?")

    static let insert = Query("INSERT INTO blob (id, digest, bytes) VALUES (?, ?, ?)")
    /// Again after a crash between two parts of a generation.
    static let place = Query("INSERT INTO place (start, id) VALUES (?, ?) ON CONFLICT DO NOTHING")
    static let placedThrough = Query("UPDATE placed SET through = ?")

    static let ids = Query("SELECT place.id \(atPlace)")
    static let unplace = Query("DELETE FROM place WHERE start = ? AND id = ?")
    static let delete = Query("DELETE FROM blob WHERE id = ?")
    static let deleteOld = Query("DELETE FROM blob_by_name WHERE digest = ?")

    /// A name above another one does not begin with less.
    static let page = Query(
        """
        SELECT digest, bytes FROM place CROSS JOIN blob ON blob.id = place.id WHERE start >= ? AND digest > ?
        ORDER BY start, digest LIMIT ?
        """)
    static let oldPage = Query("SELECT digest, bytes FROM blob_by_name WHERE digest > ? ORDER BY digest LIMIT ?")

    /// In this order, whatever the planner thinks of it.
    private static let atPlace = "FROM place CROSS JOIN blob ON blob.id = place.id WHERE start = ? AND digest = ?"

    /// What is read of a blob.
    struct Column: Sendable {
        /// By number and name: the number may have gone, never to another blob.
        let byNumber: Query
        /// By the beginning of the name, and the name.
        let placed: Query
        let old: Query

        private init(_ column: String) {
            byNumber = Query("SELECT \(column) FROM blob WHERE id = ? AND digest = ?")
            placed = Query("SELECT \(column) \(SmallBlobSQL.atPlace)")
            old = Query("SELECT \(column) FROM blob_by_name WHERE digest = ?")
        }

        static let size = Column("length(bytes)")
        static let bytes = Column("bytes")
    }
}
