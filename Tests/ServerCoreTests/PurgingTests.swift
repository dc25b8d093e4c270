import Bytes
import Domain
import ServerCore
import Storage
import StorageSQLite
import Synchronization
import Testing
import Wire

/// From rows into an archive and back, with damage and at every point where a crash may strike.
@Suite("Purging")
struct PurgingTests {
    /// A site with two finished batches of the same project.
    private func finished(store: any Store = MemoryStore(), units: Int = 5) throws -> (TestSite, BatchID, BatchID) {
        let site = try TestSite(store: store, units: units)
        let batches = [try site.submit(), try site.submit()]
        try site.work()
        let volunteers = try ["Ada", "Grace", "Edsger"].map { try TestVolunteer(site, $0) }
        while try batches.contains(where: { try site.status($0).state == "running" }) {
            for volunteer in volunteers {
                try volunteer.fetch()
                try volunteer.deliver()
            }
            try site.work()
        }
        try site.expectSoundStore()
        return (site, batches[0], batches[1])
    }

    private final class Bytes {
        var all: [UInt8] = []
        func reader() -> (Int) throws -> [UInt8] {
            var at = 0
            return { [all] count in
                let end = min(all.count, at + count)
                defer { at = end }
                return Array(all[at..<end])
            }
        }
    }

    private func archive(_ purging: Purging, _ id: BatchID) throws -> (BatchRecord, Bytes) {
        let (batch, place) = try purging.place(of: id)
        #expect(place == .rows)
        let bytes = Bytes()
        let summary = try purging.archive(batch) { bytes.all += $0 }
        #expect(try purging.verify(batch, comparing: true, bytes.reader()) == summary)
        return (batch, bytes)
    }

    /// All audits with the archived rows put back, which is then undone.
    private func audit(_ site: TestSite, _ bytes: Bytes) throws -> [String] {
        struct Undone: Error {}
        var found: [String] = []
        do {
            try site.store.transaction { tx in
                _ = try Purging.restore(bytes.reader(), into: tx)
                found = try StoreAudit.differences(tx)
                found += try LogAudit.differences(in: tx, seal: ServerKeys(project: TestSite.key).rows)
                throw Undone()
            }
        } catch is Undone {}
        return found
    }

    @Test("The file of a released app stays, though a result that is purged has the same bytes")
    func keptPrograms() throws {
        let (site, first, _) = try finished(store: MemoryStore())
        let program = SHA256Hash.digest(of: Array("true \(first).0".utf8))
        #expect(try site.blobs.contains(program))
        let purging = Purging(site.core, site.store, kept: [program])
        let (batch, bytes) = try archive(purging, first)
        try purging.removeRows(batch, archive: SHA256Hash.digest(of: bytes.all), now: site.now)
        #expect(try purging.removeBlobs(bytes.reader()).count == 9)
        #expect(try site.blobs.contains(program))
    }

    @Test("Rows and blobs go, audits hold with the archive, and nothing of another batch is touched")
    func wholeWay() throws {
        for store in [MemoryStore(), try SQLiteStore.inMemory()] as [any Store] {
            let (site, first, second) = try finished(store: store)
            let purging = Purging(site.core, site.store)
            let (batch, bytes) = try archive(purging, first)
            let credit = try site.credit()
            // A batch that names what is a result of the first one.
            let shared = SHA256Hash.digest(of: Array("true \(first).0".utf8))
            #expect(try site.blobs.contains(shared))
            _ = try site.store.transaction { tx in
                try tx.insertBatch { id in
                    BatchRecord(
                        id: id, project: "other", title: "", app: "sample-app", manifest: shared, inputs: [],
                        replication: batch.replication, state: .cancelled, cursor: [], splitFinished: true,
                        workUnitCount: 0, createdAt: site.now, finishedAt: site.now)
                }
            }
            let hash = SHA256Hash.digest(of: bytes.all)
            try purging.removeRows(batch, archive: hash, now: site.now)
            #expect(try purging.place(of: first).place == .archive)
            let removed = try purging.removeBlobs(bytes.reader(), window: 3)
            // Five containers and four results, each of two replicas.
            #expect(removed.count == 9)
            #expect(try site.blobs.contains(shared))
            try site.store.transaction { tx in
                var lost: [String] = []
                try NamedBlobs.forEach(in: tx) { digest, what in
                    if try !site.blobs.contains(digest) { lost.append(what()) }
                }
                #expect(lost == [])
                #expect(try Purging.archived(in: tx) == [first: hash])
                #expect(try StoreAudit.differences(tx) == [])
                #expect(try !LogAudit.differences(in: tx).isEmpty, "rows that the log tells of are not here")
            }
            #expect(try audit(site, bytes) == [])
            #expect(try site.credit() == credit)
            let status = try site.status(first)
            #expect(status.unitsValidated == 5 && status.state == "finished")
            #expect(try site.status(second).unitsValidated == 5)
            // Whoever reports a task of it late is told that it is not needed, and life goes on.
            let third = try site.submit()
            try site.work()
            #expect(try site.status(third).unitsTotal == 5)
        }
    }

    @Test("Every step may be repeated")
    func repeated() throws {
        let (site, first, _) = try finished()
        let purging = Purging(site.core, site.store)
        let (batch, _) = try archive(purging, first)
        let (_, bytes) = try archive(purging, first)
        try purging.removeRows(batch, archive: SHA256Hash.digest(of: bytes.all), now: site.now)
        let removed = try purging.removeBlobs(bytes.reader())
        #expect(removed.count == 10)
        #expect(try purging.removeBlobs(bytes.reader()).count == 0)
        #expect(try purging.verify(batch, comparing: false, bytes.reader()).units == 5)
        #expect(try audit(site, bytes) == [])
    }

    @Test("A blob is removed before anybody can name it who could not when its namers were looked for")
    func removedWhileLooking() throws {
        let (site, first, _) = try finished()
        let (batch, bytes) = try archive(Purging(site.core, site.store), first)
        // All of it happens on this thread.
        nonisolated(unsafe) let store = site.store
        let inside = Mutex(0)
        let outside = Mutex(0)
        let blobs = FaultyBlobStore(site.blobs, hash: BlobHash.factory) { _, call in
            guard call == .remove else { return .good }
            do {
                try store.transaction { _ in }
                outside.withLock { $0 += 1 }
            } catch {
                inside.withLock { $0 += 1 }
            }
            return .good
        }
        let core = ProjectServer(settings: site.core.settings, keys: site.core.keys, blobs: blobs, spec: site.core.spec)
        let purging = Purging(core, store)
        try purging.removeRows(batch, archive: SHA256Hash.digest(of: bytes.all), now: site.now)
        #expect(try purging.removeBlobs(bytes.reader()).count == 10)
        #expect(inside.withLock { $0 } == 10 && outside.withLock { $0 } == 0)
    }

    @Test("A byte that was changed anywhere, and an end that is missing, are found")
    func damage() throws {
        let (site, first, second) = try finished()
        let purging = Purging(site.core, site.store)
        let (batch, bytes) = try archive(purging, first)
        for at in stride(from: 0, to: bytes.all.count, by: max(1, bytes.all.count / 400)) {
            let damaged = Bytes()
            damaged.all = bytes.all
            damaged.all[at] ^= 0x10
            // A bit of the compressed form may mean nothing; then the content is the same.
            do {
                _ = try purging.verify(batch, comparing: true, damaged.reader())
            } catch let error as StoreError {
                guard case .corrupt = error else { throw error }
            }
            let cut = Bytes()
            cut.all = Array(bytes.all[..<at])
            #expect(throws: StoreError.self) { _ = try purging.verify(batch, comparing: false, cut.reader()) }
        }
        let (otherBatch, other) = try archive(purging, second)
        #expect(throws: StoreError.self) { _ = try purging.verify(batch, comparing: false, other.reader()) }
        #expect(throws: StoreError.self) { _ = try purging.verify(otherBatch, comparing: true, bytes.reader()) }
    }

    @Test("A content with another hash is found, however well it is packed")
    func forged() throws {
        let (site, first, _) = try finished()
        let purging = Purging(site.core, site.store)
        let (batch, bytes) = try archive(purging, first)
        // Rows that were changed after the archive was written are not what it says.
        try site.store.transaction { tx in
            guard var unit = try tx.workUnit(WorkUnitID(batch: first, index: 3)) else { return }
            unit.unit.updatedAt = unit.unit.updatedAt + TimeSpan(seconds: 1)
            try tx.saveWorkUnit(unit)
        }
        #expect(throws: StoreError.self) { _ = try purging.verify(batch, comparing: true, bytes.reader()) }
        #expect(try purging.verify(batch, comparing: false, bytes.reader()).units == 5)
    }

    @Test("What has not ended is refused, with the reason")
    func refused() throws {
        let site = try TestSite(units: 3)
        let batch = try site.submit()
        let purging = Purging(site.core, site.store)
        try site.work()
        #expect(throws: Fault.self) { _ = try purging.place(of: batch) }
        #expect(throws: Fault.self) { _ = try purging.place(of: BatchID(rawValue: 9)) }
        let record = try #require(try site.store.transaction { try $0.batch(batch) })
        #expect(throws: StoreError.self) { _ = try purging.archive(record) { _ in } }
        #expect(throws: StoreError.self) { try purging.removeRows(record, archive: record.manifest, now: site.now) }
        #expect(try site.store.transaction { try $0.workUnits(of: batch, fromIndex: 0, limit: 9) }.count == 3)
    }
}
