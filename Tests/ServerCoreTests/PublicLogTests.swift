import Bytes
import CSQLite
import Domain
import Engine
import Foundation
import ServerCore
import Storage
import StorageSQLite
import Testing
import Transparency
import Wire

@Suite("The public log of the server")
struct PublicLogTests {
    private func finished(_ store: any Store = MemoryStore()) throws -> (site: TestSite, batch: BatchID) {
        let site = try TestSite(store: store, units: 5)
        let batch = try site.submit()
        try site.work()
        let volunteers = [try TestVolunteer(site, "Ada"), try TestVolunteer(site, "Grace")]
        let forger = try TestVolunteer(site, "Mallory")
        forger.says = { _ in "wrong" }
        for _ in 0..<20 where try site.status(batch).state == "running" {
            for volunteer in [forger] + volunteers {
                try volunteer.fetch(2)
                try volunteer.deliver()
                try site.work()
            }
        }
        return (site, batch)
    }

    private func leaves(_ site: TestSite) throws -> [LedgerLeaf] {
        try site.store.transaction { try $0.logLeaves(from: 0, limit: 10_000) }.map { bytes in
            do { return try LedgerLeaf(bytes) } catch { throw StoreError.corrupt("\(error)") }
        }
    }

    @Test("It tells who was let in, every verdict and every movement of credit, in order")
    func tells() throws {
        let (site, batch) = try finished()
        #expect(try site.status(batch).state == "finished")
        let events = try leaves(site).map(\.event)
        guard case .adminAct(let act) = events[0], case .rows(let row) = events[1],
            case .release(let release) = events[2], case .rows(let units) = events[3]
        else {
            Issue.record("begins with \(events.prefix(4))")
            return
        }
        #expect(row.table == .batch && row.first == 1 && row.seals.count == 1)
        #expect(units.table == .workUnit && units.first == 1 << 36 && units.seals.count == 3)
        let end = LoggedAdminAct(actor: "server", act: "finish", object: "batch 1")
        #expect(events.last == .adminAct(end))
        #expect(act == LoggedAdminAct(actor: "admin", act: "submit", object: "batch 1"))
        #expect(release.project == "sample" && release.app == "sample-app" && release.version == 1)
        #expect(release.key == site.core.keys.project.publicKey.rawRepresentation)
        #expect(release.manifest == site.manifest)
        var credits: [LoggedCredit] = []
        var verdicts: [LoggedVerdict] = []
        for event in events {
            if case .credit(let credit) = event { credits.append(credit) }
            if case .verdict(let verdict) = event { verdicts.append(verdict) }
        }
        let entries = try site.store.transaction { try $0.ledger(fromNumber: 1, limit: 1000) }
        #expect(credits == entries.map { PublicLog.credit($0) })
        #expect(credits.count == 10)
        let invalid = verdicts.filter { $0.outcome == .invalid }
        #expect(!invalid.isEmpty)
        #expect(Set(verdicts.map(\.task)).count == verdicts.count, "each task is judged once")
        // Each commits to the result that was judged, and an accepted one to the canonical task.
        let aggregates = try site.store.transaction { try $0.workUnits(of: batch, fromIndex: 0, limit: 100) }
        let reports = aggregates.flatMap(\.tasks).reduce(into: [:]) { $0[$1.id] = $1.state.report?.result }
        for verdict in verdicts {
            #expect(verdict.basis?.result == reports[verdict.task])
            if verdict.outcome == .valid { #expect(verdict.canonical?.unit == verdict.unit) }
        }
        try site.expectSoundStore()
    }

    @Test("Cancelling is an act of the admin")
    func cancelling() throws {
        let site = try TestSite(units: 3)
        let batch = try site.submit()
        try site.work()
        try site.store.transaction { tx in _ = try site.core.cancel(batch, in: tx, now: site.now) }
        try site.work()
        #expect(
            try leaves(site).map(\.event).contains(
                .adminAct(LoggedAdminAct(actor: "admin", act: "cancel", object: "batch 1"))))
    }

    @Test("What an older version wrote is brought into the log, once")
    func backfill() throws {
        let (site, _) = try finished()
        // As an older version left it: everything but the log.
        let old = MemoryStore()
        try site.store.transaction { from in
            try old.transaction { to in
                for volunteer in 1...3 as ClosedRange<Int64> {
                    guard let record = try from.volunteer(VolunteerID(rawValue: volunteer)) else { continue }
                    _ = try to.insertVolunteer { _ in record }
                }
                for host in try from.hosts() { _ = try to.insertHost { _ in host } }
                for batch in try from.batches().reversed() {
                    _ = try to.insertBatch { _ in batch }
                    try to.insertWorkUnits(try from.workUnits(of: batch.id, fromIndex: 0, limit: 1000))
                }
                for entry in try from.ledger(fromNumber: 1, limit: 1000) { _ = try to.appendLedger(entry) }
            }
        }
        try old.transaction { tx in
            #expect(try LogAudit.differences(in: tx).contains("the log does not tell of ledger entry 10"))
            let made = try site.core.backfillLog(in: tx, now: site.now)
            #expect(made > 10)
            #expect(try LogAudit.differences(in: tx) == [])
            #expect(try site.core.backfillLog(in: tx, now: site.now) == 0)
        }
    }

    @Test("A root over the leaves is that of the published files")
    func root() throws {
        let (site, _) = try finished()
        let store = MemoryTileStore()
        let leaves = try site.store.transaction { try $0.logLeaves(from: 0, limit: 1000) }
        let edge = try TileWriter(signer: site.core.keys.log).publish(leaves, from: LogEdge(), to: store)
        for count in [Int64(0), 1, 7, Int64(leaves.count)] {
            #expect(try site.store.transaction { try LogAudit.root(over: count, in: $0) } != nil)
        }
        #expect(try site.store.transaction { try LogAudit.root(over: Int64(leaves.count), in: $0) } == edge.root)
        #expect(try site.store.transaction { try LogAudit.root(over: Int64(leaves.count) + 1, in: $0) } == nil)
        var verifier = LogVerifier(store, key: site.core.keys.log.key)
        let report = try verifier.run()
        #expect(report.isClean && report.leavesConfirmed == Int64(leaves.count))
    }

    /// Whoever edits the database by hand takes the triggers away first, and puts nothing else right.
    @Test("Any column of any row of the ledger, edited by hand, is found and named")
    func editedByHand() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "millrace-log-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let original = folder.appending(path: "original.sqlite").path()
        do {
            let store = try SQLiteStore(path: original)
            let (site, _) = try finished(store)
            try site.expectSoundStore()
            try store.checkpoint()
        }
        let changes = [
            "at_ms = at_ms + 1", "amount = amount + 1", "task = task + 64 * 4096", "debit_project = 'other'",
            "credit_host = 3 - credit_host % 2", "project = 'other'", "kind = 2",
        ]
        for number in 1...10 {
            for (at, change) in changes.enumerated() {
                let path = folder.appending(path: "\(number)-\(at).sqlite").path()
                try FileManager.default.copyItem(atPath: original, toPath: path)
                let update = "UPDATE ledger SET \(change) WHERE number = \(number)"
                try HandEdit.run(path, "DROP TRIGGER ledger_not_changed; \(update)")
                let store = try SQLiteStore(path: path)
                let found = try store.transaction { try LogAudit.differences(in: $0) }
                #expect(found.contains { $0.contains("ledger entry \(number) ") }, "\(change) of \(number): \(found)")
            }
        }
        for (sql, words) in [
            ("DROP TRIGGER ledger_not_removed; DELETE FROM ledger WHERE number = 10", "entry 10, which is missing"),
            (
                "DROP TRIGGER log_not_removed; DELETE FROM log_leaf WHERE position = "
                    + "(SELECT min(position) FROM log_leaf WHERE substr(leaf, 2, 1) = x'02')",
                "the log does not tell of ledger entry"
            ),
            ("DROP TRIGGER log_not_changed; UPDATE log_leaf SET leaf = x'01' WHERE position = 3", "leaf 3"),
            (
                "UPDATE task SET outcome = 1, element = NULL, distance = NULL, tolerance = NULL WHERE outcome = 2",
                "verdict"
            ),
        ] {
            let path = folder.appending(path: "\(UUID()).sqlite").path()
            try FileManager.default.copyItem(atPath: original, toPath: path)
            try HandEdit.run(path, sql)
            let store = try SQLiteStore(path: path)
            let found = try store.transaction { try LogAudit.differences(in: $0) }
            #expect(found.contains { $0.contains(words) }, "\(sql): \(found)")
        }
    }
}
