import Bytes
import Domain
import FoundationEssentials
import ServerCore
import Storage
import SwiftProtobuf
import Testing
import Wire

@Suite("Whole batches in memory")
struct WholeBatchTests {
    @Test("From submission to answer, in order, with credit for both replicas")
    func happyPath() throws {
        let site = try TestSite(units: 7)
        let batch = try site.submit()
        try site.work()
        let volunteers = [try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace")]
        while try site.status(batch).state == "running" {
            for volunteer in volunteers {
                try volunteer.fetch()
                let receipts = try volunteer.deliver()
                #expect(receipts.allSatisfy { $0.status == .receiptAccepted })
            }
            try site.work()
        }
        let status = try site.status(batch)
        #expect(status.state == "finished")
        #expect(status.unitsTotal == 7 && status.unitsValidated == 7)
        #expect(site.assembled[batch] == (Int64(0)..<7).map { "true \(WorkUnitID(batch: batch, index: $0))" })
        let credit = try site.credit()
        // 4.32e11 FLOPs are one cobblestone.
        #expect(credit.hosts.map(\.microcobblestones) == [7_000_000, 7_000_000])
        #expect(credit.hosts.allSatisfy { $0.valid == 7 && $0.invalid == 0 })
        #expect(credit.hosts.allSatisfy { abs($0.measuredGflops - 10) < 1e-9 })
        try site.expectSoundStore()
    }

    @Test("A host that alters results is refused by check or quorum, and earns nothing")
    func alteredResults() throws {
        for lie in ["lie", "wrong", "not a result"] {
            let site = try TestSite(units: 3)
            let batch = try site.submit()
            try site.work()
            let honest = [try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace")]
            let forger = try TestVolunteer(site, "Mallory")
            forger.says = { _ in lie }
            try forger.fetch()
            try forger.deliver()
            #expect(try site.work() > 0)
            for _ in 0..<10 where try site.status(batch).state == "running" {
                for volunteer in honest {
                    try volunteer.fetch()
                    try volunteer.deliver()
                }
                try site.work()
            }
            #expect(try site.status(batch).state == "finished")
            let rows = try site.credit().hosts
            #expect(rows.map(\.microcobblestones) == [3_000_000, 3_000_000, 0])
            #expect(rows[2].invalid == 3)
            let verdicts = try site.validation(batch).units.flatMap(\.tasks).filter { $0.volunteerName == "Mallory" }
            #expect(verdicts.count == 3)
            for verdict in verdicts {
                #expect(verdict.state == "invalid" && !verdict.reason.isEmpty)
                #expect(verdict.creditMicrocobblestones == 0)
                if lie != "not a result" { #expect(verdict.element == "text" && verdict.distance > verdict.tolerance) }
            }
            try site.expectSoundStore()
        }
    }

    @Test("Two results that differ bring a third replica, of another volunteer, that decides")
    func disagreement() throws {
        let site = try TestSite(units: 1)
        let batch = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        let second = try ada.second()
        let mallory = try TestVolunteer(site, "Mallory")
        mallory.says = { _ in "wrong" }
        for volunteer in [ada, mallory] {
            try volunteer.fetch()
            try volunteer.deliver()
        }
        try site.work()
        #expect(try site.status(batch).unitsValidated == 0)
        // Another machine of the same person is no second opinion.
        try second.fetch()
        #expect(second.held.isEmpty)
        let grace = try TestVolunteer(site, "Grace")
        try grace.fetch()
        try grace.deliver()
        try site.work()
        let report = try site.validation(batch)
        #expect(report.unitsAgreed == 1 && report.unitsWithDisagreement == 1)
        #expect(try site.status(batch).state == "finished")
        try site.expectSoundStore()
    }

    @Test("A unit that never finds a quorum fails its batch, and the reason names it")
    func noAgreement() throws {
        let site = try TestSite(units: 2)
        let batch = try site.submit()
        try site.work()
        for number in 0..<8 {
            let volunteer = try TestVolunteer(site, "V\(number)")
            volunteer.says = { unit in unit.index == 1 ? "wrong \(number)" : "true" }
            try volunteer.fetch()
            try volunteer.deliver()
            try site.work()
        }
        let status = try site.status(batch)
        #expect(status.state == "failed")
        #expect(status.reason.contains("1 of 2") && status.reason.contains("piece 1"))
        #expect(site.assembled.isEmpty)
        try site.expectSoundStore()
    }

    @Test("Cancel stops sending, aborts what is out, and a second cancel changes nothing")
    func cancel() throws {
        let site = try TestSite(units: 4)
        let batch = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        try ada.fetch(2)
        #expect(ada.held.count == 2)
        for _ in 0..<2 {
            let record = try site.store.transaction { tx in
                try site.core.cancel(batch, in: tx, now: site.now).get()
            }
            #expect(record.state == .cancelled)
        }
        let offers = ada.held
        try ada.fetch()
        #expect(ada.held.count == 2, "nothing new")
        #expect(try site.work() == 0)
        try ada.fetch()
        #expect(ada.held.isEmpty, "what is out is aborted")
        ada.held = offers
        #expect(try ada.deliver().allSatisfy { $0.status == .receiptNotNeeded })
        try site.expectSoundStore()
        let unknown = try site.store.transaction { tx in
            try site.core.cancel(BatchID(rawValue: 99), in: tx, now: site.now)
        }
        #expect(throws: RequestRefusal.self) { try unknown.get() }
    }
}
