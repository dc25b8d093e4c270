import Domain
import Storage

private enum LinkSQL {
    static let columns = "digest, volunteer, host, created_ms, expires_ms, used_by, used_ms"
    static let one = Query("SELECT \(columns) FROM link_code WHERE digest = ?")
    static let insert = Query("INSERT INTO link_code (\(columns)) VALUES (\(WorkUnitColumns.marks(7)))")
    static let update = Query("UPDATE link_code SET \(WorkUnitColumns.assignments(columns)) WHERE digest = ?1")
    static let ofVolunteer = Query(
        "SELECT \(columns) FROM link_code WHERE volunteer = ? ORDER BY created_ms, digest")
    static let remove = Query("DELETE FROM link_code WHERE volunteer = ?1 AND (?2 IS NULL OR created_ms < ?2)")

    /// The last unit of a look, and the one behind it.
    static let end = Query("SELECT id FROM work_unit WHERE id > ? ORDER BY id LIMIT 2 OFFSET ?")
    static let tasks = Query(
        "SELECT \(WorkUnitColumns.task) FROM task WHERE id >= ? AND id <= ? AND volunteer = ? ORDER BY id")
}

extension SQLiteTransaction {
    func insertLinkCode(_ code: LinkCodeRecord) throws {
        try StoreRules.check(code)
        try requirePeople(of: code)
        guard try linkCode(code.digest) == nil else { throw StoreError.duplicate("link code") }
        try write(LinkSQL.insert) { bind(code, &$0) }
    }

    func linkCode(_ digest: Digest) throws -> LinkCodeRecord? {
        try alive()
        return try connection.first(LinkSQL.one, { $0.digest(digest) }, readCode)
    }

    func updateLinkCode(_ code: LinkCodeRecord) throws {
        guard let old = try linkCode(code.digest) else { throw StoreError.missing("link code") }
        try StoreRules.check(code, replacing: old)
        try requirePeople(of: code)
        try write(LinkSQL.update) { bind(code, &$0) }
    }

    func linkCodes(of volunteer: VolunteerID) throws -> [LinkCodeRecord] {
        try alive()
        return try connection.all(LinkSQL.ofVolunteer, { $0.integer(volunteer.rawValue) }, readCode)
    }

    func removeLinkCodes(of volunteer: VolunteerID, before moment: Timestamp?) throws {
        try write(LinkSQL.remove) {
            $0.integer(volunteer.rawValue)
            $0.integer(moment?.milliseconds)
        }
    }

    private func requirePeople(of code: LinkCodeRecord) throws {
        try requireVolunteer(code.volunteer)
        try requireHost(code.host)
        if let host = code.usedBy { try requireHost(host) }
    }

    func tasks(of volunteer: VolunteerID, after: WorkUnitID?, look: Int) throws -> Looked<TaskRecord, WorkUnitID> {
        try settle()
        let start = after?.rawValue ?? -1
        let ends = try connection.all(
            LinkSQL.end,
            {
                $0.integer(start)
                $0.integer(max(look, 1) - 1)
            }, { $0.integer() })
        let last = ends.count == 2 ? ends[0] : nil
        let rows = try connection.all(
            LinkSQL.tasks,
            {
                $0.integer((start + 1) << 6)
                $0.integer(last.map { $0 << 6 | 63 } ?? .max)
                $0.integer(volunteer.rawValue)
            }, { try $0.task() })
        return Looked(rows: rows, last: last.map { WorkUnitID(rawValue: $0) })
    }

    private func bind(_ code: LinkCodeRecord, _ to: inout Binder) {
        to.digest(code.digest)
        to.integer(code.volunteer.rawValue)
        to.integer(code.host.rawValue)
        to.time(code.createdAt)
        to.time(code.expiresAt)
        to.integer(code.usedBy?.rawValue)
        to.integer(code.usedAt?.milliseconds)
    }

    private func readCode(_ row: inout Row) throws -> LinkCodeRecord {
        LinkCodeRecord(
            digest: try row.digest(), volunteer: VolunteerID(rawValue: row.integer()),
            host: HostID(rawValue: row.integer()), createdAt: row.time(), expiresAt: row.time(),
            usedBy: row.optionalInteger().map(HostID.init(rawValue:)),
            usedAt: row.optionalInteger().map(Timestamp.init(milliseconds:)))
    }
}
