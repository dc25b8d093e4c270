import CPosix
import ClientCore
import ClientSystem
import Domain
import Glibc
import Synchronization
import Testing
import WorkerHost

/// A virtual X server of its own, on a display of its own choice.
final class VirtualDisplay: Sendable {
    static let program = "/usr/bin/Xvfb"
    static let robot = "/usr/bin/xdotool"

    let number: String
    private let server: LineChild

    init() throws {
        let lines = Lines()
        server = try LineChild.start(
            executable: "/bin/sh",
            // Without -noreset the counter starts again when the last client leaves. The server closes descriptor 3
            // when it has said its number; 1 stays open, and with it the child.
            arguments: ["-c", "exec \(Self.program) -displayfd 3 -noreset -screen 0 320x200x24 3>&1"], variables: [],
            onLine: { lines.add($0) }, onEnd: { _ in })
        _ = eventually { lines.first != nil }
        guard let number = lines.first else {
            server.stop()
            throw Fault(.software, "Xvfb did not start")
        }
        self.number = number
    }

    deinit { server.stop() }

    func stop() { server.stop() }

    func signal(_ number: Int32) { kill(server.pid, number) }

    /// A script for a child that reads this display.
    func probe(in folder: TemporaryFolder) throws -> String {
        try folder.script("probe", "DISPLAY=:\(number) exec '\(XvfbTests.client)' probe-x11")
    }

    /// Runs a program on this display and waits until it has ended; what it said.
    @discardableResult
    func run(_ command: [String]) throws -> String {
        let line = ["DISPLAY=:\(number)"] + command
        let outcome = try ShortCommand.run(["/usr/bin/env"] + line, timeLimitSeconds: 300)
        guard outcome.exit?.code == 0 else { throw Fault(.software, "\(command) failed: \(outcome.output)") }
        return outcome.output
    }
}

final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var first: String? { lines.withLock { $0.first } }
}

@Suite("User's idle time on a real X server")
struct XvfbTests {
    static let client = Files.parent(of: WorkerLocator.ownPath()) + "/millrace-client"

    @Test(
        "The user's return is seen, and the end of the X server ends only the child",
        .enabled(if: Files.exists(VirtualDisplay.program) && Files.exists(VirtualDisplay.robot)))
    func userReturns() throws {
        try #require(Files.exists(Self.client), "build the product millrace-client first")
        let folder = try TemporaryFolder()
        let display = try VirtualDisplay()
        let program = try folder.script("probe", "DISPLAY=:\(display.number) exec '\(Self.client)' probe-x11")
        let touch = try folder.script(
            "touch", "DISPLAY=:\(display.number) exec \(VirtualDisplay.robot) mousemove 20 20 mousemove 40 40 key a")
        let readings = Readings()
        let probe = X11IdleProbe(executable: program, arguments: []) { readings.add($0) }
        defer { probe.stop() }
        probe.tend(isComputing: true)
        #expect(eventually { (readings.lastIdle ?? 0) > 1500 })
        let robot = try LineChild.start(
            executable: touch, arguments: [], variables: [], onLine: { _ in }, onEnd: { _ in })
        #expect(eventually { (readings.lastIdle ?? 9999) < 1000 })
        withExtendedLifetime(robot) {}
        #expect(!readings.all.contains { $0.kind == .userInput && why($0.value) != nil })

        display.stop()
        #expect(eventually { probe.pid == nil })
        // The next child finds no display, and says so.
        #expect(
            eventually {
                probe.tend(isComputing: true)
                return readings.all.last?.value == .unavailable("the X11 display :\(display.number) cannot be opened")
            })
    }
    @Test(
        "The user's return is announced at once while tasks run, time after time",
        .enabled(if: Files.exists(VirtualDisplay.program) && Files.exists(VirtualDisplay.robot)))
    func announced() throws {
        try #require(Files.exists(Self.client), "build the product millrace-client first")
        let folder = try TemporaryFolder()
        let display = try VirtualDisplay()
        let readings = Readings()
        let probe = X11IdleProbe(executable: try display.probe(in: folder), arguments: []) { readings.add($0) }
        defer { probe.stop() }
        probe.tend(isComputing: true)
        for round in 1...3 {
            // Away for more than a second, and not near the next look.
            #expect(eventually { (readings.lastIdle ?? 0) > 1500 })
            usleep(300_000)
            let before = readings.idles.count
            try display.run([VirtualDisplay.robot, "mousemove", "\(20 + round)", "20"])
            #expect(eventually { readings.idles.count > before })
            // Between two looks lie four seconds, in which the idle time would have grown by as much.
            #expect(try #require(readings.lastIdle) < 1000)
        }
    }

    @Test(
        "An X server that hangs is reported, its child is ended, and when it answers again, it is read again",
        .enabled(if: Files.exists(VirtualDisplay.program)))
    func hangs() throws {
        try #require(Files.exists(Self.client), "build the product millrace-client first")
        let folder = try TemporaryFolder()
        let display = try VirtualDisplay()
        defer { display.signal(SIGCONT) }
        let readings = Readings()
        let probe = X11IdleProbe(
            executable: try display.probe(in: folder), arguments: [], patienceSeconds: 1, retrySeconds: 1
        ) { readings.add($0) }
        defer { probe.stop() }
        let tends = { (condition: () -> Bool) in
            eventually {
                probe.tend(isComputing: true)
                return condition()
            }
        }
        #expect(tends { readings.lastIdle != nil })
        let first = try #require(probe.pid)
        display.signal(SIGSTOP)
        let isSilent = { (reading: ProbeReading) in
            why(reading.value)?.hasPrefix("the X server did not answer for ") == true
        }
        #expect(tends { readings.all.contains { $0.kind == .userInput && isSilent($0) } })
        #expect(readings.all.contains { $0.kind == .fullScreen && isSilent($0) })
        #expect(tends { kill(first, 0) != 0 })
        display.signal(SIGCONT)
        let before = readings.idles.count
        #expect(tends { readings.idles.count > before })
    }

    @Test(
        "A window that fills the screen is seen and named, and its end is seen",
        .enabled(
            if: Files.exists(VirtualDisplay.program) && Files.exists("/usr/bin/xprop") && Files.exists("/usr/bin/xev")))
    func fullScreen() throws {
        try #require(Files.exists(Self.client), "build the product millrace-client first")
        let folder = try TemporaryFolder()
        let display = try VirtualDisplay()
        let readings = Readings()
        let probe = X11IdleProbe(executable: try display.probe(in: folder), arguments: []) { readings.add($0) }
        defer { probe.stop() }
        probe.tend(isComputing: true)
        #expect(eventually { why(readings.lastWindow)?.contains("EWMH") == true })
        // Stands for a window manager and a film.
        let lines = Lines()
        let window = try LineChild.start(
            executable: "/usr/bin/env", arguments: ["DISPLAY=:\(display.number)", "/usr/bin/xev", "-name", "film"],
            variables: [], onLine: { lines.add($0) }, onEnd: { _ in })
        defer { window.stop() }
        var id: String?
        #expect(
            eventually {
                let tree = (try? display.run(["/usr/bin/xwininfo", "-name", "film"])) ?? ""
                id = tree.split(separator: " ").first { $0.hasPrefix("0x") }.map(String.init)
                return id != nil
            })
        let film = try #require(id)
        let set = { (target: [String], name: String, format: String, value: String) in
            _ = try display.run(["/usr/bin/xprop"] + target + ["-f", name, format, "-set", name, value])
        }
        try set(["-id", film], "_NET_SUPPORTING_WM_CHECK", "32x", film)
        try set(["-root"], "_NET_SUPPORTING_WM_CHECK", "32x", film)
        #expect(eventually { readings.lastWindow == .fullScreen(nil) })
        try set(["-root"], "_NET_ACTIVE_WINDOW", "32x", film)
        try set(["-id", film], "_NET_WM_NAME", "8u", "A film\u{7}")
        try set(["-id", film], "_NET_WM_STATE", "32a", "_NET_WM_STATE_FULLSCREEN")
        #expect(eventually { readings.lastWindow == .fullScreen("A film?") })
        try set(["-id", film], "WM_CLASS", "8s", "Player")
        #expect(eventually { readings.lastWindow == .fullScreen("Player") })
        // The window closes: what the root window says of it is old.
        window.stop()
        #expect(eventually { why(readings.lastWindow)?.contains("EWMH") == true })
        #expect(probe.pid != nil)
    }
}

@Suite("The pace of the X11 child")
struct X11PaceTests {
    /// Seconds from a full minute to the next look.
    func wait(_ pace: X11Pace) -> Double { ((pace.nextLook(after: 600) - 600) * 10).rounded() / 10 }

    @Test("It sleeps until it is told while the server keeps its word, and looks often when it does not")
    func trust() {
        var pace = X11Pace(isAlarmTrusted: true)
        pace.change(isComputing: true)
        pace.note(idle: 200_000, at: 10, isAnnounced: false)
        #expect(pace.isWatching && wait(pace) == 4)
        pace.note(idle: 204_000, at: 14, isAnnounced: false)
        // Announced as it should be.
        pace.note(idle: 0, at: 15, isAnnounced: true)
        #expect(pace.isWatching && wait(pace) == 4)
        // Still there: nobody is announced who was away for less than a second.
        pace.note(idle: 500, at: 19, isAnnounced: false)
        pace.note(idle: 100, at: 23, isAnnounced: false)
        #expect(pace.isWatching)
        pace.note(idle: 4100, at: 27, isAnnounced: false)
        // Back in silence; the word comes a moment later.
        pace.note(idle: 50, at: 31, isAnnounced: false)
        #expect(pace.isWatching && wait(pace) == 0.2)
        pace.note(idle: 250, at: 31.2, isAnnounced: true)
        #expect(pace.isWatching && wait(pace) == 4)
        pace.note(idle: 4250, at: 35.2, isAnnounced: false)
        // Back in silence, and no word.
        pace.note(idle: 50, at: 39.2, isAnnounced: false)
        pace.note(idle: 250, at: 39.4, isAnnounced: false)
        #expect(!pace.isWatching && wait(pace) == 0.2)
        pace.change(isComputing: false)
        #expect(wait(pace) == 20)
    }

    @Test("While nothing runs, only the return of somebody who was away is heard at once")
    func paused() {
        var pace = X11Pace(isAlarmTrusted: true)
        pace.note(idle: 20_000, at: 20, isAnnounced: false)
        #expect(!pace.isWatching)
        pace.note(idle: 40_000, at: 40, isAnnounced: false)
        #expect(pace.isWatching)
        pace.note(idle: 0, at: 41, isAnnounced: true)
        #expect(!pace.isWatching)
    }

    @Test("Windows are looked at first thing, and about every four seconds while tasks run")
    func windows() {
        for (trusted, computing, perWindow) in [
            (true, true, 1), (false, true, 20), (true, false, 1), (false, false, 1),
        ] {
            var pace = X11Pace(isAlarmTrusted: trusted)
            pace.change(isComputing: computing)
            let looks = (0..<60).map { look in
                pace.note(idle: Int64(look) * 4000, at: Double(look) * 4, isAnnounced: false)
                return pace.isWindowDue
            }
            #expect(looks == (0..<60).map { $0 % perWindow == 0 })
        }
    }
}
