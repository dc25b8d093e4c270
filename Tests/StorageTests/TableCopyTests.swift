import Domain
import PostgresServer
import Storage
import StoragePostgres
import StorageSQLite
import Testing

/// A project that moves from one database to another.
@Suite("Moving between databases")
struct TableCopyTests {
    /// Random rows of every kind, in a database file.
    private func source(_ folder: ScratchFolder, seed: UInt64) throws -> SQLiteStore {
        let store = try SQLiteStore(path: folder.file("source.sqlite"))
        try SQLiteConstraintTests.fill(store)
        var random = TestGenerator(seed: seed)
        for _ in 0..<40 {
            try store.transaction { tx in
                for _ in 0..<10 { _ = RandomOperation.draw(&random).apply(tx) }
                _ = try tx.appendLogLeaf([])
            }
        }
        // Text that PostgreSQL cannot hold as it is.
        try store.transaction { tx in
            for name in ["a\0b", "a\u{1}b", "\u{1}0", "\0", "é"] {
                _ = try tx.insertVolunteer { Samples.volunteer($0, name: name) }
            }
        }
        return store
    }

    @Test("there and back, every record is the same", arguments: UInt64(1)...3)
    func thereAndBack(seed: UInt64) throws {
        let folder = try ScratchFolder()
        let store = try source(folder, seed: seed)
        let before = try store.transaction { try Samples.dump($0) }
        let conninfo = try PostgresServer.fresh()
        let there = try TableCopy.run(
            from: try SQLiteArchive(store), to: try PostgresArchive(conninfo), hash: sha256)
        #expect(there.first { $0.table == "ledger" }?.rows ?? 0 > 0)
        do {
            let shared = try PostgresStore(conninfo)
            #expect(try shared.transaction { try Samples.dump($0) } == before)
        }

        let again = try SQLiteStore(path: folder.file("back.sqlite"))
        let back = try TableCopy.run(from: try PostgresArchive(conninfo), to: try SQLiteArchive(again), hash: sha256)
        #expect(back == there)
        #expect(try again.transaction { try Samples.dump($0) } == before)
        let reopened = try SQLiteStore.inMemory()
        _ = try TableCopy.run(from: try PostgresArchive(conninfo), to: try SQLiteArchive(reopened), hash: sha256)
        // What follows from the rows must follow here, too.
        #expect(refusal { try SQLiteCrashTests.step(99, reopened) } == nil)
    }

    @Test("a target that holds something is refused and stays as it is; one that has it all is done")
    func notEmpty() throws {
        let folder = try ScratchFolder()
        let store = try source(folder, seed: 9)
        let conninfo = try PostgresServer.fresh()
        try PostgresStore(conninfo).transaction { try Samples.addHosts(1, $0) }
        #expect(
            refusal {
                try TableCopy.run(from: try SQLiteArchive(store), to: try PostgresArchive(conninfo), hash: sha256)
            } == "conflict")
        #expect(try PostgresStore(conninfo).transaction { try $0.hosts().count } == 1)

        let other = try PostgresServer.fresh()
        let first = try TableCopy.run(from: try SQLiteArchive(store), to: try PostgresArchive(other), hash: sha256)
        let second = try TableCopy.run(from: try SQLiteArchive(store), to: try PostgresArchive(other), hash: sha256)
        #expect(first == second)
    }

    /// A target that loses one row, or changes one value, on its way, or during whose filling something else happens.
    private final class Careless: TableArchive {
        let base: any TableArchive
        let drops: Bool?
        let event: () throws -> Void
        init(_ base: any TableArchive, drops: Bool? = nil, event: @escaping () throws -> Void = {}) {
            (self.base, self.drops, self.event) = (base, drops, event)
        }
        func rows(of table: TableShape, after last: [Cell]?, limit: Int) throws -> [[Cell]] {
            try base.rows(of: table, after: last, limit: limit)
        }
        func insert(_ rows: [[Cell]], into table: TableShape) throws {
            var rows = rows
            if let drops, table.name == "series" || table.name == "trust" {
                if drops { rows.removeLast() } else { rows[0][rows[0].count - 2] = .integer(3) }
            }
            try base.insert(rows, into: table)
        }
        func derive() throws {
            try event()
            try base.derive()
        }
        func confirm() throws { try base.confirm() }
        func commit() throws { try base.commit() }
    }

    @Test("a copy that differs is not kept", arguments: [true, false])
    func differs(drops: Bool) throws {
        let folder = try ScratchFolder()
        let store = try source(folder, seed: 4)
        let conninfo = try PostgresServer.fresh()
        #expect(
            refusal {
                let target = Careless(try PostgresArchive(conninfo), drops: drops)
                return try TableCopy.run(from: try SQLiteArchive(store), to: target, hash: sha256)
            } == "corrupt")
        #expect(try PostgresStore(conninfo).transaction { try $0.volunteers().isEmpty })
    }

    @Test("a source that is lost before the end, and no longer keeps servers out: the copy is not kept")
    func lostSource() throws {
        let folder = try ScratchFolder()
        let conninfo = try PostgresServer.fresh()
        _ = try TableCopy.run(
            from: try SQLiteArchive(try source(folder, seed: 5)), to: try PostgresArchive(conninfo), hash: sha256)
        let back = try SQLiteStore(path: folder.file("back.sqlite"))
        let raw = try RawPostgres(conninfo)
        #expect(
            refusal {
                let source = try PostgresArchive(conninfo + " application_name=leaving")
                let target = Careless(try SQLiteArchive(back)) {
                    try raw.run(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'leaving'")
                }
                return try TableCopy.run(from: source, to: target, hash: sha256)
            } == "io")
        #expect(try back.transaction { try $0.volunteers().isEmpty })
    }

    @Test("not while a server uses the database")
    func inUse() throws {
        let conninfo = try PostgresServer.fresh()
        do {
            let store = try PostgresStore(conninfo)
            #expect(refusal { try PostgresArchive(conninfo) } == "locked", "one that does not run the daemons")
            try store.transaction { try Samples.addHosts(1, $0) }
        }
        let election = PostgresElection(conninfo)
        #expect(election.hold())
        #expect(refusal { try PostgresArchive(conninfo) } == "locked")
        election.release()
        #expect(refusal { try PostgresArchive(conninfo) } == nil)
    }
}
