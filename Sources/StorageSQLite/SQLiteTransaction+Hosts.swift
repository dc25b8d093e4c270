import Domain
import Storage

enum HostSQL {
    static let volunteerExists = Query("SELECT 1 FROM volunteer WHERE id = ?")
    static let nextVolunteer = Query("SELECT coalesce(max(id), 0) + 1 FROM volunteer")
    static let volunteerColumns = "id, name, credit, recent, recent_ms, shows_hosts, created_ms, erased_ms"
    static let volunteer = Query("SELECT \(volunteerColumns) FROM volunteer WHERE id = ?")
    static let volunteers = Query("SELECT \(volunteerColumns) FROM volunteer ORDER BY id")
    static let insertVolunteer = Query(
        "INSERT INTO volunteer (\(volunteerColumns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
    static let updateVolunteer = Query(
        "UPDATE volunteer SET \(WorkUnitColumns.assignments(volunteerColumns)) WHERE id = ?1")

    static let columns = """
        id, volunteer, public_key, name, platform, cpu_model, cores, memory_bytes, disk_free_bytes, benchmark_flops,
        client_version, sequence, measured_flops, valid_count, invalid_count, error_count, credit,
        provisional_credit, recent, recent_ms, created_ms, last_seen_ms, removed_ms
        """
    static let hostExists = Query("SELECT 1 FROM host WHERE id = ?")
    static let nextHost = Query("SELECT coalesce(max(id), 0) + 1 FROM host")
    static let host = Query("SELECT \(columns) FROM host WHERE id = ?")
    static let hostByKey = Query("SELECT \(columns) FROM host WHERE public_key = ?")
    static let hosts = Query("SELECT \(columns) FROM host ORDER BY id")
    static let hostsOf = Query("SELECT \(columns) FROM host WHERE volunteer = ? ORDER BY id")
    static let insertHost = Query("INSERT INTO host (\(columns)) VALUES (\(WorkUnitColumns.marks(23)))")
}

extension SQLiteTransaction {
    func volunteer(_ id: VolunteerID) throws -> VolunteerRecord? {
        try alive()
        if let known = volunteerRows.row(id) { return known }
        let found = try connection.first(HostSQL.volunteer, { $0.integer(id.rawValue) }, readVolunteer)
        if let found { volunteerRows.read(id, found) }
        return found
    }

    func insertVolunteer(_ make: (VolunteerID) -> VolunteerRecord) throws -> VolunteerRecord {
        let id = VolunteerID(rawValue: try connection.first(HostSQL.nextVolunteer) { $0.integer() } ?? 1)
        let volunteer = make(id)
        guard volunteer.id == id else { throw StoreError.conflict("volunteer \(volunteer.id) where \(id) was given") }
        try StoreRules.check(volunteer)
        try write(HostSQL.insertVolunteer) { bind(volunteer, &$0) }
        volunteerRows.inserted(id)
        return volunteer
    }

    func updateVolunteer(_ volunteer: VolunteerRecord) throws {
        guard let old = try self.volunteer(volunteer.id) else {
            throw StoreError.missing("volunteer \(volunteer.id)")
        }
        try StoreRules.check(volunteer)
        volunteerRows.change(volunteer.id, to: volunteer, from: old)
        try settleIfLarge()
    }

    func writeVolunteer(_ volunteer: VolunteerRecord) throws {
        try write(HostSQL.updateVolunteer) { bind(volunteer, &$0) }
    }

    func host(_ id: HostID) throws -> HostRecord? {
        try alive()
        if let known = hostRows.row(id) { return known }
        let found = try connection.first(HostSQL.host, { $0.integer(id.rawValue) }, readHost)
        if let found { hostRows.read(id, found) }
        return found
    }

    func host(publicKey: [UInt8]) throws -> HostRecord? {
        try settle()
        return try connection.first(HostSQL.hostByKey, { $0.blob(publicKey) }, readHost)
    }

    func insertHost(_ make: (HostID) -> HostRecord) throws -> HostRecord {
        let id = HostID(rawValue: try connection.first(HostSQL.nextHost) { $0.integer() } ?? 1)
        let host = make(id)
        guard host.id == id else { throw StoreError.conflict("host \(host.id) where \(id) was given") }
        try StoreRules.check(host)
        try requireVolunteer(host.volunteer)
        try write(HostSQL.insertHost) { bind(host, &$0) }
        hostRows.inserted(id)
        return host
    }

    func updateHost(_ host: HostRecord) throws {
        guard let old = try self.host(host.id) else { throw StoreError.missing("host \(host.id)") }
        try StoreRules.check(host)
        try requireVolunteer(host.volunteer)
        let isSameKey = host.publicKey == old.publicKey
        if !isSameKey {
            // Keys are unique, and the database knows them.
            try settle()
            try write(HostParts.all.update) { bind(host, .all, &$0) }
        }
        // What was written here is not what the row was before: a part that goes back to that must be written again.
        hostRows.change(host.id, to: host, from: old, isStored: isSameKey)
        try settleIfLarge()
    }

    func writeHost(_ host: HostRecord, over stored: RowCache<HostID, HostRecord>.Stored) throws {
        var parts = HostParts.all
        if case .known(let old) = stored { parts = HostParts(changedFrom: old, to: host) }
        try write(parts.update) { bind(host, parts, &$0) }
    }

    func hosts() throws -> [HostRecord] {
        try settle()
        return try connection.all(HostSQL.hosts, readHost)
    }

    func hosts(of volunteer: VolunteerID) throws -> [HostRecord] {
        try settle()
        return try connection.all(HostSQL.hostsOf, { $0.integer(volunteer.rawValue) }, readHost)
    }

    func volunteers() throws -> [VolunteerRecord] {
        try settle()
        return try connection.all(HostSQL.volunteers, readVolunteer)
    }

    func inProgressCounts() throws -> [HostID: Int] {
        try alive()
        return open.outCounts
    }

    private func bind(_ volunteer: VolunteerRecord, _ to: inout Binder) {
        to.integer(volunteer.id.rawValue)
        to.text(volunteer.name)
        to.integer(volunteer.credit.microcobblestones)
        to.recent(volunteer.recent)
        to.boolean(volunteer.showsHosts)
        to.time(volunteer.createdAt)
        to.integer(volunteer.erasedAt?.milliseconds)
    }

    private func readVolunteer(_ row: inout Row) -> VolunteerRecord {
        VolunteerRecord(
            id: VolunteerID(rawValue: row.integer()), name: row.text(),
            credit: Credit(microcobblestones: row.integer()), recent: row.recent(), showsHosts: row.boolean(),
            createdAt: row.time(), erasedAt: row.optionalInteger().map(Timestamp.init(milliseconds:))
        )
    }

    private func bind(_ host: HostRecord, _ to: inout Binder) {
        to.integer(host.id.rawValue)
        to.owner(host)
        to.profile(host.profile)
        to.standing(host)
    }

    /// For an update of `parts`.
    private func bind(_ host: HostRecord, _ parts: HostParts, _ to: inout Binder) {
        to.integer(host.id.rawValue)
        to.standing(host)
        if parts.contains(.owner) { to.owner(host) }
        if parts.contains(.profile) { to.profile(host.profile) }
    }

    private func readHost(_ row: inout Row) -> HostRecord {
        let id = HostID(rawValue: row.integer())
        let volunteer = VolunteerID(rawValue: row.integer())
        let publicKey = row.blob()
        let profile = HostProfile(
            name: row.text(), platform: row.text(), cpuModel: row.text(), cores: row.int(),
            memoryBytes: row.integer(), diskFreeBytes: row.integer(), benchmarkFlopsPerSecond: row.real(),
            clientVersion: row.text()
        )
        return HostRecord(
            id: id, volunteer: volunteer, publicKey: publicKey, profile: profile, sequence: row.integer(),
            measuredFlopsPerSecond: row.optionalReal(), validCount: row.integer(), invalidCount: row.integer(),
            errorCount: row.integer(), credit: Credit(microcobblestones: row.integer()),
            provisionalCredit: Credit(microcobblestones: row.integer()), recent: row.recent(), createdAt: row.time(),
            lastSeenAt: row.time(), removedAt: row.optionalInteger().map(Timestamp.init(milliseconds:))
        )
    }
}

extension Binder {
    fileprivate mutating func owner(_ host: HostRecord) {
        integer(host.volunteer.rawValue)
        blob(host.publicKey)
    }

    fileprivate mutating func profile(_ profile: HostProfile) {
        text(profile.name)
        text(profile.platform)
        text(profile.cpuModel)
        integer(profile.cores)
        integer(profile.memoryBytes)
        integer(profile.diskFreeBytes)
        real(profile.benchmarkFlopsPerSecond)
        text(profile.clientVersion)
    }

    /// All behind the profile.
    fileprivate mutating func standing(_ host: HostRecord) {
        integer(host.sequence)
        real(host.measuredFlopsPerSecond)
        integer(host.validCount)
        integer(host.invalidCount)
        integer(host.errorCount)
        integer(host.credit.microcobblestones)
        integer(host.provisionalCredit.microcobblestones)
        recent(host.recent)
        time(host.createdAt)
        time(host.lastSeenAt)
        integer(host.removedAt?.milliseconds)
    }
}
