import Domain
import Foundation
import Storage
import StorageSQLite
import Testing

/// What was acknowledged is there, whole, whenever the process or the machine dies.
@Suite("SQLite: crashes")
struct SQLiteCrashTests {
    /// One transaction: a unit with a task, and a ledger entry with host and volunteer in step.
    static func step(_ number: Int64, _ store: any Store) throws {
        try store.transaction { tx in try step(number, tx) }
    }

    private static func step(_ number: Int64, _ tx: any StoreTransaction) throws {
        if number == 0 {
            try Samples.addHosts(1, tx)
            _ = try tx.insertBatch { Samples.batch($0) }
        }
        let unit = Samples.unit(BatchID(rawValue: 1), number, tasks: 1)
        try tx.insertWorkUnits([unit])
        try Samples.change(unit.unit.id, tx) { $0.tasks[0].state = .sent(Samples.assignment(1, 1)) }
        let entry = try tx.appendLedger(Samples.entry(unit.tasks[0].id, host: 1, amount: 10 + number))
        guard var host = try tx.host(HostID(rawValue: 1)), var owner = try tx.volunteer(host.volunteer) else {
            throw StoreError.missing("host 1")
        }
        try Samples.earn(entry, &host, &owner, tx)
        try tx.updateHost(host)
        try tx.updateVolunteer(owner)
    }

    /// - Returns: how many steps the store holds; all of them whole, or an issue is recorded.
    static func steps(in store: any Store) throws -> Int64 {
        try store.transaction { tx in
            #expect(try StoreAudit.differences(tx) == [])
            let units = try tx.counts(of: BatchID(rawValue: 1)).total
            #expect(try tx.ledgerSummary().entries == units)
            #expect(try tx.workUnits(of: BatchID(rawValue: 1), fromIndex: 0, limit: .max).count == Int(units))
            return units
        }
    }

    /// The disk as a machine that lost its power leaves it: everything synced is there, of what came later any part,
    /// and what was torn is garbage. Whoever waits for the disk later must not have another log for it.
    @Test(arguments: UInt64(1)...4, [false, true])
    func powerLoss(seed: UInt64, isDeferring: Bool) throws {
        var random = TestGenerator(seed: seed)
        let folder = try ScratchFolder()
        let path = folder.file("live.sqlite")
        let log = path + "-wal"
        func size() throws -> Int { (try FileManager.default.attributesOfItem(atPath: log)[.size] as? Int) ?? 0 }
        let store = try SQLiteStore(path: path)
        var acknowledged = [try size()]
        for number in 0..<Int64(25) {
            if isDeferring {
                try store.transactionDeferred { tx in try SQLiteCrashTests.step(number, tx) }
                if number % 3 == 0 { try store.durability.wait() }
            } else {
                try SQLiteCrashTests.step(number, store)
            }
            acknowledged.append(try size())
        }
        #expect(acknowledged == acknowledged.sorted() && Set(acknowledged).count == 26, "no checkpoint in between")
        let database = try Data(contentsOf: URL(filePath: path))
        let written = try Data(contentsOf: URL(filePath: log))
        for trial in 0..<40 {
            // Right after an acknowledgement, just before it, or anywhere.
            let cut =
                switch trial % 3 {
                case 0: acknowledged[random.below(26)]
                case 1: max(0, acknowledged[random.below(26)] - 1 - random.below(100))
                default: random.below(written.count + 1)
                }
            var torn = written.prefix(cut)
            for _ in 0..<random.below(5000) { torn.append(UInt8(random.below(256))) }
            let copy = folder.file("copy-\(trial).sqlite")
            try database.write(to: URL(filePath: copy))
            try torn.write(to: URL(filePath: copy + "-wal"))
            let found = try SQLiteCrashTests.steps(in: try SQLiteStore(path: copy))
            #expect(Int(found) == max(0, acknowledged.lastIndex { $0 <= cut } ?? 0), "cut at \(cut)")
        }
    }

    /// A log that the disk does not take is no log, and asking again does not help.
    @Test func lostLog() throws {
        let folder = try ScratchFolder()
        let path = folder.file("live.sqlite")
        do {
            let store = try SQLiteStore(path: path)
            try store.transactionDeferred { tx in try SQLiteCrashTests.step(0, tx) }
            try FileManager.default.moveItem(atPath: path + "-wal", toPath: path + "-gone")
            #expect(refusal { try store.durability.wait() } == "uncertain")
            try FileManager.default.moveItem(atPath: path + "-gone", toPath: path + "-wal")
            #expect(refusal { try store.durability.wait() } == "uncertain")
            #expect(refusal { try SQLiteCrashTests.step(1, store) } == "uncertain")
        }
        #expect(try SQLiteCrashTests.steps(in: try SQLiteStore(path: path)) == 2, "it happened after all")
    }

    /// A process that writes blobs and rows, says after each what is acknowledged, and is killed at some moment.
    @Test(arguments: [3_000, 20_000, 45_000, 90_000])
    func killed(afterMicroseconds: Int) async throws {
        let folder = try ScratchFolder()
        let path = folder.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, delay = afterMicroseconds as Int] in
            let data = try DataDirectory(path: path + "/data", hash: sha256)
            let store = try data.openStore()
            let said = open(path + "/said", O_WRONLY | O_CREAT | O_APPEND, 0o600)
            for number in 0..<Int64.max {
                // Blob first, row second, reply last.
                _ = try data.blobs.put(Array("result \(number)".utf8))
                try SQLiteCrashTests.step(number, store)
                write(said, "\(number % 10)", 1)
                guard number == 0 else { continue }
                Thread.detachNewThread {
                    usleep(UInt32(delay))
                    kill(getpid(), SIGKILL)
                }
            }
        }
        let said = try Data(contentsOf: URL(filePath: path + "/said")).count
        #expect(said > 0)
        let data = try DataDirectory(path: path + "/data", hash: sha256)
        let found = try SQLiteCrashTests.steps(in: try data.openStore())
        #expect(found >= Int64(said) && found <= Int64(said) + 1)
        for number in 0..<found {
            let name = digest(of: Array("result \(number)".utf8), with: sha256)
            try data.blobs.verify(name)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/data/blobs/temporary").isEmpty)
    }
}
