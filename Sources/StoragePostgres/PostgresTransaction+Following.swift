import Domain
import Storage

/// Rows that others have changed and that calls here are likely to ask for.
private struct WantedRows {
    var hosts: Set<HostID> = []
    var volunteers: Set<VolunteerID> = []
    /// Hosts whose trust was known.
    var trust: Set<HostID> = []
    var units: Set<WorkUnitID> = []

    /// Of each kind; the rest is read when it is asked for.
    static let max = 1000
    static let appsMax = 64
    static let neighbours = 32
}

extension PostgresTransaction {
    /// Takes over what other processes have committed. What they changed is dropped from memory; what calls here are
    /// likely to ask for is read again at once, together: hosts and volunteers that are served here, and units that
    /// wait for somebody or are out at a host that is served here. One after the other they would be a round trip
    /// each, under the lock.
    func follow(_ notes: [ChangeNote]) throws {
        var wanted = WantedRows()
        for note in notes { follow(note, &wanted) }
        try readAhead(wanted)
    }

    private func follow(_ note: ChangeNote, _ wanted: inout WantedRows) {
        for number in note.volunteers {
            let id = VolunteerID(rawValue: number)
            if volunteerRows.row(id) != nil { wanted.volunteers.insert(id) }
            volunteerRows.drop(id)
        }
        if !note.trust.isEmpty && aside.trustApps.count > WantedRows.appsMax {
            trustRows.forget()
            aside.withoutTrust.removeAll()
            aside.trustApps.removeAll()
        }
        for number in note.trust {
            let host = HostID(rawValue: number)
            for app in aside.trustApps {
                let key = TrustKey(host: host, app: app)
                if trustRows.row(key) != nil || aside.withoutTrust.value(key) != nil { wanted.trust.insert(host) }
                trustRows.drop(key)
                aside.withoutTrust.drop(key)
            }
        }
        for unit in note.units {
            unitRows.drop(unit.id)
            aside.entries.drop(unit.id)
            aside.withoutSeries.drop(unit.id)
            guard unit.old != nil || unit.new != nil else { continue }
            if unit.new?.tasks.contains(where: { isWanted($0, wanted) }) == true {
                wanted.units.insert(unit.id)
            } else {
                wanted.units.remove(unit.id)
            }
            if unit.old != unit.new { open.replace(unit.old?.aggregate(unit.id), by: unit.new?.aggregate(unit.id)) }
        }
        // After the units: which of them are out at a host that is served here is known by its row.
        for number in note.hosts {
            let id = HostID(rawValue: number)
            if hostRows.row(id) != nil { wanted.hosts.insert(id) }
            hostRows.drop(id)
        }
        if note.hasTeams { teamRows.forget() }
        if note.hasTeams { aside.memberships.removeAll() }
        if note.hasBatches { aside.forgetBatches() }
        appended.nextEntry = note.nextEntry
        appended.nextLeaf = note.nextLeaf
        term = note.term
    }

    private func isWanted(_ task: OpenUnit.Task, _ wanted: WantedRows) -> Bool {
        switch task {
        case .unsent: return true
        case .sent(let host, _):
            let id = HostID(rawValue: host)
            return hostRows.row(id) != nil || wanted.hosts.contains(id)
        case .closed: return false
        }
    }

    /// A unit that memory does not have is read together with some that wait behind it, for their first host or for
    /// their validation: whoever draws places of a queue that was made before this process knew of it, or validates
    /// what was reported to others, would read all of them one by one, each in a round trip under the lock.
    func readNeighbours(of unit: WorkUnitID) throws {
        var unsent = open.unsent.from(TaskID(unit: unit, ordinal: 0).rawValue)
        if open.awaiting.contains(unit.rawValue) {
            try readUnits(
                open.awaiting.from(unit.rawValue).prefix(WantedRows.neighbours).map { WorkUnitID(rawValue: $0) })
        } else if let task = unsent.next().map(TaskID.init), task.unit == unit {
            try readUnits([unit] + unsent.prefix(WantedRows.neighbours - 1).map { TaskID(rawValue: $0).unit })
        }
    }

    /// Those that memory does not have.
    private func readUnits(_ ids: [WorkUnitID]) throws {
        var wanted = WantedRows()
        for id in ids where unitRows.row(id) == nil { wanted.units.insert(id) }
        try readAhead(wanted)
    }

    /// One round trip for all of it.
    private func readAhead(_ wanted: WantedRows) throws {
        let link = try link()
        var readers: [(Answer) throws -> Void] = []
        let first = { (ids: [Int64]) in Array(ids.sorted().prefix(WantedRows.max)) }
        let ask = { (ids: [Int64], query: Query, read: @escaping (Answer) throws -> Void) in
            guard !ids.isEmpty else { return }
            try link.send(query) { $0.integers(ids) }
            readers.append(read)
        }
        try ask(first(wanted.hosts.map(\.rawValue)), HostSQL.someHosts) { [self] answer in
            for host in answer.all(readHost) { hostRows.read(host.id, host) }
        }
        try ask(first(wanted.volunteers.map(\.rawValue)), HostSQL.someVolunteers) { [self] answer in
            for volunteer in answer.all(readVolunteer) { volunteerRows.read(volunteer.id, volunteer) }
        }
        try ask(first(wanted.trust.map(\.rawValue)), TrustSQL.ofHosts) { [self] answer in
            for record in answer.all(readTrust) where aside.trustApps.contains(record.app) {
                trustRows.read(record.key, record)
            }
        }
        let units = first(wanted.units.map(\.rawValue))
        var records: [WorkUnitRecord] = []
        try ask(units, WorkUnitSQL.someUnits) { records = try $0.all { try $0.unit() } }
        try ask(units, WorkUnitSQL.someTasks) { [self] answer in
            for unit in joined(records, try answer.all { try $0.task() }) { unitRows.read(unit.unit.id, unit) }
        }
        try ask(units, WorkUnitSQL.paid) { [self] answer in
            let paid = Set(answer.all { $0.integer() })
            for id in units where !paid.contains(id) { aside.entries.keep(WorkUnitID(rawValue: id), []) }
        }
        try ask(units, WorkUnitSQL.inSeries) { [self] answer in
            let inSeries = Set(answer.all { $0.integer() })
            for id in units where !inSeries.contains(id) { aside.withoutSeries.keep(WorkUnitID(rawValue: id), true) }
        }
        if readers.isEmpty { return }
        for (answer, read) in zip(try link.exchange(keeping: readers.count), readers) { try read(answer) }
    }
}
