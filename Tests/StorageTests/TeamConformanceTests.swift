import Domain
import Storage
import Testing

/// Teams, their histories, and credit by day, on every store.
@Suite("store conformance: teams and days")
struct TeamConformanceTests {
    private static func moment(_ ms: Int64) -> Timestamp { Timestamp(milliseconds: ms) }
    private let one = VolunteerID(rawValue: 1)
    private let two = VolunteerID(rawValue: 2)
    private let red = TeamID(rawValue: 1)
    private let blue = TeamID(rawValue: 2)

    private func join(_ volunteer: VolunteerID, _ team: TeamID, _ from: Int64, _ tx: any StoreTransaction) throws {
        try tx.insertMembership(Membership(volunteer: volunteer, team: team, from: Self.moment(from)))
    }

    @Test("teams keep every field, their names and their founders", arguments: StoreKind.allCases)
    func teams(kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.store.transaction { tx in
            try Samples.addHosts(2, tx)
            #expect(try tx.insertTeam { Samples.team($0, name: "r\u{e9}d") } == Samples.team(red, name: "r\u{e9}d"))
            #expect(refusal { try tx.insertTeam { Samples.team($0, name: "r\u{e9}d") } } == "duplicate")
            #expect(refusal { try tx.insertTeam { _ in Samples.team(TeamID(rawValue: 9)) } } == "conflict")
            #expect(refusal { try tx.insertTeam { Samples.team($0, founder: 7) } } == "missing")
            var team = try tx.insertTeam { Samples.team($0, name: "re\u{301}d", founder: 2) }
            #expect(team.id == blue, "a refused team uses up no number")
            team.credit = Credit(microcobblestones: 99)
            team.recent = RecentAverage(perDay: 1.0 / 7, at: Self.moment(4))
            try tx.updateTeam(team)
            #expect(try tx.team(blue) == team)
            #expect(try tx.team(named: "re\u{301}d") == team)
            #expect(try tx.team(named: "red") == nil)
            #expect(try tx.teams().map(\.id) == [red, blue])
            var changed = team
            changed.founder = one
            #expect(refusal { try tx.updateTeam(changed) } == "conflict")
            changed = team
            changed.name = "other"
            #expect(refusal { try tx.updateTeam(changed) } == "conflict")
            changed = team
            changed.recent.perDay = .nan
            #expect(refusal { try tx.updateTeam(changed) } == "conflict")
            #expect(refusal { try tx.updateTeam(Samples.team(TeamID(rawValue: 9))) } == "missing")
            #expect(try tx.team(blue) == team)
        }
    }

    @Test("memberships are appended, closed once, and never overlap", arguments: StoreKind.allCases)
    func memberships(kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        try bench.store.transaction { tx in
            try Samples.addHosts(2, tx)
            for _ in 0..<2 { _ = try tx.insertTeam { Samples.team($0) } }
            try join(one, red, 10, tx)
            try join(two, red, 5, tx)
            #expect(refusal { try join(one, blue, 20, tx) } == "conflict", "one at a time")
            #expect(refusal { try join(VolunteerID(rawValue: 9), red, 1, tx) } == "missing")
            #expect(refusal { try join(two, TeamID(rawValue: 9), 1, tx) } == "missing")
            #expect(refusal { try tx.closeMembership(of: one, at: Self.moment(9)) } == "conflict")
            try tx.closeMembership(of: one, at: Self.moment(20))
            #expect(refusal { try tx.closeMembership(of: one, at: Self.moment(30)) } == "missing")
            #expect(refusal { try join(one, blue, 19, tx) } == "conflict", "before the last one ended")
            let closed = Membership(volunteer: one, team: blue, from: Self.moment(30), until: Self.moment(31))
            #expect(refusal { try tx.insertMembership(closed) } == "conflict")
            try join(one, blue, 20, tx)
            let history = [
                Membership(volunteer: one, team: red, from: Self.moment(10), until: Self.moment(20)),
                Membership(volunteer: one, team: blue, from: Self.moment(20)),
            ]
            #expect(try tx.memberships(of: one) == history)
            let teams = try [9, 10, 19, 20, 21].map { try tx.team(of: one, at: Self.moment($0)) }
            #expect(teams == [nil, red, red, blue, blue])
            #expect(try tx.memberships(in: red).map(\.volunteer) == [two, one])
            #expect(try tx.lastingMemberships().map(\.team) == [blue, red])
        }
    }

    @Test("a transaction that fails leaves no membership and no day", arguments: StoreKind.allCases)
    func undo(kind: StoreKind) throws {
        struct Stop: Error {}
        let bench = try StoreBench(kind)
        try bench.store.transaction { tx in
            try Samples.addHosts(1, tx)
            _ = try tx.insertTeam { Samples.team($0) }
            try join(one, red, 1, tx)
            _ = try tx.appendLedger(Samples.entry(task(0), host: 1, amount: 5))
        }
        let before = try bench.store.transaction { try Samples.dump($0) }
        try? bench.store.transaction { tx in
            try tx.closeMembership(of: one, at: Self.moment(400))
            _ = try tx.insertTeam { Samples.team($0) }
            try join(one, blue, 450, tx)
            _ = try tx.appendLedger(Samples.entry(task(1), host: 1, amount: 6))
            #expect(try tx.creditDays(of: HostID(rawValue: 1)).count == 2)
            throw Stop()
        }
        #expect(try bench.store.transaction { try Samples.dump($0) } == before)
    }

    private func task(_ number: Int64) -> TaskID {
        TaskID(unit: WorkUnitID(batch: BatchID(rawValue: 1), index: number), ordinal: 0)
    }

    @Test(
        "final credit is counted by day, for the team of the moment; sums by every key", arguments: StoreKind.allCases)
    func days(kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        let day = UTCDay.milliseconds
        try bench.store.transaction { tx in
            try Samples.addHosts(2, tx)
            let second = try tx.insertHost { Samples.host($0, of: one, key: 99) }
            for _ in 0..<2 { _ = try tx.insertTeam { Samples.team($0) } }
            let entries: [(at: Int64, host: Int64, amount: Int64, project: String, kind: LedgerKind)] = [
                (-1, 1, 1, "gamma", .grant), (0, 1, 2, "gamma", .grant), (day - 1, 1, 4, "alpha", .grant),
                (day, 1, 8, "gamma", .hold), (day + 1, 1, 16, "gamma", .grant), (2 * day, 2, 32, "gamma", .grant),
                (3 * day, second.id.rawValue, 64, "gamma", .grant),
            ]
            for (number, spec) in entries.enumerated() {
                if number == 2 { try join(one, red, day / 2, tx) }
                if number == 6 {
                    try tx.closeMembership(of: one, at: Self.moment(3 * day))
                    try join(one, blue, 3 * day, tx)
                }
                var entry = Samples.entry(
                    task(Int64(number)), host: spec.host, amount: spec.amount, project: spec.project, kind: spec.kind)
                entry.at = Self.moment(spec.at)
                _ = try tx.appendLedger(entry)
            }
            var release = Samples.entry(task(3), host: 1, amount: 8, kind: .release)
            release.at = Self.moment(3 * day + 5)
            _ = try tx.appendLedger(release)

            let rows = try tx.creditDays(of: HostID(rawValue: 1)).map {
                "\($0.day) \($0.project) \($0.team?.rawValue ?? 0) \($0.amount.microcobblestones)"
            }
            #expect(
                rows == [
                    "1969-12-31 gamma 0 1", "1970-01-01 alpha 1 4", "1970-01-01 gamma 0 2", "1970-01-02 gamma 1 16",
                    "1970-01-04 gamma 2 8",
                ], "the release counts when it is final, for the team of that moment")
            #expect(try sums(.volunteer, tx) == ["volunteer(1) 95", "volunteer(2) 32"])
            #expect(try sums(.host, tx) == ["host(1) 31", "host(2) 32", "host(3) 64"])
            #expect(try sums(.team, tx) == ["team(nil) 35", "team(Optional(1)) 20", "team(Optional(2)) 72"])
            #expect(try sums(.project, tx) == ["project(\"alpha\") 4", "project(\"gamma\") 123"])
            #expect(
                try sums(.day, tx) == [
                    "day(1969-12-31) 1", "day(1970-01-01) 6", "day(1970-01-02) 16", "day(1970-01-03) 32",
                    "day(1970-01-04) 72",
                ])
            #expect(try sums(.host, tx, 1, 2) == ["host(1) 16", "host(2) 32"])
            #expect(try sums(.day, tx, 5, 9).isEmpty)
            let final = try tx.ledgerSummary().granted.microcobblestones
            #expect(final == 127)
        }
    }

    private func sums(
        _ grouping: CreditGrouping, _ tx: any StoreTransaction, _ first: Int64? = nil, _ last: Int64? = nil
    ) throws -> [String] {
        try tx.creditSums(
            by: grouping, from: first.map(UTCDay.init(number:)) ?? .first,
            through: last.map(UTCDay.init(number:)) ?? .last
        ).map { "\($0.key) \($0.amount.microcobblestones)" }
    }

    @Test("the audit names a day, a team and an average that are not the ledger's")
    func audit() throws {
        let store = MemoryStore()
        try store.transaction { tx in
            try Samples.addHosts(1, tx)
            _ = try tx.insertTeam { Samples.team($0) }
            try join(one, red, 1, tx)
            let entry = try tx.appendLedger(Samples.entry(task(0), host: 1, amount: 5_000_000))
            var host = try #require(try tx.host(HostID(rawValue: 1)))
            var owner = try #require(try tx.volunteer(one))
            try Samples.earn(entry, &host, &owner, tx)
            try tx.updateHost(host)
            try tx.updateVolunteer(owner)
            #expect(try StoreAudit.differences(tx) == [])
            host.recent.perDay *= 1 + 1e-8
            try tx.updateHost(host)
            owner.recent.at = Self.moment(499)
            try tx.updateVolunteer(owner)
            var team = try #require(try tx.team(red))
            team.credit = Credit(microcobblestones: 5_000_001)
            try tx.updateTeam(team)
            let found = try StoreAudit.differences(tx)
            #expect(found.map { $0.prefix { $0 != ":" } } == ["host 1", "volunteer 1", "team 1"])
        }
    }
}
