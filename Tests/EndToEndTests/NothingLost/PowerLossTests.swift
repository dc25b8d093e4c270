import Foundation
import Testing

/// The power goes at random moments: a snapshot of the client's folder is all that is left.
@Suite("Nothing is lost: power", .placed, .serialized)
struct PowerLossTests {
    /// Written without waiting for the disk: after a power cut they may be empty. None of them holds anything that is
    /// not known from elsewhere.
    private static let unsynced = ["status.json", "shares.json"]
    private static let unsyncedOfTasks = ["progress", "log"]

    @Test("From a snapshot of any moment a client goes on, reports what was finished, and nothing is credited twice")
    func snapshots() async throws {
        let host = try await FrailHost()
        var generator = SeededMoments(seed: 11)
        try host.start()
        var copies: [String] = []
        // While it fetches, and while it computes.
        for _ in 0..<2 {
            try await Task.sleep(for: .milliseconds(generator.next(1500)))
            copies.append(try await snapshot(host, copies.count))
        }
        try await host.holdAll()
        host.relay.set(.refuses)
        for _ in 0..<4 {
            let finished = host.finished(in: host.data).count
            _ = try await eventually(limitSeconds: 60) { host.finished(in: host.data).count > finished }
            try await Task.sleep(for: .milliseconds(generator.next(300)))
            copies.append(try await snapshot(host, copies.count))
        }
        try await host.finishAll()
        copies.append(try await snapshot(host, copies.count))
        host.killAll()
        host.relay.set(.passes)

        for (at, copy) in copies.enumerated() {
            let finished = host.finished(in: copy)
            try await host.reports(finished, in: copy, log: "copy-\(at).log")
            let text = host.site.logText("copy-\(at).log")
            #expect(!text.contains("damaged") && FrailHost.failures(in: text).isEmpty, "\(text)")
        }
        // The last of them had finished everything.
        try await host.expectAllValidOnce()
        // What all of them have told already is told once more.
        try await host.reports(host.finished(in: host.data), in: host.data, log: "Ada-again.log")
        try await host.expectAllValidOnce()
        #expect(await host.site.server?.stop() == 0)
        let fsck = try await Programs.run("millrace-server", ["fsck", "--data", host.site.folder.path("server")])
        #expect(fsck.status == 0, "\(fsck.output) \(fsck.errors)")
    }

    /// As the disk is at one moment, with everybody who writes there held still. In every second one the files that are
    /// not synced are empty.
    private func snapshot(_ host: FrailHost, _ number: Int) async throws -> String {
        let client = try #require(host.client)
        let everybody = [client.pid] + FrailHost.children(of: client.pid)
        for process in everybody { kill(process, SIGSTOP) }
        defer { for process in everybody.reversed() { kill(process, SIGCONT) } }
        let copy = host.site.folder.path("copy-\(number)")
        let log = host.site.folder.path("cp.log")
        let copying = try Running("/bin/cp", ["-a", host.data, copy], outputPath: log, errorPath: log)
        try #require(await copying.wait(limitSeconds: 60) == 0, "\(host.site.logText("cp.log"))")
        guard number.isMultiple(of: 2) else { return copy }
        let slots = FrailHost.project(in: copy) + "/slots"
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: slots)) ?? []
        let paths =
            Self.unsynced.map { "\(copy)/\($0)" }
            + tasks.flatMap { task in Self.unsyncedOfTasks.map { "\(slots)/\(task)/\($0)" } }
        for path in paths where FileManager.default.fileExists(atPath: path) { truncate(path, 0) }
        return copy
    }
}

/// Milliseconds that are the same in every run of a seed.
struct SeededMoments {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    /// 0 ..< `most`.
    mutating func next(_ most: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(most))
    }
}
