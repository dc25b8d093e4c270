import Domain
import Storage
import StorageSQLite

/// What the golden databases hold: a record of every kind in every state. Never change it; add a new version's beside.
enum GoldenRecords {
    static func write(to store: any Store, version: Int) throws {
        try write(to: store)
        if version >= 2 { try writeTrust(to: store) }
        try addAverages(to: store)
        if version >= 3 { try writeTeams(to: store) }
        if version >= 7 { try writeLinks(to: store) }
    }

    /// What version 7 brought: codes that were used and not, a host that was removed, a volunteer who was erased and
    /// has another one's name.
    private static func writeLinks(to store: any Store) throws {
        try store.transaction { tx in
            try tx.insertLinkCode(Samples.linkCode(100, volunteer: 2, host: 2))
            var used = Samples.linkCode(101, volunteer: 2, host: 2, at: 2000)
            (used.usedBy, used.usedAt) = (HostID(rawValue: 3), Timestamp(milliseconds: 2001))
            try tx.insertLinkCode(used)
            guard var host = try tx.host(HostID(rawValue: 3)),
                var volunteer = try tx.volunteer(VolunteerID(rawValue: 3))
            else { return }
            host.removedAt = Timestamp(milliseconds: 3000)
            host.profile = .erased
            try tx.updateHost(host)
            volunteer.name = "volunteer 2"
            volunteer.erasedAt = Timestamp(milliseconds: 3000)
            try tx.updateVolunteer(volunteer)
        }
    }

    /// What version 3 works out from an older ledger, and a newer server keeps as it goes.
    private static func addAverages(to store: any Store) throws {
        try store.transaction { tx in
            for entry in try tx.ledger(fromNumber: 1, limit: 10_000) {
                for (id, amount) in entry.finalCredit {
                    guard var host = try tx.host(id), var volunteer = try tx.volunteer(host.volunteer) else { continue }
                    host.recent.add(amount, at: entry.at)
                    volunteer.recent.add(amount, at: entry.at)
                    try tx.updateHost(host)
                    try tx.updateVolunteer(volunteer)
                }
            }
        }
    }

    /// What version 3 brought: a team that was left, one that lasts, credit in and between them on several days.
    private static func writeTeams(to store: any Store) throws {
        try store.transaction { tx in
            for founder in [1, 3] as [Int64] { _ = try tx.insertTeam { Samples.team($0, founder: founder) } }
            let one = VolunteerID(rawValue: 1)
            let day = UTCDay.milliseconds
            let moments = [day - 1, day, 3 * day, 9 * day + 5]
            for (at, moment) in moments.enumerated() {
                let now = Timestamp(milliseconds: moment)
                if at == 1 {
                    try tx.insertMembership(Membership(volunteer: one, team: TeamID(rawValue: 1), from: now))
                }
                if at == 2 {
                    try tx.closeMembership(of: one, at: now)
                    try tx.insertMembership(Membership(volunteer: one, team: TeamID(rawValue: 2), from: now))
                }
                var entry = Samples.entry(
                    TaskID(unit: WorkUnitID(batch: BatchID(rawValue: 4), index: 9), ordinal: at), host: 1,
                    amount: Int64(at) * 1_000_000 + 7, project: at == 3 ? "other" : "gamma")
                entry.at = now
                entry = try tx.appendLedger(entry)
                guard var host = try tx.host(HostID(rawValue: 1)), var owner = try tx.volunteer(one) else { return }
                try Samples.earn(entry, &host, &owner, tx)
                owner.showsHosts = true
                try tx.updateHost(host)
                try tx.updateVolunteer(owner)
            }
        }
    }

    /// What version 2 brought: the rules of acceptance, a result that stands, every kind of entry.
    private static func writeTrust(to store: any Store) throws {
        try store.transaction { tx in
            let rules: [AcceptanceRule] = [.check, .adaptive(AdaptiveRule(checkRate: 0.125, window: 40))]
            for (at, rule) in rules.enumerated() {
                var batch = try tx.insertBatch { Samples.batch($0) }
                batch.replication.acceptance = rule
                try tx.updateBatch(batch)
                var unit = Samples.unit(batch.id, 0)
                unit.unit.replication.acceptance = rule
                if at == 1 {
                    unit.tasks[1].state = .reported(Samples.assignment(3, 3), Samples.report, check: .plausible)
                    unit.unit.state = .provisional(unit.tasks[1].id)
                }
                try tx.insertWorkUnits([unit])
            }
            let unit = WorkUnitID(batch: BatchID(rawValue: 4), index: 0)
            for (at, state) in SeriesEntry.State.allCases.enumerated() where state != .audited {
                let ordinal = state == .provisional ? 1 : 10 + at
                let task = TaskID(unit: unit, ordinal: ordinal)
                try tx.insertSeriesEntry(Samples.series(task, host: 3, Int64(at + 1), state))
            }
            try tx.saveTrust(Samples.trust(3))
            try tx.saveTrust(Samples.trust(2, app: "other"))
            let kinds: [(Int, LedgerKind)] = [(1, .hold), (20, .hold), (20, .release), (21, .hold), (21, .void)]
            for (ordinal, kind) in kinds {
                _ = try tx.appendLedger(
                    Samples.entry(TaskID(unit: unit, ordinal: ordinal), host: 3, amount: 70, kind: kind))
            }
            for leaf in [[], [1], [2, 0, 255]] as [[UInt8]] { _ = try tx.appendLogLeaf(leaf) }
            try tx.saveLogEdge([9, 8, 7])
            var host = Samples.host(HostID(rawValue: 3), of: VolunteerID(rawValue: 3))
            host.provisionalCredit = Credit(microcobblestones: 70)
            host.credit = host.provisionalCredit
            try tx.updateHost(host)
            var owner = Samples.volunteer(VolunteerID(rawValue: 3))
            owner.credit = host.credit
            try tx.updateVolunteer(owner)
        }
    }

    private static func write(to store: any Store) throws {
        try store.transaction { tx in
            try Samples.addHosts(3, tx)
            let batch = try tx.insertBatch { Samples.batch($0) }
            _ = try tx.insertBatch { Samples.batch($0, state: .failed("no photons")) }
            let states = Samples.states(
                host: 2, volunteer: 3, other: TaskID(unit: WorkUnitID(batch: batch.id, index: 0), ordinal: 1))
            for index in 0..<10 {
                var unit = Samples.unit(batch.id, Int64(index), tasks: states.count)
                for (at, state) in states.enumerated() { unit.tasks[at].state = state }
                unit.unit.state = Samples.unitStates(canonical: TaskID(unit: unit.unit.id, ordinal: 5))[index]
                try tx.insertWorkUnits([unit])
            }
            for index in 0..<3 {
                let task = TaskID(unit: WorkUnitID(batch: batch.id, index: Int64(index)), ordinal: 5)
                _ = try tx.appendLedger(Samples.entry(task, host: 2, amount: 1000))
            }
            var host = Samples.host(HostID(rawValue: 2), of: VolunteerID(rawValue: 2))
            host.credit = Credit(microcobblestones: 3000)
            try tx.updateHost(host)
            var owner = Samples.volunteer(VolunteerID(rawValue: 2))
            owner.credit = host.credit
            try tx.updateVolunteer(owner)
        }
    }
}
