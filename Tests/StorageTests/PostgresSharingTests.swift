import Domain
import Foundation
import PostgresServer
import Storage
import StoragePostgres
import StorageSQLite
import Testing

/// Several stores on one database, as several server processes have them.
@Suite("PostgreSQL: stores that share a database")
struct PostgresSharingTests {
    private struct Stop: Error {}

    /// A few calls, some of them in savepoints, some of which throw.
    private func part(_ random: inout TestGenerator, depth: Int, _ tx: any StoreTransaction) throws -> [String] {
        var answers: [String] = []
        for _ in 0..<random.below(8) {
            guard depth < 2, random.below(6) == 0 else {
                answers.append(RandomOperation.draw(&random).apply(tx))
                continue
            }
            do {
                answers += try tx.savepoint { try part(&random, depth: depth + 1, $0) }
            } catch is Stop {
                answers.append("undone")
            }
        }
        if random.below(6) == 0 { throw Stop() }
        return answers
    }

    /// Each transaction on the store that comes up by lot: one that was written by others in between is asked, too.
    private func play(seed: UInt64, on stores: [any Store]) throws -> [String] {
        var (random, lots) = (TestGenerator(seed: seed), TestGenerator(seed: seed &+ 1000))
        var answers: [String] = []
        for _ in 0..<80 {
            let store = stores[lots.below(3) % stores.count]
            do {
                answers += try store.transaction { try part(&random, depth: 0, $0) }
            } catch is Stop {
                answers.append("rolled back")
            }
        }
        return answers
    }

    @Test("whoever is asked knows what all have committed", arguments: UInt64(0)..<16)
    func sameAnswers(seed: UInt64) throws {
        let conninfo = try PostgresServer.fresh()
        let memory = MemoryStore()
        let expected = try play(seed: seed, on: [memory])
        let stores = try (0..<3).map { _ in try PostgresStore(conninfo) }
        let found = try play(seed: seed, on: stores)
        let at = zip(found, expected).enumerated().first { $0.element.0 != $0.element.1 }
        #expect(found == expected, "seed \(seed): \(String(describing: at))")
        let end = try memory.transaction { try Samples.dump($0) }
        for store in stores { #expect(try store.transaction { try Samples.dump($0) } == end) }
        #expect(try PostgresStore(conninfo).transaction { try Samples.dump($0) } == end)
    }

    @Test("transactions of several threads come one after the other: none fails, nothing is lost")
    func contention() async throws {
        let conninfo = try PostgresServer.fresh()
        _ = try PostgresStore(conninfo).transaction { tx in
            try Samples.addHosts(1, tx)
            let batch = try tx.insertBatch { Samples.batch($0) }
            try tx.insertWorkUnits((0..<60).map { Samples.unit(batch.id, $0, tasks: 1) })
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    let store = try PostgresStore(conninfo)
                    for _ in 0..<20 {
                        try store.transaction { tx in
                            let task = try #require(try tx.unsentNumbers(after: TaskID(rawValue: -1), limit: 1).first)
                            try Samples.change(task.unit, tx) {
                                $0.tasks[0].state = .sent(Samples.assignment(1, 1))
                                $0.unit.state = .active
                            }
                            _ = try tx.appendLogLeaf([1])
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let store = try PostgresStore(conninfo)
        #expect(try store.transaction { try $0.counts(of: BatchID(rawValue: 1)).tasksOut } == 60)
        #expect(try store.transaction { try $0.logLeafCount() } == 60)
    }

    @Test("who needs a database alone: not beside a server, and no server beside them")
    func alone() throws {
        let conninfo = try PostgresServer.fresh()
        var options = PostgresOptions()
        options.use = .alone
        do {
            let (store, election) = (try PostgresStore(conninfo), PostgresElection(conninfo))
            try store.transaction { _ in #expect(store.setting("idle_in_transaction_session_timeout") == "1min") }
            #expect(refusal { try PostgresStore(conninfo, options: options) } == "locked")
            #expect(election.hold())
            try store.transaction { try Samples.addHosts(1, $0) }
        }
        let store = try PostgresStore(conninfo, options: options)
        // It may read a large blob in the middle of a transaction.
        try store.transaction { _ in #expect(store.setting("idle_in_transaction_session_timeout") == "0") }
        #expect(refusal { try PostgresStore(conninfo) } == "locked")
        #expect(refusal { try PostgresStore(conninfo, options: options) } == "locked")
        #expect(!PostgresElection(conninfo).hold())
        try PostgresSmallBlobs(conninfo).put([(digest(of: [1], with: sha256), [1])])
        #expect(try store.transaction { try $0.hosts().count } == 1)
    }

    @Test("a folder of blobs that two stores use: each reads what the other one put, small or large")
    func blobs() throws {
        let (conninfo, folder) = (try PostgresServer.fresh(), try ScratchFolder())
        let stores = try (0..<2).map { _ in
            try FileBlobStore(
                path: folder.file("blobs"), hash: sha256, smallMax: 64, shared: PostgresSmallBlobs(conninfo))
        }
        for size in [0, 1, 64, 65, 5000] {
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
            let digest = try stores[0].put(bytes)
            #expect(try stores[1].read(digest, limit: 5000) == bytes)
            #expect(try stores[1].put(bytes) == digest)
            let path = try #require(stores[1].path(of: digest))
            #expect(try Data(contentsOf: URL(filePath: path)) == Data(bytes))
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("blobs/small.sqlite")))
        let alone = try FileBlobStore(path: folder.file("alone"), hash: sha256, smallMax: 64)
        _ = try alone.put([7])
        #expect(try alone.copySmall(to: PostgresSmallBlobs(conninfo)) == 1)
        #expect(try PostgresSmallBlobs(conninfo).bytes(of: digest(of: [7], with: sha256)) == [7])
    }

    @Test("one that missed more commits than are kept reads everything again")
    func farBehind() throws {
        let conninfo = try PostgresServer.fresh()
        let (busy, idle) = (try PostgresStore(conninfo), try PostgresStore(conninfo))
        try busy.transaction { tx in
            try Samples.addHosts(1, tx)
            _ = try tx.insertBatch { Samples.batch($0) }
        }
        _ = try idle.transaction { try $0.host(HostID(rawValue: 1)) }
        let count: Int64 = 1300
        for number in 0..<count {
            try busy.transaction { tx in
                try tx.insertWorkUnits([Samples.unit(BatchID(rawValue: 1), number, tasks: 1)])
                var host = try #require(try tx.host(HostID(rawValue: 1)))
                host.sequence = number
                try tx.updateHost(host)
            }
        }
        let kept = try #require(Int64(try RawPostgres(conninfo).text("SELECT count(*) FROM change") ?? ""))
        #expect(kept < 700, "old rows go")
        try idle.transaction { tx in
            #expect(try tx.unsentNumbers(after: TaskID(rawValue: -1), limit: 5000).count == Int(count))
            let host = try #require(try tx.host(HostID(rawValue: 1)))
            #expect(host.sequence == count - 1)
        }
    }

    @Test("a database that was put back to an earlier state is read again")
    func putBack() throws {
        let conninfo = try PostgresServer.fresh()
        let store = try PostgresStore(conninfo)
        try store.transaction { try Samples.addHosts(1, $0) }
        try store.transaction { tx in
            var host = try #require(try tx.host(HostID(rawValue: 1)))
            host.sequence = 99
            try tx.updateHost(host)
        }
        let raw = try RawPostgres(conninfo)
        try raw.run("UPDATE host SET sequence = 7; DELETE FROM change WHERE generation = 2")
        #expect(try store.transaction { try $0.host(HostID(rawValue: 1))?.sequence } == 7)
    }
}
