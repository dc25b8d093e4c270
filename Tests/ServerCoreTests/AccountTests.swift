import Bytes
import Domain
import FoundationEssentials
import ServerCore
import Storage
import Testing
import Wire

@Suite("Accounts and teams")
struct AccountTests {
    private func ask(
        _ volunteer: TestVolunteer, _ action: WireAccountAction, _ name: String = "", sequence: Int64? = nil
    ) throws -> Result<WireAccountReply, RequestRefusal> {
        try volunteer.ask(action, team: name, sequence: sequence)
    }

    private func code(_ result: Result<WireAccountReply, RequestRefusal>) -> RefusalCode? {
        if case .failure(let refusal) = result { refusal.code } else { nil }
    }

    /// Ada and Grace compute a batch and earn a cobblestone for each unit.
    private func earn(_ site: TestSite, _ volunteers: [TestVolunteer]) throws {
        let batch = try site.submit()
        try site.work()
        for volunteer in volunteers {
            try volunteer.fetch()
            try volunteer.deliver()
        }
        try site.work()
        #expect(try site.status(batch).state == "finished")
    }

    @Test("Credit counts for the team of the moment, and stays there")
    func teams() throws {
        let site = try TestSite(units: 2)
        let (ada, grace) = (try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace"))
        #expect(code(try ask(ada, .accountFoundTeam, "Red")) == .wrongState, "no credit yet")
        try earn(site, [ada, grace])
        let founded = try ask(ada, .accountFoundTeam, "Red").get()
        #expect(founded.teams.map(\.teamName) == ["Red"] && founded.teams[0].untilMs == 0)
        #expect(code(try ask(grace, .accountFoundTeam, "Red")) == .wrongState, "the name is taken")
        #expect(code(try ask(grace, .accountJoinTeam, "red")) == .notFound)
        site.wait(3600)
        #expect(try ask(grace, .accountJoinTeam, "Red").get().teams.count == 1)
        #expect(try ask(grace, .accountJoinTeam, "Red").get().teams.count == 1, "repeated after a lost reply")
        site.wait(7 * 86_400)
        try earn(site, [ada, grace])
        _ = try ask(grace, .accountFoundTeam, "Blue").get()
        site.wait(3600)
        try earn(site, [ada, grace])
        let left = try ask(ada, .accountLeaveTeam).get()
        #expect(left.teams.count == 1 && left.teams[0].untilMs > left.teams[0].fromMs)
        #expect(code(try ask(ada, .accountLeaveTeam)) == .wrongState)
        site.wait(3600)
        try earn(site, [ada, grace])

        try site.store.transaction { tx in
            let teams = try tx.teams()
            #expect(teams.map(\.credit.microcobblestones) == [6_000_000, 4_000_000])
            let export = try site.core.creditExport(
                CreditExportQuery(grouping: .team, from: nil, to: nil), in: tx, now: site.now)
            #expect(export.rows.map(\.name) == ["", "Red", "Blue"])
            #expect(export.rows.map(\.microcobblestones) == [6_000_000, 6_000_000, 4_000_000])
            #expect(export.totalMicrocobblestones == 16_000_000)
            // Eight cobblestones each: two a week and some hours ago, six today.
            let recent = try #require(try tx.volunteer(VolunteerID(rawValue: 1))).recent.perDay(now: site.now)
            #expect(abs(recent - (6 + 1) * RecentAverage.weightPerDay) < 0.02)
            for volunteer in try tx.volunteers() {
                let hosts = try tx.hosts(of: volunteer.id)
                #expect(hosts.map(\.recent) == [volunteer.recent])
            }
        }
        #expect(try site.credit().hosts.map(\.teamName) == ["", "Blue"])
        try site.expectSoundStore()
    }

    @Test("A replayed or old number changes nothing; a refused request keeps its number")
    func replays() throws {
        let site = try TestSite(units: 1)
        let (ada, grace) = (try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace"))
        try earn(site, [ada, grace])
        _ = try ask(ada, .accountFoundTeam, "Red").get()
        let used = ada.sequence
        _ = try ask(ada, .accountLeaveTeam).get()
        for number in [used, used + 1, 0, -1] {
            let answer = try ask(ada, .accountJoinTeam, "Red", sequence: number)
            guard case .failure(let refusal) = answer else { throw StoreError.conflict("a replay was taken") }
            #expect(refusal.code == .staleSequence && refusal.sequence == used + 1)
        }
        #expect(code(try ask(ada, .accountJoinTeam, "Red", sequence: Limits.sequenceMax + 1)) == .badRequest)
        #expect(try ask(ada, .accountShow).get().teams.last?.untilMs != 0)
        let next = ada.sequence + 1
        #expect(code(try ask(ada, .accountJoinTeam, "Green", sequence: next)) == .notFound)
        #expect(code(try ask(ada, .accountJoinTeam, "Red", sequence: next)) == nil)
    }

    @Test("A younger host of an account cannot lead it away, unless the older ones are gone")
    func manager() throws {
        let site = try TestSite(units: 1)
        let (ada, grace) = (try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace"))
        try earn(site, [ada, grace])
        _ = try ask(grace, .accountFoundTeam, "Thieves").get()
        let stranger = try ada.second()
        let acts: [WireAccountAction] = [
            .accountJoinTeam, .accountFoundTeam, .accountShowHosts, .accountLeaveTeam, .accountLinkCode,
            .accountListHosts,
        ]
        for action in acts { #expect(code(try ask(stranger, action, "Thieves")) == .wrongState, "\(action)") }
        let shown = try ask(stranger, .accountShow).get()
        #expect(!shown.mayChange && shown.volunteerName == "Ada" && shown.teams.isEmpty)
        #expect(try ask(ada, .accountShow).get().mayChange)
        site.wait(31 * 86_400)
        _ = try stranger.call(stranger.request()).get()
        #expect(try ask(stranger, .accountShow).get().mayChange)
        _ = try ada.call(ada.request()).get()
        #expect(code(try ask(stranger, .accountJoinTeam, "Thieves")) == .wrongState)
    }

    @Test("Limits of a day, and names that nobody may have")
    func limits() throws {
        let site = try TestSite(units: 1)
        let (ada, grace) = (try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace"))
        try earn(site, [ada, grace])
        for name in ["", " ", "a\u{1B}[31m", "a\u{202E}b", String(repeating: "x", count: 65)] {
            #expect(throws: RequestRefusal.self, "\(name)") { try ask(ada, .accountFoundTeam, name) }
            #expect(throws: RequestRefusal.self, "\(name)") { try ask(ada, .accountJoinTeam, name) }
        }
        #expect(throws: RequestRefusal.self) { try ask(ada, .UNRECOGNIZED(9)) }
        for number in 0..<Limits.teamsFoundedPerDayMax { _ = try ask(ada, .accountFoundTeam, "team \(number)").get() }
        #expect(code(try ask(ada, .accountFoundTeam, "one more")) == .tooManyRequests)
        for number in 0..<(Limits.membershipsPerDayMax - Limits.teamsFoundedPerDayMax) {
            _ = try ask(ada, .accountJoinTeam, "team \(number % 2)").get()
        }
        #expect(code(try ask(ada, .accountJoinTeam, "team 0")) == .tooManyRequests)
        site.wait(86_401)
        #expect(code(try ask(ada, .accountJoinTeam, "team 0")) == nil)
        #expect(code(try ask(ada, .accountFoundTeam, "one more")) == nil)
        try site.expectSoundStore()
    }

    @Test("A clock that was set back moves no credit")
    func clockSetBack() throws {
        let site = try TestSite(units: 1)
        let (ada, grace) = (try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace"))
        try earn(site, [ada, grace])
        _ = try ask(ada, .accountFoundTeam, "Red").get()
        site.wait(3600)
        try earn(site, [ada, grace])
        site.wait(-1800)
        _ = try ask(ada, .accountLeaveTeam).get()
        _ = try ask(ada, .accountJoinTeam, "Red").get()
        site.wait(-1800)
        _ = try ask(ada, .accountLeaveTeam).get()
        try site.expectSoundStore()
        #expect(try site.store.transaction { try $0.teams().map(\.credit.microcobblestones) } == [1_000_000])
    }
}
