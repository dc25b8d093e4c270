import Bytes
import Domain
import FoundationEssentials
import ServerCore
import Storage
import SwiftProtobuf
import Testing
import Wire

@Suite("Reports and replays")
struct ReportTests {
    @Test("A number that was seen is refused and changes nothing; the refusal names the highest")
    func replay() throws {
        let site = try TestSite()
        let batch = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        try ada.fetch(1)
        let request = ada.request(reports: ada.held.map(ada.report), want: 1)
        ada.sequence = 41
        _ = try ada.call(request).get()
        let before = try site.status(batch)
        for stale in [Int64(42), 41, 1] {
            let refusal = try #require(throws: RequestRefusal.self) {
                try ada.send(request, sequence: stale).get()
            }
            #expect(refusal.code == .staleSequence && refusal.sequence == 42)
        }
        #expect(try site.status(batch) == before)
    }

    @Test("A request that is refused for its number leaves no blob of an inline result behind")
    func refusedRequestStoresNothing() throws {
        let site = try TestSite()
        _ = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        try ada.fetch(1)
        ada.says = { "wrong, and long enough to fill a disk: \($0)" }
        let request = ada.request(reports: ada.held.map(ada.report))
        let digest = try #require(Digest(bytes: request.reports[0].success.resultSha256))
        for refused in [ada.sequence, 0, Limits.sequenceMax + 1] {
            #expect(throws: RequestRefusal.self) { try ada.send(request, sequence: refused).get() }
            #expect(try !site.blobs.contains(digest), "number \(refused)")
        }
        _ = try ada.call(request).get()
        #expect(try site.blobs.contains(digest))
    }

    @Test("A reply that was lost is made good: the same tasks again, with the same deadline")
    func lostReply() throws {
        let site = try TestSite()
        _ = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        let lost = try ada.call(ada.request(want: 2)).get()
        #expect(lost.tasks.count == 2)
        site.wait(10)
        let again = try ada.call(ada.request(want: 0)).get()
        #expect(again.tasks.map(\.taskID) == lost.tasks.map(\.taskID))
        #expect(again.tasks.map(\.deadlineMs) == lost.tasks.map(\.deadlineMs))
        #expect(again.tasks.allSatisfy { !$0.unitInline.isEmpty && !$0.uploadTicket.isEmpty })
        let container = try UnitContainer.decode(
            [UInt8](again.tasks[0].unitInline), key: site.core.keys.project.publicKey)
        #expect(container.unitID == UInt64(TaskID(rawValue: Int64(again.tasks[0].taskID)).unit.rawValue))
    }

    @Test("The same report twice counts once; another result for it is a duplicate too")
    func duplicate() throws {
        let site = try TestSite()
        _ = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        try ada.fetch(1)
        let offers = ada.held
        let first = try ada.deliver()
        ada.held = offers
        ada.says = { _ in "something else" }
        let second = try ada.deliver()
        #expect(second.map(\.status) == [.receiptDuplicate])
        #expect(second[0].resultSha256 == first[0].resultSha256, "the receipt names the result that is kept")
    }

    @Test("A result that comes after its deadline is paid until the answer is put together", arguments: [false, true])
    func late(isPublic: Bool) throws {
        let site = try TestSite(units: isPublic ? 1 : 2)
        let batch = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        try ada.fetch(1)
        site.wait(1001)
        try site.work()
        #expect(try site.credit().hosts[0].errors == 1)
        // Others finish the unit meanwhile.
        for name in ["Grace", "Edsger"] {
            let volunteer = try TestVolunteer(site, name)
            try volunteer.fetch(2)
            volunteer.held.removeAll { $0.taskID >> 6 != ada.held[0].taskID >> 6 }
            try volunteer.deliver()
        }
        try site.work()
        #expect(try site.status(batch).state == (isPublic ? "finished" : "running"))
        // Once the results of its unit are public, nobody can tell hers from a copy.
        if isPublic { ada.says = { _ in "something that nobody else said" } }
        #expect(try ada.deliver().map(\.status) == [isPublic ? .receiptNotNeeded : .receiptLate])
        try site.work()
        #expect(try site.credit().hosts[0].microcobblestones == (isPublic ? 0 : 1_000_000))
        #expect(try site.credit().hosts[0].invalid == 0)
        try site.store.transaction { tx in
            try NamedBlobs.forEach(in: tx) { digest, what in
                let isThere = try site.blobs.contains(digest)
                #expect(isThere, "\(what())")
            }
        }
        try site.expectSoundStore()
    }

    @Test("A report without its blob is not accepted, and is once the blob is there")
    func missingBlob() throws {
        let site = try TestSite()
        _ = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        try ada.fetch(1)
        var report = ada.report(ada.held[0])
        let bytes = [UInt8](report.success.resultInline)
        report.success.resultInline = Data()
        let reply = try ada.call(ada.request(reports: [report])).get()
        #expect(try ada.checkedReceipts(reply).map(\.status) == [.receiptResultMissing])
        _ = try site.blobs.put(bytes)
        let accepted = try ada.call(ada.request(reports: [report])).get()
        #expect(try ada.checkedReceipts(accepted).map(\.status) == [.receiptAccepted])
    }

    @Test("A task of another host is not needed, and its inline result is not even stored")
    func foreignTask() throws {
        let site = try TestSite()
        _ = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        try ada.fetch(1)
        let mallory = try TestVolunteer(site, "Mallory")
        mallory.held = ada.held
        mallory.says = { _ in "planted" }
        #expect(try mallory.deliver().map(\.status) == [.receiptNotNeeded])
        #expect(try site.blobs.contains(SHA256Hash.digest(of: Array("planted".utf8))) == false)
        #expect(try ada.deliver().map(\.status) == [.receiptAccepted])
    }

    @Test("A result above the unit's bound is an error of the host")
    func tooLarge() throws {
        let site = try TestSite(units: 1)
        let batch = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        try ada.fetch()
        var report = ada.report(ada.held[0])
        report.success.resultInline = Data()
        report.success.resultBytes = 1 << 17
        let reply = try ada.call(ada.request(reports: [report])).get()
        #expect(try ada.checkedReceipts(reply).map(\.status) == [.receiptAccepted])
        let row = try #require(try site.validation(batch).units[0].tasks.first { $0.hostID == 1 })
        #expect(row.state == "failed" && row.reason.contains("131072"))
    }

    @Test("A failure is kept with a clean text")
    func failure() throws {
        let site = try TestSite(units: 1)
        let batch = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        ada.says = { _ in nil }
        try ada.fetch()
        try ada.deliver()
        let row = try #require(try site.validation(batch).units[0].tasks.first { $0.hostID == 1 })
        #expect(row.reason == "worker failed: worker ended [31m with 1")
        #expect(try site.credit().hosts[0].errors == 1)
    }
}
