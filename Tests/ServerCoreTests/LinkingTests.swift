import Bytes
import Domain
import FoundationEssentials
import ServerCore
import Storage
import SwiftProtobuf
import Testing
import Transparency
import Wire

/// Further hosts of a volunteer: how they join, and how they end.
@Suite("Link codes and hosts")
struct LinkingTests {
    private func code<T>(_ result: Result<T, RequestRefusal>) -> RefusalCode? {
        if case .failure(let refusal) = result { refusal.code } else { nil }
    }

    /// Registers a key with a code, whatever comes of it.
    private func register(
        _ site: TestSite, _ code: String, key: SigningKey = SigningKey(), name: String = ""
    ) throws -> Result<WireRegisterReply, RequestRefusal> {
        var request = WireRegisterRequest()
        request.publicKey = Data(key.publicKey.rawRepresentation)
        request.volunteerName = name
        request.linkCode = code
        request.profile = TestVolunteer.profile
        let body = [UInt8](try request.serializedData())
        let signed = RequestSignature.message(method: "POST", path: "/v1/register", sequence: 0, body: body)
        let call = try site.core.checkRegister(request, body: body, path: "/v1/register", signature: key.sign(signed))
        return try site.store.transaction { try site.core.register(call, in: $0, now: site.now) }
    }

    @Test("A name makes nobody somebody else: two of one name are two, and share nothing")
    func names() throws {
        let site = try TestSite(units: 1)
        let (ada, other) = (try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Ada"))
        #expect(try ada.ask(.accountShow).get().volunteerID == 1)
        #expect(try other.ask(.accountShow).get().volunteerID == 2)
        #expect(try other.ask(.accountListHosts).get().hosts.map(\.hostID) == [2])
        #expect(code(try other.ask(.accountRemoveHost, host: ada.host)) == .notFound)
        #expect(try ada.ask(.accountShow).get().mayChange && other.ask(.accountShow).get().mayChange)
    }

    @Test("A code brings one host into the account, once, for a quarter of an hour")
    func codes() throws {
        let site = try TestSite(units: 1)
        let ada = try TestVolunteer(site, "Ada")
        let first = try ada.ask(.accountLinkCode).get()
        #expect(LinkCode(first.linkCode) != nil)
        #expect(first.linkExpiresMs == UInt64(site.now.milliseconds + 900_000))
        let key = SigningKey()
        // As a person writes it.
        let typed = first.linkCode.lowercased().filter { $0 != "-" }
        let joined = try register(site, typed, key: key, name: "whatever").get()
        #expect(joined.volunteerID == 1 && joined.hostID == 2 && joined.volunteerName == "Ada")
        #expect(try register(site, typed, key: key).get() == joined, "repeated after a lost reply")
        #expect(code(try register(site, typed)) == .badLinkCode, "used")
        let second = try ada.ask(.accountLinkCode).get().linkCode
        let third = try ada.ask(.accountLinkCode).get().linkCode
        #expect(code(try register(site, second)) == .badLinkCode, "a newer one ends it")
        site.wait(901)
        #expect(code(try register(site, third)) == .badLinkCode, "expired")
        let fourth = try ada.ask(.accountLinkCode).get().linkCode
        site.wait(-60)
        #expect(code(try register(site, fourth)) == .badLinkCode, "from the future")
        site.wait(60)
        #expect(code(try register(site, "ZZZZ-ZZZZ")) == .badLinkCode)
        for wrong in ["U2345678", "1234567", "123456789", "\u{1B}[31m", String(repeating: "A", count: 100)] {
            #expect(throws: RequestRefusal.self, "\(wrong)") { try register(site, wrong) }
        }
        #expect(code(try register(site, fourth, key: ada.key)) == .wrongState, "it is a host already")
        #expect(try register(site, fourth).get().volunteerID == 1, "and the code is still good")
        try site.store.transaction { tx in
            // What is stored is no code, nor a hash that can be tried out without the server's key.
            for row in try tx.linkCodes(of: VolunteerID(rawValue: 1)) {
                for text in [first.linkCode, second, third, fourth] {
                    #expect(row.digest != SHA256Hash.digest(of: Array(text.utf8)))
                }
            }
            #expect(try tx.volunteers().count == 1)
        }
    }

    @Test("A volunteer asks for so many codes a day, and rows older than a month go")
    func limits() throws {
        let site = try TestSite(units: 1)
        let ada = try TestVolunteer(site, "Ada")
        for _ in 0..<Limits.linkCodesPerDayMax { _ = try ada.ask(.accountLinkCode).get() }
        let before = ada.sequence
        #expect(code(try ada.ask(.accountLinkCode)) == .tooManyRequests)
        #expect(code(try ada.ask(.accountShow, sequence: before + 1)) == nil, "a refused request keeps its number")
        site.wait(86_401)
        _ = try ada.ask(.accountLinkCode, sequence: before + 2).get()
        site.wait(31 * 86_400)
        _ = try ada.ask(.accountLinkCode, sequence: before + 3).get()
        #expect(try site.store.transaction { try $0.linkCodes(of: VolunteerID(rawValue: 1)).count } == 1)
    }

    @Test("The list tells of hosts that may call, and of nobody else's")
    func list() throws {
        let site = try TestSite(units: 2)
        let (ada, grace) = (try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace"))
        let laptop = try ada.second()
        _ = try site.submit()
        try site.work()
        try laptop.fetch(1)
        site.wait(60)
        let rows = try ada.ask(.accountListHosts).get().hosts
        #expect(rows.map(\.hostID) == [1, 3] && rows.map(\.manages) == [true, false])
        #expect(rows.map(\.tasksOut) == [0, 1] && rows.allSatisfy { $0.name == "host" })
        #expect(rows[1].lastSeenMs == UInt64(site.now.milliseconds - 60_000))
        #expect(code(try laptop.ask(.accountListHosts)) == .wrongState)
        #expect(try grace.ask(.accountListHosts).get().hosts.map(\.hostID) == [2])
    }

    @Test("A removed host is refused everywhere, and its tasks go back to the queue at once")
    func removal() throws {
        let site = try TestSite(units: 2, quorum: 1)
        let ada = try TestVolunteer(site, "Ada")
        let laptop = try ada.second()
        let batch = try site.submit()
        try site.work()
        try laptop.fetch()
        #expect(laptop.held.count == 2)
        #expect(code(try laptop.ask(.accountRemoveHost, host: ada.host)) == .wrongState, "it does not manage")
        #expect(code(try ada.ask(.accountRemoveHost, host: HostID(rawValue: 9))) == .notFound)
        #expect(throws: RequestRefusal.self) { try ada.ask(.accountRemoveHost, host: HostID(rawValue: 0)) }
        let reply = try ada.ask(.accountRemoveHost, host: laptop.host).get()
        #expect(reply.tasksGivenBack == 2)
        #expect(try ada.ask(.accountRemoveHost, host: laptop.host).get().tasksGivenBack == 0, "repeated")
        #expect(try ada.ask(.accountListHosts).get().hosts.map(\.hostID) == [1])
        // What it has finished is taken no more, and stores nothing.
        let late = laptop.request(reports: laptop.held.map(laptop.report))
        #expect(code(try laptop.call(late)) == .hostRemoved)
        #expect(code(try laptop.ask(.accountShow)) == .hostRemoved)
        #expect(code(try register(site, "", key: laptop.key, name: "Ada")) == .hostRemoved)
        let again = try ada.ask(.accountLinkCode).get().linkCode
        #expect(code(try register(site, again, key: laptop.key)) == .hostRemoved, "not even with a code")
        let caller = try site.store.transaction { try site.core.caller(laptop.host, in: $0) }
        #expect(code(caller) == .hostRemoved)
        // Nobody is blamed, and others compute them.
        try site.work()
        let grace = try TestVolunteer(site, "Grace")
        try grace.fetch()
        #expect(grace.held.count == 2)
        try grace.deliver()
        try site.work()
        #expect(try site.status(batch).state == "finished")
        #expect(try site.credit().hosts.map(\.errors) == [0, 0, 0])
        try site.expectSoundStore()
        #expect(try acts(site) == ["volunteer remove host 2"])
    }

    @Test("A host that speaks for a silent account removes none that is older, and what was signed is no silence")
    func absence() throws {
        let site = try TestSite(units: 1)
        let ada = try TestVolunteer(site, "Ada")
        let laptop = try ada.second()
        let stranger = try ada.second()
        for _ in 0..<3 {
            site.wait(20 * 86_400)
            _ = try ada.ask(.accountListHosts).get()
            #expect(try !stranger.ask(.accountShow).get().mayChange, "ada has asked within a month")
        }
        site.wait(31 * 86_400)
        _ = try stranger.ask(.accountListHosts).get()
        for older in [ada, laptop] {
            #expect(code(try stranger.ask(.accountRemoveHost, host: older.host)) == .wrongState)
        }
        #expect(code(try stranger.ask(.accountRemoveHost, host: stranger.host)) == nil, "it may go")
        #expect(try ada.ask(.accountListHosts).get().hosts.map(\.hostID) == [1, 2])
        #expect(code(try ada.ask(.accountRemoveHost, host: laptop.host)) == nil)
    }

    @Test("A registration that somebody has kept, sent again, changes nothing")
    func replay() throws {
        let site = try TestSite(units: 1)
        let ada = try TestVolunteer(site, "Ada")
        ada.profile.name = "renamed"
        _ = try ada.call(ada.request()).get()
        let before = try site.store.transaction { try $0.host(ada.host) }
        site.wait(40 * 86_400)
        #expect(try register(site, "", key: ada.key, name: "Ada").get().hostID == UInt64(ada.host.rawValue))
        #expect(try site.store.transaction { try $0.host(ada.host) } == before)
    }

    @Test("A host that leaves hands the account over to the next one at once")
    func leaving() throws {
        let site = try TestSite(units: 1)
        let ada = try TestVolunteer(site, "Ada")
        let laptop = try ada.second()
        #expect(!(try laptop.ask(.accountShow).get().mayChange))
        _ = try ada.ask(.accountRemoveHost, host: ada.host).get()
        #expect(code(try ada.ask(.accountShow)) == .hostRemoved)
        #expect(try laptop.ask(.accountShow).get().mayChange)
        #expect(try laptop.ask(.accountListHosts).get().hosts.map(\.hostID) == [2])
    }

    /// What the public log tells of acts of volunteers.
    private func acts(_ site: TestSite) throws -> [String] {
        try site.store.transaction { tx in
            try tx.logLeaves(from: 0, limit: 10_000).compactMap { bytes in
                guard case .adminAct(let act) = try LedgerLeaf(bytes).event, act.actor == "volunteer" else {
                    return nil
                }
                return "\(act.actor) \(act.act) \(act.object)"
            }
        }
    }
}
