import Bytes
import Domain
import Engine
import ServerCore
import Storage
import Testing
import Wire

@Suite("Adaptive replication and provisional credit")
struct AdaptiveTests {
    private static let rule = AdaptiveRule(checkRate: 0.2, window: 20)

    /// The draws follow from the key, so each test sees the same ones every time.
    private func site(
        units: Int, _ rule: AdaptiveRule = rule, key: UInt8 = 1, checkEach: Bool = true
    ) throws -> TestSite {
        let key = try #require(SigningKey(rawRepresentation: [UInt8](repeating: key, count: 32)))
        return try TestSite(units: units, checkEach: checkEach, acceptance: .adaptive(rule), key: key)
    }

    /// Volunteers take turns until the batch ends. - Returns: the most that stood provisionally at any time.
    @discardableResult
    private func run(
        _ site: TestSite, _ batch: BatchID, _ volunteers: [TestVolunteer], turns: Int = 500, take: UInt32 = 3
    ) throws -> UInt64 {
        var stood: UInt64 = 0
        for _ in 0..<turns where try site.status(batch).state == "running" {
            for volunteer in volunteers {
                try volunteer.fetch(take)
                try volunteer.deliver()
                try site.work()
                stood = max(stood, try site.status(batch).unitsProvisional)
            }
        }
        return stood
    }

    private func tasks(_ site: TestSite, _ batch: BatchID) throws -> Int {
        try site.validation(batch).units.reduce(0) { $0 + $1.tasks.filter { $0.hostID != 0 }.count }
    }

    private func forged(_ site: TestSite, _ batch: BatchID) -> Int {
        (site.assembled[batch] ?? []).filter { !$0.hasPrefix("true") }.count
    }

    @Test("Honest hosts prove themselves, then most units are computed once", arguments: [true, false])
    func honest(checkEach: Bool) throws {
        let site = try site(units: 200, checkEach: checkEach)
        let batch = try site.submit()
        try site.work()
        let volunteers = [try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace")]
        let stood = try run(site, batch, volunteers)
        #expect(try site.status(batch).state == "finished")
        #expect(stood > 10)
        #expect(forged(site, batch) == 0 && site.assembled[batch]?.count == 200)
        let computed = try tasks(site, batch)
        #expect(computed > 210 && computed < 310, "computed \(computed) tasks")
        let credit = try site.credit()
        #expect(credit.provisionalMicrocobblestones == 0, "all of it is final")
        #expect(credit.ledgerTotalMicrocobblestones == Int64(computed) * 1_000_000)
        let trust = try site.store.transaction { try site.core.trustReport(host: nil, in: $0, now: site.now) }
        #expect(trust.hosts.count == 2)
        #expect(
            trust.hosts.allSatisfy {
                $0.windowMax >= 20 && $0.failed == 0 && $0.standing == 0 && $0.app == "sample-app"
            })
        try site.expectSoundStore()
    }

    @Test("While a result stands, its credit is provisional and issued, and nobody's for good")
    func provisional() throws {
        let site = try site(units: 60)
        let batch = try site.submit()
        try site.work()
        let volunteers = [try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace")]
        var seen = false
        for _ in 0..<100 where try site.status(batch).state == "running" {
            for volunteer in volunteers {
                try volunteer.fetch(2)
                try volunteer.deliver()
                try site.work()
            }
            let credit = try site.credit()
            let standing = Int64(try site.status(batch).unitsProvisional)
            #expect(credit.balanced)
            // What is computed again at the close stays provisional until that is done.
            #expect(credit.provisionalMicrocobblestones >= standing * 1_000_000)
            let held = credit.hosts.reduce(0) { $0 + $1.provisionalMicrocobblestones }
            #expect(held == credit.provisionalMicrocobblestones)
            seen = seen || standing > 0
            try site.expectSoundStore()
        }
        #expect(seen)
        #expect(try site.status(batch).state == "finished")
    }

    @Test(
        "A farmer who turns to forging is found out, and his whole window is computed again", arguments: UInt8(1)...12)
    func farmer(key: UInt8) throws {
        let site = try site(units: 240, key: key)
        let batch = try site.submit()
        try site.work()
        let honest = [try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace")]
        let farmer = try TestVolunteer(site, "Mallory")
        var answers = 0
        farmer.says = { unit in
            answers += 1
            return answers <= 40 ? "true \(unit)" : "wrong"
        }
        try run(site, batch, honest + [farmer])
        #expect(try site.status(batch).state == "finished")
        // Every result after the 40th is forged: at a rate of 0.2 the first draw comes long before 20 have passed.
        #expect(forged(site, batch) == 0)
        let row = try #require(try site.credit().hosts.last)
        #expect(row.invalid > 0)
        #expect(row.microcobblestones <= 40_000_000)
        #expect(row.provisionalMicrocobblestones == 0)
        let kinds = try site.store.transaction { try $0.ledger(fromNumber: 1, limit: 10_000).map(\.kind) }
        #expect(kinds.contains(.void) && kinds.contains(.release) && kinds.contains(.hold))
        let trust = try site.store.transaction { tx in
            try site.core.trustReport(host: farmer.host, in: tx, now: site.now)
        }
        #expect((trust.hosts.first?.windowMax ?? 99) < 20)
        #expect(trust.hosts.first?.explanation.contains("failed") == true)
        try site.expectSoundStore()
    }

    @Test("What was forged at the very end does not survive the close beyond the promise")
    func close() throws {
        var survived = 0
        var results = 0
        for key in 1...24 as ClosedRange<UInt8> {
            let site = try site(units: 60, key: key)
            let batch = try site.submit()
            try site.work()
            let honest = [try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace")]
            let cheat = try TestVolunteer(site, "Mallory")
            var answers = 0
            cheat.says = { unit in
                answers += 1
                return answers == 18 ? "wrong" : "true \(unit)"
            }
            try run(site, batch, honest + [cheat])
            #expect(try site.status(batch).state == "finished")
            survived += forged(site, batch)
            results += answers
            try site.expectSoundStore()
        }
        let promised = Trust.survivalBound(Self.rule) * Double(results)
        #expect(Double(survived) <= promised + 3 * promised.squareRoot(), "\(survived) of \(results) survived")
    }

    @Test("A crash of the server between any two ticks changes no draw and loses nothing")
    func restarts() throws {
        func play(restart: Bool) throws -> ([String], Int64) {
            let site = try site(units: 80)
            let batch = try site.submit()
            try site.work()
            let volunteers = [try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace")]
            for _ in 0..<200 where try site.status(batch).state == "running" {
                for volunteer in volunteers {
                    try volunteer.fetch(3)
                    try volunteer.deliver()
                    if restart {
                        // Jobs that were begun and never came to their end.
                        _ = try site.tick()
                        site.restart()
                    }
                    try site.work()
                }
            }
            try site.expectSoundStore()
            return (site.assembled[batch] ?? [], try site.credit().ledgerTotalMicrocobblestones)
        }
        let calm = try play(restart: false)
        #expect(calm.0.count == 80)
        #expect(try play(restart: true) == calm)
    }

    @Test("A proof makes one result enough; what it cannot prove needs a second")
    func check() throws {
        for proves in [true, false] {
            let site = try TestSite(units: 20, acceptance: .check)
            site.proves = proves
            let batch = try site.submit()
            try site.work()
            let volunteers = [try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace")]
            try run(site, batch, volunteers)
            #expect(try site.status(batch).state == "finished")
            #expect(try tasks(site, batch) == (proves ? 20 : 40))
            #expect(try site.credit().ledgerTotalMicrocobblestones == (proves ? 20_000_000 : 40_000_000))
            try site.expectSoundStore()
        }
    }

    @Test("A cancelled batch takes back what was provisional")
    func cancelled() throws {
        let site = try site(units: 60)
        let batch = try site.submit()
        try site.work()
        let volunteers = [try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace")]
        for _ in 0..<100 where try site.status(batch).unitsProvisional < 3 {
            for volunteer in volunteers {
                try volunteer.fetch(2)
                try volunteer.deliver()
                try site.work()
            }
        }
        #expect(try site.status(batch).unitsProvisional >= 3)
        try site.store.transaction { tx in _ = try site.core.cancel(batch, in: tx, now: site.now) }
        try site.work()
        #expect(try site.credit().provisionalMicrocobblestones == 0)
        #expect(try site.status(batch).unitsProvisional == 0)
        try site.expectSoundStore()
    }

    /// Cancelling drops results whose check is open; that must not reach into the units that are cancelled next.
    @Test("A batch with open checks and standing results can be cancelled", arguments: UInt8(1)...8)
    func cancelledWithChecks(key: UInt8) throws {
        let site = try site(units: 90, AdaptiveRule(checkRate: 0.3, window: 1), key: key)
        let batch = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        let grace = try TestVolunteer(site, "Grace")
        for _ in 0..<4 {
            for volunteer in [ada, grace] {
                try volunteer.fetch(2)
                try volunteer.deliver()
                try site.work()
            }
        }
        // From here on nobody checks.
        for _ in 0..<8 {
            try ada.fetch(4)
            try ada.deliver()
            try site.work()
        }
        let before = try site.status(batch)
        try site.store.transaction { tx in _ = try site.core.cancel(batch, in: tx, now: site.now) }
        try site.work()
        let after = try site.status(batch)
        #expect(after.unitsProvisional == 0 && after.unitsActive == 0)
        #expect(after.unitsValidated == before.unitsValidated, "cancelling makes nothing final")
        #expect(try site.credit().provisionalMicrocobblestones == 0)
        try site.expectSoundStore()
    }

    @Test("What was put aside while a result stood is taken up again when it is to be checked")
    func spareTasks() throws {
        let key = try #require(SigningKey(rawRepresentation: [UInt8](repeating: 3, count: 32)))
        let site = try TestSite(
            units: 60, acceptance: .adaptive(AdaptiveRule(checkRate: 0.3, window: 3)), replicas: (2, 2), key: key)
        let batch = try site.submit()
        try site.work()
        let volunteers = [try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace")]
        try run(site, batch, volunteers)
        #expect(try site.status(batch).state == "finished")
        #expect(try site.status(batch).unitsFailed == 0)
        try site.expectSoundStore()
    }
}
