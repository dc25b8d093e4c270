import Domain
import Foundation
import Glibc
import PostgresServer
import Storage
import StoragePostgres
import Testing

/// Which of several processes runs the daemons.
@Suite("PostgreSQL: election")
struct PostgresElectionTests {
    /// What is named like this is ended from outside.
    private func end(_ name: String, _ conninfo: String) throws {
        try RawPostgres(conninfo).run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(name)'")
    }

    @Test("one at a time, and another one as soon as it has gone")
    func oneAtATime() throws {
        let conninfo = try PostgresServer.fresh()
        let (first, second) = (PostgresElection(conninfo), PostgresElection(conninfo))
        #expect(first.hold() && !second.hold() && first.hold())
        first.release()
        // The server gives the lock back when it has noticed that the session is over.
        var looks = 0
        while !second.hold(), looks < 3000 {
            usleep(10_000)
            looks += 1
        }
        #expect(second.hold() && !first.hold())
    }

    @Test("projects in different schemas do not stand in each other's way")
    func schemas() throws {
        let (first, second) = (try PostgresServer.fresh(), try PostgresServer.fresh())
        let (one, other) = (PostgresElection(first), PostgresElection(second))
        #expect(one.hold() && other.hold())
    }

    @Test("one that lost its session commits nothing more as a daemon, before it has noticed, too")
    func fenced() throws {
        let conninfo = try PostgresServer.fresh()
        let store = try PostgresStore(conninfo)
        let old = PostgresElection(conninfo + " application_name=old")
        let new = PostgresElection(conninfo)
        #expect(refusal { try store.transaction { try old.confirm(in: $0) } } == "conflict", "nobody was elected")
        #expect(old.hold())
        try store.transaction { try old.confirm(in: $0) }
        try end("old", conninfo)
        var taken = false
        for _ in 0..<200 where !taken { taken = new.hold() }
        try #require(taken)
        #expect(refusal { try store.transaction { try old.confirm(in: $0) } } == "conflict")
        try store.transaction { try new.confirm(in: $0) }
        // A store that connects later learns it as well.
        let late = try PostgresStore(conninfo)
        try late.transaction { try new.confirm(in: $0) }
        #expect(!old.hold() && new.hold())
    }

    /// The take-over waits for the transaction, so the transaction must not wait for the take-over.
    @Test("asked in the middle of a transaction, while a take-over waits for its end")
    func askedMeanwhile() throws {
        let conninfo = try PostgresServer.fresh()
        let name = "waiting \(UInt64.random(in: 0...UInt64.max))"
        let election = PostgresElection(conninfo + " application_name='\(name)'")
        let raw = try RawPostgres(conninfo)
        let store = try PostgresStore(conninfo)
        let (begun, taken) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        Thread.detachNewThread {
            begun.wait()
            if election.hold() { taken.signal() }
        }
        let waits = """
            SELECT count(*) FROM pg_stat_activity
            WHERE application_name = '\(name)' AND wait_event_type = 'Lock' AND wait_event = 'advisory'
            """
        try store.transaction { tx in
            try Samples.addHosts(1, tx)
            begun.signal()
            for _ in 0..<3000 where raw.text(waits) == "0" { usleep(10_000) }
            try #require(raw.text(waits) == "1")
            #expect(refusal { try election.confirm(in: tx) } == "conflict")
        }
        taken.wait()
        try store.transaction { try election.confirm(in: $0) }
    }

    @Test("nobody is elected while the database is away")
    func away() throws {
        let server = try PostgresServer()
        let election = PostgresElection(server.conninfo())
        #expect(election.hold())
        server.stop()
        #expect(!election.hold())
    }
}
