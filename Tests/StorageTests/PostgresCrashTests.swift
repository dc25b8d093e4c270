import Domain
import Foundation
import PostgresServer
import Storage
import StoragePostgres
import Synchronization
import Testing

/// What was acknowledged is there, whole, whatever becomes of connections, servers and processes.
@Suite("PostgreSQL: crashes")
struct PostgresCrashTests {
    /// Ends all other sessions that look at the schema of `conninfo`.
    private static func endSessions(_ conninfo: String, named name: String) throws {
        try RawPostgres(conninfo).run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(name)'")
    }

    @Test("a connection that is lost in the middle: nothing is kept, and the next transaction connects again")
    func lostInTheMiddle() throws {
        let conninfo = try PostgresServer.fresh()
        let store = try PostgresStore(conninfo + " application_name=middle")
        for number in 0..<3 as Range<Int64> { try SQLiteCrashTests.step(number, store) }
        let before = try store.transaction { try Samples.dump($0) }
        let error = refusal {
            try store.transaction { tx in
                var host = try #require(try tx.host(HostID(rawValue: 1)))
                host.sequence = 1000
                try tx.updateHost(host)
                _ = try tx.insertBatch { Samples.batch($0) }
                try Self.endSessions(conninfo, named: "middle")
                _ = try tx.hosts()
            }
        }
        #expect(error == "io")
        #expect(try store.transaction { try Samples.dump($0) } == before)
        try SQLiteCrashTests.step(3, store)
        #expect(try SQLiteCrashTests.steps(in: store) == 4)
    }

    @Test("a connection that is lost between transactions is not noticed")
    func lostInBetween() throws {
        let conninfo = try PostgresServer.fresh()
        let store = try PostgresStore(conninfo + " application_name=between")
        try SQLiteCrashTests.step(0, store)
        try Self.endSessions(conninfo, named: "between")
        try SQLiteCrashTests.step(1, store)
        #expect(try SQLiteCrashTests.steps(in: store) == 2)
    }

    /// The session ends itself in the middle of COMMIT, by a trigger that waits for the end of the transaction.
    @Test("a connection that is lost while the commit is on its way")
    func lostAtCommit() throws {
        let conninfo = try PostgresServer.fresh()
        let store = try PostgresStore(conninfo)
        try SQLiteCrashTests.step(0, store)
        let raw = try RawPostgres(conninfo)
        try raw.run(
            """
            CREATE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON change DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION ends();
            """)
        #expect(refusal { try SQLiteCrashTests.step(1, store) } == "io")
        try raw.run("DROP TRIGGER dies ON change; DROP FUNCTION ends()")
        #expect(try SQLiteCrashTests.steps(in: store) == 1)
        try SQLiteCrashTests.step(1, store)
        #expect(try SQLiteCrashTests.steps(in: store) == 2)
    }

    @Test("a commit that the server has done, and whose answer is lost, is done")
    func lostAnswer() throws {
        let server = try PostgresServer.shared()
        let proxy = try SwallowingProxy(of: server.directory)
        defer { proxy.stop() }
        let direct = server.conninfo(schema: try server.makeSchema())
        var options = PostgresOptions()
        options.patience = TimeSpan(milliseconds: 300)
        let store = try PostgresStore(direct.replacing(server.directory, with: proxy.directory), options: options)
        try SQLiteCrashTests.step(0, store)
        try store.transaction { tx in
            let unit = Samples.unit(BatchID(rawValue: 1), 1, tasks: 1)
            try tx.insertWorkUnits([unit])
            proxy.swallowNext()
        }
        #expect(try PostgresStore(direct).transaction { try $0.counts(of: BatchID(rawValue: 1)).total } == 2)
        #expect(try store.transaction { try $0.unsentNumbers(after: TaskID(rawValue: 0), limit: 9).count } == 1)
        // And when nobody can be asked: a failure, and whatever happened is seen as soon as somebody answers.
        let error = refusal {
            try store.transaction { tx in
                try tx.insertWorkUnits([Samples.unit(BatchID(rawValue: 1), 2, tasks: 1)])
                proxy.swallowNext(refuses: true)
            }
        }
        #expect(error == "uncertain")
        #expect(refusal { try store.transaction { try $0.counts(of: BatchID(rawValue: 1)) } } == "io")
        proxy.accepts()
        #expect(
            try eventually { try store.transaction { try $0.counts(of: BatchID(rawValue: 1)).total } == 3 })
        #expect(try store.transaction { try $0.unsentNumbers(after: TaskID(rawValue: 0), limit: 9).count } == 2)
        #expect(try store.transaction { try StoreAudit.differences($0) } == [])
    }

    @Test("a commit whose answer is lost is found however many others came after it")
    func lostAnswerLongAgo() throws {
        let server = try PostgresServer.shared()
        let proxy = try SwallowingProxy(of: server.directory)
        defer { proxy.stop() }
        let direct = server.conninfo(schema: try server.makeSchema())
        let other = try PostgresStore(direct)
        try SQLiteCrashTests.step(0, other)
        var options = PostgresOptions()
        options.patience = TimeSpan(milliseconds: 600_000)
        let store = try PostgresStore(direct.replacing(server.directory, with: proxy.directory), options: options)
        let written = Mutex(false)
        Thread.detachNewThread {
            // Once the unit is there, others go on until its note is gone; only then somebody answers.
            let raw = try? RawPostgres(direct)
            while raw?.text("SELECT count(*) FROM work_unit WHERE id & 4095 = 77") != "1" { usleep(1000) }
            _ = try? raw?.run(
                """
                INSERT INTO change (generation, writer, note)
                SELECT (SELECT max(generation) FROM change) + n, 0, '' FROM generate_series(1, 700) n;
                DELETE FROM change WHERE generation < (SELECT max(generation) FROM change) - 512;
                """)
            written.withLock { $0 = true }
            proxy.accepts()
        }
        try store.transaction { tx in
            try tx.insertWorkUnits([Samples.unit(BatchID(rawValue: 1), 77, tasks: 1)])
            proxy.swallowNext(refuses: true)
        }
        #expect(written.withLock { $0 })
        #expect(try store.transaction { try $0.workUnit(WorkUnitID(batch: BatchID(rawValue: 1), index: 77)) } != nil)
        #expect(try store.transaction { try StoreAudit.differences($0) } == [])
    }

    /// Tries again while the store pauses between attempts to connect.
    private func eventually(_ holds: () throws -> Bool) throws -> Bool {
        for _ in 0..<500 {
            if let found = try? holds() { return found }
            usleep(10_000)
        }
        return try holds()
    }

    @Test("a server that is gone: every call says so at once, and works again when it is back")
    func serverStopped() throws {
        let server = try PostgresServer()
        let store = try PostgresStore(server.conninfo())
        try SQLiteCrashTests.step(0, store)
        server.stop()
        for number in 1..<20 as Range<Int64> { #expect(refusal { try SQLiteCrashTests.step(number, store) } == "io") }
    }

    /// A process that writes, says after each step what is acknowledged, and is killed at some moment.
    @Test(arguments: [5_000, 40_000, 90_000])
    func killed(afterMicroseconds: Int) async throws {
        let folder = try ScratchFolder()
        let path = folder.path
        let conninfo = try PostgresServer.fresh()
        _ = try PostgresStore(conninfo)
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, conninfo = conninfo as String, delay = afterMicroseconds as Int] in
            let store = try PostgresStore(conninfo)
            let said = open(path + "/said", O_WRONLY | O_CREAT | O_APPEND, 0o600)
            for number in 0..<Int64.max {
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
        let found = try SQLiteCrashTests.steps(in: try PostgresStore(conninfo))
        #expect(found >= Int64(said) && found <= Int64(said) + 1)
    }
}
