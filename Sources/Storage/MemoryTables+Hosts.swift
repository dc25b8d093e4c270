import Domain

extension MemoryTables {
    func volunteer(_ id: VolunteerID) throws -> VolunteerRecord? {
        row(id.rawValue, of: volunteerRows)
    }

    func insertVolunteer(_ make: (VolunteerID) -> VolunteerRecord) throws -> VolunteerRecord {
        let id = VolunteerID(rawValue: Int64(volunteerRows.count) + 1)
        let volunteer = make(id)
        guard volunteer.id == id else { throw StoreError.conflict("volunteer \(volunteer.id) where \(id) was given") }
        try StoreRules.check(volunteer)
        append(volunteer, to: \.volunteerRows)
        return volunteer
    }

    func updateVolunteer(_ volunteer: VolunteerRecord) throws {
        guard try self.volunteer(volunteer.id) != nil else {
            throw StoreError.missing("volunteer \(volunteer.id)")
        }
        try StoreRules.check(volunteer)
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
