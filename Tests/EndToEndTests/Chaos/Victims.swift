import Foundation
import Testing

/// Processes of one kind that may be killed, and how they come back.
struct Victims {
    var plan: KillPlan.Kind
    var count: Int
    /// Where the data of one of them lies.
    var folder: (Int) -> String
    var process: (Int) -> Running?
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
            count: 1, folder: { _ in site.folder.path("server") }, process: { _ in site.server },
            launch: { _ in try site.launchServer() }, ready: { _ in try await ready(site) })
    }

    static func clients(_ site: Site, _ names: [String]) -> Victims {
        Victims(
            plan: .init(
                name: "client", weight: 2,
                // A receipt that is written and a task not yet forgotten; a task begun or ended; a result.
                folders: ["receipts", "slots", "blobs", ""], lastFolder: nil),
            count: names.count, folder: { site.folder.path(names[$0]) }, process: { site.clients[names[$0]] },
            launch: { try site.startClient(names[$0]) }, ready: { _ in })
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
