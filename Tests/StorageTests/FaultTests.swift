import Domain
import Storage
import StorageSQLite
import Testing

/// The faulty wrappers do what their two bits say, and what a failure must leave behind is left.
@Suite("scripted faults")
struct FaultTests {
    static let fates = [false, true].flatMap { applied in
        [false, true].map { CallFate(applied: applied, reported: $0) }
    }

    @Test("a transaction: applied or not, reported or not", arguments: fates, StoreKind.allCases)
    func transactions(fate: CallFate, kind: StoreKind) throws {
        let bench = try StoreBench(kind)
        let store = FaultyStore(bench.store) { $0 == 1 ? fate : .good }
        try store.transaction { try Samples.addHosts(1, $0) }
        var ran = false
        let answer = refusal {
            try store.transaction { tx in
                ran = true
                try Samples.addHosts(1, tx)
            }
        }
        #expect(ran, "the body runs even when the commit fails")
        #expect(answer == (fate.reported ? "io" : nil))
        #expect(try store.transaction { try $0.hosts().count } == (fate.applied ? 2 : 1))
        #expect(store.calls == 3)
    }

    @Test("an error of the body is rethrown whatever the script says", arguments: fates)
    func bodyErrors(fate: CallFate) throws {
        struct Stop: Error {}
        let store = FaultyStore(MemoryStore()) { _ in fate }
        #expect(throws: Stop.self) { try store.transaction { _ in throw Stop() } }
    }

    @Test("a repeated transaction is harmless when it asks first", arguments: UInt64(1)...20)
    func retries(seed: UInt64) throws {
        var random = TestGenerator(seed: seed)
        var script: [CallFate] = []
        // A disk that lies is out of reach of any retry, so it does not occur here.
        for _ in 0..<400 { script.append(FaultTests.fates[[1, 2, 3, 2][random.below(4)]]) }
        let base = MemoryStore()
        let store = FaultyStore(base) { $0 < script.count ? script[$0] : .good }
        func insist(_ body: (any StoreTransaction) throws -> Void) throws {
            while (try? store.transaction(body)) == nil { try #require(store.calls < 1000) }
        }
        try insist { tx in
            if try tx.hosts().isEmpty { try Samples.addHosts(1, tx) }
        }
        for number in 0..<30 {
            let task = TaskID(rawValue: Int64(number))
            try insist { tx in
                guard try tx.ledgerEntries(for: task).isEmpty, var host = try tx.host(HostID(rawValue: 1)),
                    var owner = try tx.volunteer(host.volunteer)
                else { return }
                let entry = try tx.appendLedger(Samples.entry(task, host: 1, amount: 7))
                try Samples.earn(entry, &host, &owner, tx)
                try tx.updateHost(host)
                try tx.updateVolunteer(owner)
            }
        }
        #expect(store.calls > 45)
        #expect(try base.transaction { try $0.ledgerSummary().granted.microcobblestones } == 210)
        #expect(try base.transaction { try StoreAudit.differences($0) } == [])
    }

    @Test("a blob call: applied or not, reported or not", arguments: fates, BlobKind.allCases)
    func blobs(fate: CallFate, kind: BlobKind) throws {
        let bench = try BlobBench(kind)
        let words = Array("words".utf8)
        let name = digest(of: words, with: sha256)
        let upload = UploadName(blob: name)
        let faulty = { (bad: BlobCall) in
            FaultyBlobStore(bench.blobs, hash: sha256) { _, call in call == bad ? fate : .good }
        }
        let expected = fate.reported ? "io" : nil
        var told: Digest?
        #expect(refusal { told = try faulty(.put).put(words) } == expected)
        #expect(told == (fate.reported ? nil : name))
        #expect(try bench.blobs.contains(name) == fate.applied)
        _ = try bench.blobs.put(words)
        #expect(refusal { try faulty(.remove).remove(name) } == expected)
        #expect(try bench.blobs.contains(name) == !fate.applied)
        try bench.blobs.remove(name)
        var length: Int64?
        #expect(
            refusal {
                length = try faulty(.appendUpload).appendUpload(upload, offset: 0, bytes: words, limit: 9)
            } == expected)
        #expect(length == (fate.reported ? nil : 5))
        #expect(try bench.blobs.uploadOffset(upload) == (fate.applied ? 5 : 0))
        if !fate.applied { _ = try bench.blobs.appendUpload(upload, offset: 0, bytes: words, limit: 9) }
        #expect(refusal { try faulty(.finishUpload).finishUpload(upload, expecting: name) } == expected)
        #expect(try bench.blobs.contains(name) == fate.applied)
        try bench.blobs.finishUpload(upload, expecting: name)
        #expect(refusal { try faulty(.read).read(name, limit: 9) } == expected)
        #expect(refusal { try faulty(.size).size(of: name) } == expected)
        #expect(refusal { try faulty(.contains).contains(name) } == expected)
        #expect(refusal { try faulty(.uploadOffset).uploadOffset(upload) } == expected)
        #expect(faulty(.read).path(of: name) == bench.blobs.path(of: name))
    }
}
