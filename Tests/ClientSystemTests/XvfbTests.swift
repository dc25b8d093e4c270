import CPosix
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
        probe.tend()
        #expect(eventually { (readings.lastIdle ?? 0) > 1500 })
        let robot = try LineChild.start(
            executable: touch, arguments: [], variables: [], onLine: { _ in }, onEnd: { _ in })
        #expect(eventually { (readings.lastIdle ?? 9999) < 1000 })
        withExtendedLifetime(robot) {}
        #expect(readings.unavailable == nil)

        display.stop()
        #expect(eventually { probe.pid == nil })
        // The next child finds no display, and says so.
        #expect(
            eventually {
                probe.tend()
                return readings.unavailable != nil
            })
    }
}
