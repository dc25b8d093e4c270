import Foundation
import PostgresServer
import TestChild
import Testing

/// Processes of one kind that may be killed, and how they come back.
struct Victims {
    var plan: KillPlan.Kind
    var count: Int
    /// Where the data of one of them lies.
    var folder: (Int) -> String
    /// Its process, which runs. - Throws: when it has died by itself.
    var pid: (Int) async throws -> pid_t
    /// SIGKILL for that process, should it still run, and wait until it is gone.
    var kill: (Int, pid_t) async throws -> Void
    var launch: (Int) throws -> Void
    /// Waits until it serves again.
    var ready: (Int) async throws -> Void
}

extension Victims {
    static func server(_ site: Site) -> Victims {
        Victims(
            plan: .init(
                name: "server", weight: 3,
                // An upload; a blob between its name and its row; a commit; the public log; an answer.
                folders: [
                    "blobs/uploads", "blobs/temporary", "blobs/small.sqlite-wal", "millrace.sqlite-wal", "log",
                    "results",
                ],
                lastFolder: "results"),
            count: 1, folder: { _ in site.folder.path("server") }, pid: { _ in try pid(site.server, "the server") },
            kill: { _, _ in site.server?.killNow() },
            launch: { _ in try site.launchServer() }, ready: { _ in try await ready(site) })
    }

    static func clients(_ site: Site, _ names: [String]) -> Victims {
        Victims(
            plan: .init(
                name: "client", weight: 2,
                // A receipt that is written and a task not yet forgotten; a task begun or ended; a result.
                folders: ["receipts", "slots", "blobs", ""], lastFolder: nil),
            count: names.count, folder: { site.folder.path(names[$0]) },
            pid: { try pid(site.clients[names[$0]], names[$0]) },
            kill: { which, _ in site.clients[names[which]]?.killNow() },
            launch: { try site.startClient(names[$0]) }, ready: { _ in })
    }

    /// The database: now its first process, whose death ends it, now one that serves a session, after which all others
    /// end as well and it recovers from its log.
    static func database(_ database: PostgresServer) -> Victims {
        Victims(
            plan: .init(name: "database", weight: 2, folders: ["data/pg_wal"], lastFolder: nil),
            count: 2, folder: { _ in database.directory },
            pid: { which in
                var found: pid_t?
                _ = try await eventually(limitSeconds: 60) {
                    found = which == 0 ? database.mainProcess : database.sessions.first
                    return found != nil
                }
                return try #require(found, "PostgreSQL does not come back")
            },
            kill: { _, pid in
                Glibc.kill(pid, SIGKILL)
                _ = try await eventually(limitSeconds: 60) { Glibc.kill(pid, 0) != 0 }
            },
            launch: { _ in },
            ready: { _ in
                let isBack = try await eventually(limitSeconds: 60) { (try? RawPostgres(database.conninfo())) != nil }
                try #require(isBack, "PostgreSQL does not come back")
            })
    }

    private static func pid(_ running: Running?, _ name: String) throws -> pid_t {
        let running = try #require(running)
        try #require(running.process.isRunning, "\(name) died by itself")
        return running.pid
    }

    /// The port was free while the server was away, so a client's own connection may have taken it: status 71.
    private static func ready(_ site: Site) async throws {
        for _ in 0..<5 {
            if try await site.isServing() { return }
            guard site.server?.process.terminationStatus == 71 else { break }
            try await Task.sleep(for: .milliseconds(500))
            try site.launchServer()
        }
        Issue.record("the server did not come back: \(site.logText("server.log").suffix(2000))")
        throw CancellationError()
    }
}
