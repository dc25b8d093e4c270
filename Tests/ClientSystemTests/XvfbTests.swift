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

    /// - Parameter number: of the display; nil: the first one that is free.
    init(number: Int? = nil) throws {
        let lines = Lines()
        let name = number.map { ":\($0) " } ?? ""
        server = try LineChild.start(
            executable: "/bin/sh",
            // Without -noreset the counter starts again when the last client leaves. The server closes descriptor 3
            // when it has said its number; 1 stays open, and with it the child.
            arguments: ["-c", "exec \(Self.program) \(name)-displayfd 3 -noreset -screen 0 320x200x24 3>&1"],
            variables: [], onLine: { lines.add($0) }, onEnd: { _ in lines.add("") })
        _ = eventually { lines.first != nil }
        guard let number = lines.first, !number.isEmpty else {
            server.stop()
            throw Fault(.software, "Xvfb did not start")
        }
        self.number = number
    }

    deinit { server.stop() }

    func stop() { server.stop() }

    func signal(_ number: Int32) { kill(server.pid, number) }

    var display: X11Display { X11Display(name: ":\(number)") }

    /// What a server that was killed leaves behind.
    func clean() {
        unlink("/tmp/.X11-unix/X\(number)")
        unlink("/tmp/.X\(number)-lock")
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
        "The user's return is seen; the end of the X server ends nothing else, and the next server is read",
        .enabled(if: Files.exists(VirtualDisplay.program) && Files.exists(VirtualDisplay.robot)))
    func userReturns() throws {
        // Nobody else takes this number meanwhile.
        let display = try VirtualDisplay(number: 10_000 + Int(getpid()) % 40_000)
        defer { display.clean() }
        let readings = Readings()
        let probe = X11IdleProbe(display: display.display, retrySeconds: 1...1) { readings.add($0) }
        defer { probe.stop() }
        let tends = { (condition: () -> Bool) in
            eventually {
                probe.tend(isComputing: true)
                return condition()
            }
        }
        #expect(tends { (readings.lastIdle ?? 0) > 1500 })
        try display.run([VirtualDisplay.robot, "mousemove", "20", "20", "mousemove", "40", "40", "key", "a"])
        #expect(tends { (readings.lastIdle ?? 9999) < 1000 })
        #expect(!readings.all.contains { $0.kind == .userInput && why($0.value) != nil })

        display.signal(SIGKILL)
        let gone = ProbeReading.Value.unavailable("the X server has gone")
        #expect(tends { readings.all.contains { $0.value == gone && $0.kind == .userInput } })
        #expect(readings.all.contains { $0.value == gone && $0.kind == .fullScreen })
        let closed = ProbeReading.Value.unavailable(X11ProbeTests.closed(":\(display.number)"))
        #expect(tends { readings.all.last?.value == closed })

        let before = readings.idles.count
        let next = try VirtualDisplay(number: Int(display.number))
        defer { next.stop() }
        #expect(tends { readings.idles.count > before })
    }

    @Test(
        "The user's return is announced at once while tasks run, time after time",
        .enabled(if: Files.exists(VirtualDisplay.program) && Files.exists(VirtualDisplay.robot)))
    func announced() throws {
        let display = try VirtualDisplay()
        let readings = Readings()
        let probe = X11IdleProbe(display: display.display) { readings.add($0) }
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
        "An X server that hangs is reported, whether before or after it was connected to, and read when it goes on",
        .enabled(if: Files.exists(VirtualDisplay.program)), arguments: [true, false])
    func hangs(isConnected: Bool) throws {
        let display = try VirtualDisplay()
        defer { display.signal(SIGCONT) }
        let readings = Readings()
        let probe = X11IdleProbe(display: display.display, patienceSeconds: 1) { readings.add($0) }
        defer { probe.stop() }
        let tends = { (condition: () -> Bool) in
            eventually {
                probe.tend(isComputing: true)
                return condition()
            }
        }
        if isConnected { #expect(tends { readings.lastIdle != nil }) }
        display.signal(SIGSTOP)
        let isSilent = { (reading: ProbeReading) in
            why(reading.value)?.hasPrefix("the X server did not answer for ") == true
        }
        #expect(tends { readings.all.contains { $0.kind == .userInput && isSilent($0) } })
        #expect(readings.all.contains { $0.kind == .fullScreen && isSilent($0) })
        display.signal(SIGCONT)
        let before = readings.idles.count
        #expect(tends { readings.idles.count > before })
    }

    @Test(
        "A window that fills the screen is seen and named, and its end is seen",
        .enabled(
            if: Files.exists(VirtualDisplay.program) && Files.exists("/usr/bin/xprop") && Files.exists("/usr/bin/xev")))
    func fullScreen() throws {
        let display = try VirtualDisplay()
        let readings = Readings()
        let probe = X11IdleProbe(display: display.display) { readings.add($0) }
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
        #expect(probe.isRunning)
    }
}
