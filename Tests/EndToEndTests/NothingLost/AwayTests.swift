import Foundation
import Testing

/// The server is away for a week, ill, or sees another time than the client.
@Suite("Nothing is lost: server and clock", .placed, .serialized)
struct AwayTests {
    @Test(
        "500, 502 and 503 with pages of HTML, then no answer at all: results are kept, and taken when it is well again")
    func ill() async throws {
        let host = try await FrailHost()
        try host.start()
        try await host.holdAll()
        for mode in [Relay.Mode.answers(500), .answers(502), .answers(503), .refuses] {
            let before = host.relay.refused
            host.relay.set(mode)
            if mode == .answers(500) {
                try await host.finishAll()
            } else {
                // One that has just begun asks at once; the other waits longer after each try.
                _ = await host.stop()
                try host.start()
            }
            #expect(try await eventually { host.relay.refused > before }, "it tries again: \(host.log)")
        }
        let isTold = try await eventually {
            let status = try await Programs.run("millrace-client", ["status", "--data", host.data])
            return status.output.contains("problem ")
        }
        #expect(isTold, "\(host.log)")
        let kept = host.finished(in: host.data)
        #expect(!kept.isEmpty && kept == host.held(in: host.data))
        host.relay.set(.passes)
        try await host.expectAllValidOnce()
        #expect(await host.stop() == 0)
        #expect(FrailHost.failures(in: host.log).isEmpty, "\(host.log)")
    }

    @Test("Away for a week, the client killed meanwhile: it asks at least daily, and late results count")
    func week() async throws {
        let clock = try FakedClock()
        let host = try await FrailHost(serverEnvironment: clock.environment)
        host.clock = clock
        try await host.finishAllWhileServerIsAway()
        let kept = host.finished(in: host.data)
        for day in 1...7 {
            let before = host.relay.refused
            try clock.set("+\(day)d")
            if day == 4 {
                host.killAll()
                try host.start()
            }
            // The longest wait between two calls is five minutes.
            #expect(
                try await eventually(limitSeconds: 600) { host.hasEnded || host.relay.refused > before },
                "day \(day): \(host.log)")
            try #require(!host.hasEnded, "day \(day): the client has ended: \(host.log)")
            // It has heard of that before the next day: its wait then ends with the day.
            try await Task.sleep(for: .seconds(2))
            #expect(host.finished(in: host.data) == kept)
        }
        host.relay.set(.passes)
        // The server has long given them up, and would have given them to somebody else.
        try await host.expectAllValidOnce(isLate: true)
        #expect(await host.stop() == 0)
        #expect(host.finished(in: host.data).isEmpty)
    }

    @Test("The clock is set back by a day while it runs and before it starts: no wait becomes a day, all is reported")
    func clockBack() async throws {
        let clock = try FakedClock()
        let host = try await FrailHost()
        host.clock = clock
        try host.start()
        try await host.holdAll()
        host.relay.set(.refuses)
        // It waits for its next try by the old clock.
        let before = host.relay.refused
        #expect(try await eventually { host.relay.refused > before + 1 }, "\(host.log)")
        try clock.set("-1d")
        try await host.finishAll()
        let kept = host.finished(in: host.data)
        host.killAll()
        // What was saved is of tomorrow, then of the day after.
        try clock.set("-2d")
        try host.start()
        let later = host.relay.refused
        #expect(try await eventually { host.relay.refused > later }, "\(host.log)")
        #expect(host.finished(in: host.data) == kept)
        host.relay.set(.passes)
        try await host.expectAllValidOnce()
        #expect(await host.stop() == 0)
    }
}

/// Another time of day for programs of a test, by libfaketime; what counts seconds and not dates goes on as ever.
final class FakedClock {
    private let folder: TemporaryFolder
    private let library: String

    init() throws {
        folder = try TemporaryFolder()
        let root = "/usr/lib"
        library = try #require(
            try FileManager.default.contentsOfDirectory(atPath: root).map {
                "\(root)/\($0)/faketime/libfaketimeMT.so.1"
            }
            .first { FileManager.default.fileExists(atPath: $0) }, "install faketime: make setup")
        try set("+0")
    }

    /// Of one program; the next one gets another, since the library ends a program whose semaphore the one before it
    /// has just taken away.
    var environment: [String: String] {
        let shared = "/millrace-\(UUID().uuidString.prefix(8))"
        return [
            "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": folder.path("clock"), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1",
            // Otherwise the library changes the environment before Swift has found its arguments beside it.
            "FAKETIME_SHARED": "\(shared)-sem \(shared)-shm",
        ]
    }

    /// - Parameter offset: against the real time, as `+3d`; holds at once, also for programs that run.
    func set(_ offset: String) throws {
        try offset.write(toFile: folder.path("clock"), atomically: true, encoding: .utf8)
    }
}
