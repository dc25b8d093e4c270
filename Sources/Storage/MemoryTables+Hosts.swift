import Domain

extension MemoryTables {
    func volunteer(named name: String) throws -> VolunteerRecord? {
        try volunteersByName[Array(name.utf8)].flatMap { try volunteer($0) }
    }

    func volunteer(_ id: VolunteerID) throws -> VolunteerRecord? {
        row(id.rawValue, of: volunteerRows)
    }

    func insertVolunteer(_ make: (VolunteerID) -> VolunteerRecord) throws -> VolunteerRecord {
        let id = VolunteerID(rawValue: Int64(volunteerRows.count) + 1)
        let volunteer = make(id)
        guard volunteer.id == id else { throw StoreError.conflict("volunteer \(volunteer.id) where \(id) was given") }
        try StoreRules.check(volunteer)
        let name = Array(volunteer.name.utf8)
        guard volunteersByName[name] == nil else { throw StoreError.duplicate("volunteer named \(volunteer.name)") }
        append(volunteer, to: \.volunteerRows)
        set(name, of: \.volunteersByName, to: id)
        return volunteer
    }

    func updateVolunteer(_ volunteer: VolunteerRecord) throws {
        guard let old = try self.volunteer(volunteer.id) else {
            throw StoreError.missing("volunteer \(volunteer.id)")
        }
        try StoreRules.check(volunteer)
        let name = Array(volunteer.name.utf8)
        guard volunteersByName[name] == nil || volunteersByName[name] == volunteer.id else {
            throw StoreError.duplicate("volunteer named \(volunteer.name)")
        }
        set(Array(old.name.utf8), of: \.volunteersByName, to: nil)
        set(name, of: \.volunteersByName, to: volunteer.id)
        set(row: Int(volunteer.id.rawValue) - 1, of: \.volunteerRows, to: volunteer)
    }

    func host(_ id: HostID) throws -> HostRecord? {
        row(id.rawValue, of: hostRows)
    }

    func host(publicKey: [UInt8]) throws -> HostRecord? {
        try hostsByKey[publicKey].flatMap { try host($0) }
    }

    func insertHost(_ make: (HostID) -> HostRecord) throws -> HostRecord {
        let id = HostID(rawValue: Int64(hostRows.count) + 1)
        let host = make(id)
        guard host.id == id else { throw StoreError.conflict("host \(host.id) where \(id) was given") }
        try StoreRules.check(host)
        guard try volunteer(host.volunteer) != nil else { throw StoreError.missing("volunteer \(host.volunteer)") }
        guard hostsByKey[host.publicKey] == nil else { throw StoreError.duplicate("public key of host \(host.id)") }
        append(host, to: \.hostRows)
        set(host.publicKey, of: \.hostsByKey, to: id)
        return host
    }

    func updateHost(_ host: HostRecord) throws {
        guard let old = try self.host(host.id) else { throw StoreError.missing("host \(host.id)") }
        try StoreRules.check(host)
        guard try volunteer(host.volunteer) != nil else { throw StoreError.missing("volunteer \(host.volunteer)") }
        guard hostsByKey[host.publicKey] == nil || hostsByKey[host.publicKey] == host.id else {
            throw StoreError.duplicate("public key of host \(host.id)")
        }
        if old.publicKey != host.publicKey {
            set(old.publicKey, of: \.hostsByKey, to: nil)
            set(host.publicKey, of: \.hostsByKey, to: host.id)
        }
        set(row: Int(host.id.rawValue) - 1, of: \.hostRows, to: host)
    }

    func volunteers() throws -> [VolunteerRecord] { volunteerRows }
    func hosts() throws -> [HostRecord] { hostRows }
    func hosts(of volunteer: VolunteerID) throws -> [HostRecord] { hostRows.filter { $0.volunteer == volunteer } }

    func inProgressCounts() throws -> [HostID: Int] {
        open.outCounts
    }
}
