import Domain
import Storage

enum HostSQL {
    static let volunteerExists = Query("SELECT 1::bigint FROM volunteer WHERE id = $1")
    static let nextVolunteer = Query("SELECT coalesce(max(id), 0) + 1 FROM volunteer")
    static let volunteerRow = Columns("id name:t credit recent:r recent_ms shows_hosts created_ms erased_ms")
    static let volunteerColumns = volunteerRow.list
    static let volunteer = Query("SELECT \(volunteerColumns) FROM volunteer WHERE id = $1")
    static let volunteers = Query("SELECT \(volunteerColumns) FROM volunteer ORDER BY id")
    static let someVolunteers = Query("SELECT \(volunteerColumns) FROM volunteer WHERE id = ANY ($1::bigint[])")
    static let insertVolunteer = volunteerRow.insert(into: "volunteer")
    static let updateVolunteers = volunteerRow.update("volunteer")

    static let row = Columns(
        """
        id volunteer public_key:b name:t platform:t cpu_model:t cores memory_bytes disk_free_bytes benchmark_flops:r
        client_version:t sequence measured_flops:r valid_count invalid_count error_count credit provisional_credit
        recent:r recent_ms created_ms last_seen_ms removed_ms
        """)
    static let columns = row.list
    static let hostExists = Query("SELECT 1::bigint FROM host WHERE id = $1")
    static let nextHost = Query("SELECT coalesce(max(id), 0) + 1 FROM host")
    static let host = Query("SELECT \(columns) FROM host WHERE id = $1")
    static let hostByKey = Query("SELECT \(columns) FROM host WHERE public_key = $1")
    static let hosts = Query("SELECT \(columns) FROM host ORDER BY id")
    static let someHosts = Query("SELECT \(columns) FROM host WHERE id = ANY ($1::bigint[])")
    static let hostsOf = Query("SELECT \(columns) FROM host WHERE volunteer = $1 ORDER BY id")
    static let insertHost = row.insert(into: "host")
    static let updateHosts = row.update("host")
}

extension PostgresTransaction {
    func volunteer(_ id: VolunteerID) throws -> VolunteerRecord? {
        try alive()
        if let known = volunteerRows.row(id) { return known }
        let found = try first(HostSQL.volunteer, { $0.integer(id.rawValue) }, readVolunteer)
        if let found { volunteerRows.read(id, found) }
        return found
    }

    func insertVolunteer(_ make: (VolunteerID) -> VolunteerRecord) throws -> VolunteerRecord {
        let id = VolunteerID(rawValue: try first(HostSQL.nextVolunteer) { $0.integer() } ?? 1)
        let volunteer = make(id)
        guard volunteer.id == id else { throw StoreError.conflict("volunteer \(volunteer.id) where \(id) was given") }
        try StoreRules.check(volunteer)
        try write(HostSQL.insertVolunteer) { bind(volunteer, &$0) }
        volunteerRows.inserted(id)
        volunteerRows.read(id, volunteer)
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

    func writeVolunteers(_ volunteers: [VolunteerRecord]) throws {
        note.volunteers += volunteers.map(\.id.rawValue)
        for part in volunteers.parts {
            try write(HostSQL.updateVolunteers) { to in for volunteer in part { bind(volunteer, &to) } }
        }
    }

    func host(_ id: HostID) throws -> HostRecord? {
        try alive()
        if let known = hostRows.row(id) { return known }
        let found = try first(HostSQL.host, { $0.integer(id.rawValue) }, readHost)
        if let found { hostRows.read(id, found) }
        return found
    }

    func host(publicKey: [UInt8]) throws -> HostRecord? {
        try settle()
        return try first(HostSQL.hostByKey, { $0.blob(publicKey) }, readHost)
    }

    func insertHost(_ make: (HostID) -> HostRecord) throws -> HostRecord {
        let id = HostID(rawValue: try first(HostSQL.nextHost) { $0.integer() } ?? 1)
        let host = make(id)
        guard host.id == id else { throw StoreError.conflict("host \(host.id) where \(id) was given") }
        try StoreRules.check(host)
        try requireVolunteer(host.volunteer)
        guard try self.host(publicKey: host.publicKey) == nil else {
            throw StoreError.duplicate("the public key of host \(id)")
        }
        try write(HostSQL.insertHost) { bind(host, &$0) }
        hostRows.inserted(id)
        hostRows.read(id, host)
        return host
    }

    func updateHost(_ host: HostRecord) throws {
        guard let old = try self.host(host.id) else { throw StoreError.missing("host \(host.id)") }
        try StoreRules.check(host)
        try requireVolunteer(host.volunteer)
        if host.publicKey != old.publicKey {
            guard try self.host(publicKey: host.publicKey) == nil else {
                throw StoreError.duplicate("the public key of host \(host.id)")
            }
        }
        hostRows.change(host.id, to: host, from: old)
        if host.publicKey != old.publicKey { try settle() }
        try settleIfLarge()
    }

    func writeHosts(_ hosts: [HostRecord]) throws {
        note.hosts += hosts.map(\.id.rawValue)
        for part in hosts.parts { try write(HostSQL.updateHosts) { to in for host in part { bind(host, &to) } } }
    }

    func requireHost(_ id: HostID) throws {
        if knownHosts.contains(id) || hostRows.row(id) != nil { return }
        guard try first(HostSQL.hostExists, { $0.integer(id.rawValue) }, { _ in true }) != nil else {
            throw StoreError.missing("host \(id)")
        }
        knownHosts.insert(id)
    }

    func requireVolunteer(_ id: VolunteerID) throws {
        if knownVolunteers.contains(id) || volunteerRows.row(id) != nil { return }
        guard try first(HostSQL.volunteerExists, { $0.integer(id.rawValue) }, { _ in true }) != nil else {
            throw StoreError.missing("volunteer \(id)")
        }
        knownVolunteers.insert(id)
    }

    func hosts() throws -> [HostRecord] {
        try settle()
        return try all(HostSQL.hosts, { _ in }, readHost)
    }

    func hosts(of volunteer: VolunteerID) throws -> [HostRecord] {
        try settle()
        return try all(HostSQL.hostsOf, { $0.integer(volunteer.rawValue) }, readHost)
    }

    func volunteers() throws -> [VolunteerRecord] {
        try settle()
        return try all(HostSQL.volunteers, { _ in }, readVolunteer)
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

    func readVolunteer(_ row: inout Row) -> VolunteerRecord {
        VolunteerRecord(
            id: VolunteerID(rawValue: row.integer()), name: row.text(),
            credit: Credit(microcobblestones: row.integer()), recent: row.recent(), showsHosts: row.boolean(),
            createdAt: row.time(), erasedAt: row.optionalInteger().map(Timestamp.init(milliseconds:))
        )
    }

    private func bind(_ host: HostRecord, _ to: inout Binder) {
        to.integer(host.id.rawValue)
        to.integer(host.volunteer.rawValue)
        to.blob(host.publicKey)
        to.text(host.profile.name)
        to.text(host.profile.platform)
        to.text(host.profile.cpuModel)
        to.integer(host.profile.cores)
        to.integer(host.profile.memoryBytes)
        to.integer(host.profile.diskFreeBytes)
        to.real(host.profile.benchmarkFlopsPerSecond)
        to.text(host.profile.clientVersion)
        to.integer(host.sequence)
        to.real(host.measuredFlopsPerSecond)
        to.integer(host.validCount)
        to.integer(host.invalidCount)
        to.integer(host.errorCount)
        to.integer(host.credit.microcobblestones)
        to.integer(host.provisionalCredit.microcobblestones)
        to.recent(host.recent)
        to.time(host.createdAt)
        to.time(host.lastSeenAt)
        to.integer(host.removedAt?.milliseconds)
    }

    func readHost(_ row: inout Row) -> HostRecord {
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

extension Array {
    /// What goes into one statement.
    var parts: [ArraySlice<Element>] {
        stride(from: 0, to: count, by: 1000).map { self[$0..<Swift.min($0 + 1000, count)] }
    }
}
