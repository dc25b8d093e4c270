import Bytes
import Domain
import FoundationEssentials
import ServerCore
import Storage
import SwiftProtobuf
import Testing
import Transparency
import Wire

/// A volunteer who wants to be forgotten.
@Suite("Erasing a volunteer")
struct ErasingTests {
    private func erase(
        _ volunteer: TestVolunteer, key: SigningKey? = nil, sequence chosen: Int64? = nil
    ) throws -> Result<WireErasureStatement, RequestRefusal> {
        let (site, signer) = (volunteer.site, key ?? volunteer.key)
        var request = WireEraseRequest()
        request.publicKey = Data(signer.publicKey.rawRepresentation)
        if chosen == nil { volunteer.sequence += 1 }
        let sequence = chosen ?? volunteer.sequence
        let body = [UInt8](try request.serializedData())
        let signed = RequestSignature.message(method: "POST", path: "/v1/erase", sequence: sequence, body: body)
        let call = try site.core.checkErase(
            request, body: body, path: "/v1/erase", sequence: sequence, signature: signer.sign(signed))
        return try site.store.transaction { tx in
            try site.core.erase(call, host: volunteer.host, sequence: sequence, in: tx, now: site.now)
        }.map(\.statement)
    }

    private func code<T>(_ result: Result<T, RequestRefusal>) -> RefusalCode? {
        if case .failure(let refusal) = result { refusal.code } else { nil }
    }

    /// Ada with two hosts that are named in public, a team and credit; Grace computes with her.
    private func site() throws -> (site: TestSite, ada: TestVolunteer, laptop: TestVolunteer, grace: TestVolunteer) {
        let site = try TestSite(units: 4)
        let ada = try TestVolunteer(site, "Ada Lovelace")
        ada.profile.name = "adas-desk"
        ada.profile.cpuModel = "Analytical Engine"
        let laptop = try ada.second()
        laptop.profile.name = "adas-lap"
        let grace = try TestVolunteer(site, "Grace")
        for founding in [false, true] {
            let batch = try site.submit()
            try site.work()
            for volunteer in [ada, laptop, grace, ada, laptop] {
                try volunteer.fetch(2)
                try volunteer.deliver()
            }
            try grace.fetch()
            try grace.deliver()
            try site.work()
            #expect(try site.status(batch).state == "finished")
            if !founding { _ = try ada.ask(.accountFoundTeam, team: "Engines").get() }
            site.wait(3600)
        }
        _ = try ada.ask(.accountShowHosts).get()
        return (site, ada, laptop, grace)
    }

    @Test("Nothing of a person is left, and the sums are the same to the unit")
    func erasing() throws {
        let (site, ada, laptop, grace) = try site()
        _ = try site.submit()
        try site.work()
        try laptop.fetch(2)
        #expect(!laptop.held.isEmpty)
        _ = try ada.ask(.accountLinkCode).get()
        let before = try site.store.transaction { tx in
            (try tx.ledgerSummary(), try tx.teams(), try tx.volunteer(VolunteerID(rawValue: 1)))
        }
        let report = try site.credit()
        let statement = try erase(ada).get()
        #expect(statement.volunteerID == 1 && statement.hosts == 2)
        #expect(statement.erasedMs == UInt64(site.now.milliseconds))
        try site.expectSoundStore()
        try site.store.transaction { tx in
            #expect(try tx.ledgerSummary() == before.0)
            #expect(try tx.teams() == before.1, "what counted for a team is the team's")
            let volunteer = try #require(try tx.volunteer(VolunteerID(rawValue: 1)))
            #expect(volunteer.credit == before.2?.credit && volunteer.credit > .zero)
            #expect(volunteer.name == "erased volunteer" && !volunteer.showsHosts && volunteer.erasedAt == site.now)
            #expect(try tx.memberships(of: volunteer.id).last?.until != nil)
            #expect(try tx.lastingMemberships().isEmpty && tx.linkCodes(of: volunteer.id).isEmpty)
            #expect(volunteer.createdAt.milliseconds % UTCDay.milliseconds == 0)
            for host in try tx.hosts(of: volunteer.id) {
                #expect(host.createdAt.milliseconds % UTCDay.milliseconds == 0)
                #expect(host.lastSeenAt.milliseconds % UTCDay.milliseconds == 0)
                #expect(host.profile == .erased && host.removedAt == site.now && host.measuredFlopsPerSecond == nil)
                #expect(![ada, laptop].contains { $0.key.publicKey.rawRepresentation == host.publicKey })
            }
            #expect(try tx.sentTasks(of: laptop.host).isEmpty, "its tasks went back")
            for file in try [site.core.statistics(in: tx, now: site.now)].flatMap({
                [$0.usersXML(), $0.hostsXML(), $0.teamsXML()]
            }) {
                let text = String(decoding: file, as: UTF8.self)
                #expect(!text.contains("Ada") && !text.contains("Analytical") && !text.contains("adas-"))
            }
            let users = String(decoding: try site.core.statistics(in: tx, now: site.now).usersXML(), as: UTF8.self)
            #expect(users.contains("<name>erased volunteer</name>"))
            let leaves = try tx.logLeaves(from: 0, limit: 100_000)
            let acts = try leaves.filter { bytes in
                guard case .adminAct(let act) = try LedgerLeaf(bytes).event else { return false }
                return act == LoggedAdminAct(actor: "volunteer", act: "erase", object: "volunteer 1")
            }
            #expect(acts.count == 1)
            #expect(leaves.allSatisfy { !String(decoding: $0, as: UTF8.self).contains("Ada") })
        }
        let after = try site.credit()
        #expect(after.balanced && after.hosts.map(\.microcobblestones) == report.hosts.map(\.microcobblestones))
        #expect(after.hosts.filter { $0.volunteerID == 1 }.allSatisfy { $0.volunteerName == "erased volunteer" })
        // Who is left finishes the work.
        try site.work()
        for volunteer in [grace, try TestVolunteer(site, "Edsger")] {
            try volunteer.fetch()
            try volunteer.deliver()
        }
        try site.work()
        try site.expectSoundStore()
    }

    @Test("Asking again gives the same statement; the other hosts are told; nobody comes back by an old key")
    func again() throws {
        let (site, ada, laptop, grace) = try site()
        #expect(code(try erase(laptop)) == .wrongState, "another host manages the account")
        #expect(code(try erase(ada, key: SigningKey())) == .unknownHost)
        #expect(code(try erase(ada, key: laptop.key)) == .unknownHost)
        #expect(code(try erase(ada, sequence: 1)) == .staleSequence)
        let statement = try erase(ada).get()
        site.wait(1000)
        for number in [1, ada.sequence, ada.sequence + 1] as [Int64] {
            #expect(try erase(ada, sequence: number).get() == statement)
        }
        #expect(try erase(laptop).get() == statement, "the other host may clean up as well")
        let reply = try site.core.signed(statement)
        #expect(
            site.core.keys.project.publicKey.isValid(
                signature: [UInt8](reply.signature), for: ErasureSignature.message(statement: [UInt8](reply.statement)))
        )
        for host in [ada, laptop] {
            #expect(code(try host.call(host.request())) == .erased)
            #expect(code(try host.ask(.accountShow)) == .erased)
            let caller = try site.store.transaction { try site.core.caller(host.host, in: $0) }
            #expect(code(caller) == .erased)
            var request = WireRegisterRequest()
            request.publicKey = Data(host.key.publicKey.rawRepresentation)
            request.volunteerName = "Ada"
            request.profile = TestVolunteer.profile
            let body = [UInt8](try request.serializedData())
            let signed = RequestSignature.message(method: "POST", path: "/v1/register", sequence: 0, body: body)
            let call = try site.core.checkRegister(
                request, body: body, path: "/v1/register", signature: host.key.sign(signed))
            let answer = try site.store.transaction { try site.core.register(call, in: $0, now: site.now) }
            #expect(code(answer) == .erased)
        }
        #expect(code(try grace.ask(.accountShow)) == nil)
        let fresh = try TestVolunteer(site, "Ada Lovelace")
        #expect(try fresh.ask(.accountShow).get().volunteerID == 3, "a new account, with nothing of the old")
        try site.expectSoundStore()
    }

    @Test("A host that speaks for an account only because the older ones are silent erases nothing")
    func byAbsence() throws {
        let site = try TestSite(units: 1)
        let ada = try TestVolunteer(site, "Ada")
        let stranger = try ada.second()
        site.wait(31 * 86_400)
        _ = try stranger.call(stranger.request()).get()
        #expect(try stranger.ask(.accountShow).get().mayChange)
        #expect(code(try erase(stranger)) == .wrongState)
        #expect(try ada.ask(.accountShow).get().volunteerName == "Ada")
        #expect(try erase(ada).get().hosts == 2)
    }

    @Test("A crash before the commit leaves everything, one after it nothing to do again")
    func crashes() throws {
        for (applied, number) in [(false, 1), (true, 2)] as [(Bool, Int)] {
            var fate = CallFate.good
            let store = FaultyStore(MemoryStore()) { _ in fate }
            let site = try TestSite(store: store, units: 1)
            let ada = try TestVolunteer(site, "Ada")
            fate = CallFate(applied: applied, reported: true)
            #expect(throws: StoreError.self, "\(number)") { try erase(ada) }
            fate = .good
            let name = try site.store.transaction { try $0.volunteer(VolunteerID(rawValue: 1))?.name }
            #expect(name == (applied ? VolunteerRecord.erasedName : "Ada"))
            #expect(try erase(ada).get().volunteerID == 1)
            try site.expectSoundStore()
        }
    }

    @Test("An admin erases whoever cannot do it alone, once")
    func byAdmin() throws {
        let (site, ada, _, _) = try site()
        let first = try site.store.transaction {
            try site.core.erase(volunteer: VolunteerID(rawValue: 1), in: $0, now: site.now)
        }
        site.wait(60)
        let second = try site.store.transaction { tx in
            #expect(try site.core.erase(volunteer: VolunteerID(rawValue: 9), in: tx, now: site.now) == nil)
            return try site.core.erase(volunteer: VolunteerID(rawValue: 1), in: tx, now: site.now)
        }
        #expect(first?.volunteerID == 1 && first == second)
        #expect(code(try ada.call(ada.request())) == .erased)
        #expect(try erase(ada).get() == first, "the client may clean up")
        try site.store.transaction { tx in
            let acts = try tx.logLeaves(from: 0, limit: 100_000).compactMap { bytes -> LoggedAdminAct? in
                if case .adminAct(let act) = try LedgerLeaf(bytes).event, act.act == "erase" { act } else { nil }
            }
            #expect(acts == [LoggedAdminAct(actor: "admin", act: "erase", object: "volunteer 1")])
        }
        try site.expectSoundStore()
    }

    @Test("A request that nobody signed, or another signed, is refused")
    func signatures() throws {
        let site = try TestSite(units: 1)
        let ada = try TestVolunteer(site, "Ada")
        var request = WireEraseRequest()
        request.publicKey = Data(ada.key.publicKey.rawRepresentation)
        let body = [UInt8](try request.serializedData())
        for (sequence, path, key) in [
            (2, "/v1/erase", ada.key), (1, "/v1/account", ada.key), (1, "/v1/erase", SigningKey()),
        ] as [(Int64, String, SigningKey)] {
            let signed = RequestSignature.message(method: "POST", path: path, sequence: sequence, body: body)
            let refusal = #expect(throws: RequestRefusal.self) {
                try site.core.checkErase(
                    request, body: body, path: "/v1/erase", sequence: 1, signature: key.sign(signed))
            }
            #expect(refusal?.code == .badSignature)
        }
        request.publicKey = Data([1, 2, 3])
        #expect(throws: RequestRefusal.self) {
            try site.core.checkErase(request, body: body, path: "/v1/erase", sequence: 1, signature: [])
        }
    }
}
