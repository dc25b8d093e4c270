import CPosix
import ClientCore
import ClientSystem
import Domain
import Glibc
import Testing
import WorkerHost

@Suite("The X11 probe and servers of every kind")
struct X11ProbeTests {
    private static func tends(_ probe: X11IdleProbe, isComputing: Bool = true, _ condition: () -> Bool) -> Bool {
        eventually {
            probe.tend(isComputing: isComputing)
            return condition()
        }
    }

    /// Our descriptors whose other end is this server's.
    private static func files(to server: FakeXServer) -> [Int32] {
        (0..<Int32(1024)).filter { file in
            var name = [UInt8](repeating: 0, count: 128)
            var count = socklen_t(name.count)
            let isNamed = name.withUnsafeMutableBytes { bytes in
                getpeername(file, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &count) == 0
            }
            let path = "/tmp/.X11-unix/X\(server.name.dropFirst())"
            return isNamed && name[..<min(Int(count), 128)].dropFirst(3).elementsEqual(path.utf8)
        }
    }

    static func closed(_ name: String) -> String {
        "the X11 display \(name) cannot be opened: there is no server, or it does not let us in (XAUTHORITY)"
    }

    private static func isSilent(_ reading: ProbeReading) -> Bool {
        why(reading.value)?.hasPrefix("the X server did not answer for ") == true
    }

    @Test("Idle time and window are read, at once when the pace changes, and often when nobody is announced")
    func reads() throws {
        let server = try FakeXServer()
        defer { server.stop() }
        let readings = Readings()
        let probe = X11IdleProbe(display: X11Display(name: server.name)) { readings.add($0) }
        defer { probe.stop() }
        #expect(Self.tends(probe, isComputing: false) { readings.all.count >= 2 })
        #expect(readings.all.prefix(2).map(\.value) == [.idle(milliseconds: 5000), .fullScreen(nil)])
        // The next look would be up to twenty seconds away.
        server.change { ($0.idleMilliseconds, $0.fullScreen) = (40, "Kino") }
        let start = millrace_monotonic_seconds()
        #expect(Self.tends(probe) { readings.lastIdle == 40 && readings.lastWindow == .fullScreen("Kino") })
        #expect(Self.tends(probe) { readings.idles.count > 20 })
        // 20 looks every 0.2 s; by the clock of the period they would take 76 s.
        #expect((3..<70).contains(millrace_monotonic_seconds() - start))
        #expect(server.connections == 1)
        // Programs that the client starts do not get the connection.
        let files = Self.files(to: server)
        #expect(files.count == 1 && files.allSatisfy { fcntl($0, F_GETFD) & FD_CLOEXEC != 0 })
    }

    @Test("Without a display to read it says why, once, and there is no thread")
    func unavailable() throws {
        let mute = try FakeXServer(FakeXServer.Manner(hasScreenSaver: false))
        defer { mute.stop() }
        let cases = [
            (X11Display(name: nil), "there is no X11 display (DISPLAY is not set)"),
            (X11Display(name: ""), "there is no X11 display (DISPLAY is not set)"),
            (X11Display(name: mute.name, isWayland: true), "this is a Wayland session, whose input X11 does not see"),
            (X11Display(name: "nonsense"), Self.closed("nonsense")),
            (X11Display(name: mute.name), "the X server does not have the screen saver extension"),
        ]
        for (display, why) in cases {
            let readings = Readings()
            let probe = X11IdleProbe(display: display, retrySeconds: 600...600) { readings.add($0) }
            defer { probe.stop() }
            probe.tend()
            #expect(eventually { readings.all.count == 2 && !probe.isRunning })
            #expect(readings.all.allSatisfy { $0.value == .unavailable(why) }, "\(readings.all)")
            #expect(Set(readings.all.map(\.kind)) == [.userInput, .fullScreen])
            for _ in 0..<20 { probe.tend() }
            #expect(!probe.isRunning && readings.all.count == 2)
        }
        #expect(eventually { mute.connections == 1 && mute.ends == 1 })
    }

    @Test("A server that goes away is said to be gone, ends nothing, and is read again at once when it is back")
    func gone() throws {
        let server = try FakeXServer()
        defer { server.stop() }
        let readings = Readings()
        // Were every pause twice as long as the one before, the last would be longer than anybody waits.
        let probe = X11IdleProbe(display: X11Display(name: server.name), retrySeconds: 0.05...5000) { readings.add($0) }
        defer { probe.stop() }
        for round in 1...15 {
            let before = readings.idles.count
            #expect(Self.tends(probe) { readings.idles.count > before && server.connections == round })
            server.hangUp()
            let isGone = { (reading: ProbeReading) in why(reading.value) == "the X server has gone" }
            #expect(Self.tends(probe) { readings.all.filter(isGone).count == 2 * round })
        }
    }

    @Test("A display that stays closed is tried less and less often")
    func staysAway() throws {
        let server = try FakeXServer()
        server.stop()
        let readings = Readings()
        let start = millrace_monotonic_seconds()
        let probe = X11IdleProbe(display: X11Display(name: server.name), retrySeconds: 0.1...0.8) { readings.add($0) }
        defer { probe.stop() }
        for tries in 1...6 {
            #expect(Self.tends(probe) { readings.all.count >= 2 * tries })
            let least = [0, 0.1, 0.3, 0.7, 1.5, 2.3][tries - 1]
            #expect(millrace_monotonic_seconds() - start >= least)
        }
        #expect(readings.all.allSatisfy { $0.value == .unavailable(Self.closed(server.name)) })
    }

    @Test("A server that takes no more is said to be gone; the signal that comes of writing to it ends nothing")
    func deaf() throws {
        let server = try FakeXServer()
        defer { server.stop() }
        let readings = Readings()
        let probe = X11IdleProbe(display: X11Display(name: server.name)) { readings.add($0) }
        defer { probe.stop() }
        #expect(Self.tends(probe) { readings.lastIdle != nil })
        server.goDeaf()
        #expect(Self.tends(probe) { why(readings.all.last?.value) == "the X server has gone" })
        #expect(server.ends == 0)
    }

    @Test("A server that hangs before the connection stands is named; no second thread waits for it")
    func hangsFirst() throws {
        let server = try FakeXServer(isServing: false)
        defer { server.stop() }
        let readings = Readings()
        let probe = X11IdleProbe(display: X11Display(name: server.name), patienceSeconds: 0.5) { readings.add($0) }
        defer { probe.stop() }
        #expect(Self.tends(probe) { readings.all.count == 2 })
        #expect(readings.all.allSatisfy(Self.isSilent))
        for _ in 0..<100 {
            probe.tend(isComputing: true)
            usleep(10_000)
        }
        #expect(readings.all.count == 2)
        // Whoever waited is served now; there was one.
        server.serve()
        #expect(Self.tends(probe) { readings.lastIdle == 5000 })
        #expect(server.connections == 1)
    }

    @Test("A server that hangs later is named once, and read over the same connection when it goes on")
    func hangsLater() throws {
        let server = try FakeXServer()
        defer { server.stop() }
        let readings = Readings()
        let probe = X11IdleProbe(display: X11Display(name: server.name), patienceSeconds: 3) { readings.add($0) }
        defer { probe.stop() }
        for round in 1...2 {
            let before = readings.idles.count
            #expect(Self.tends(probe) { readings.idles.count > before })
            server.change { $0.isAnswering = false }
            #expect(Self.tends(probe) { readings.all.filter(Self.isSilent).count == 2 * round })
            for _ in 0..<50 { probe.tend(isComputing: true) }
            #expect(readings.all.filter(Self.isSilent).count == 2 * round)
            server.change { $0.isAnswering = true }
        }
        #expect(server.connections == 1)
    }

    @Test("A server that hangs for longer than an answer may take is connected to anew")
    func hangsLong() throws {
        let server = try FakeXServer()
        defer { server.stop() }
        let readings = Readings()
        let probe = X11IdleProbe(display: X11Display(name: server.name), answerSeconds: 1, retrySeconds: 0.1...0.1) {
            readings.add($0)
        }
        defer { probe.stop() }
        #expect(Self.tends(probe) { readings.lastIdle != nil })
        server.change { $0.isAnswering = false }
        #expect(Self.tends(probe) { readings.all.contains { why($0.value) == "the X server did not answer for 1 s" } })
        server.change { $0.isAnswering = true }
        #expect(Self.tends(probe) { server.connections >= 2 && why(readings.all.last?.value) == nil })
    }

    @Test("A stopped probe ends its thread and its connection at once, waiting or not, and says no more")
    func stops() throws {
        for isHanging in [false, true] {
            let server = try FakeXServer()
            defer { server.stop() }
            let readings = Readings()
            // It would look again after twenty seconds, and give up after sixty.
            let probe = X11IdleProbe(display: X11Display(name: server.name)) { readings.add($0) }
            #expect(Self.tends(probe, isComputing: false) { readings.all.count >= 2 })
            if isHanging {
                server.change { $0.isAnswering = false }
                probe.tend(isComputing: true)
                usleep(200_000)
            }
            let start = millrace_monotonic_seconds()
            probe.stop()
            #expect(eventually { !probe.isRunning })
            #expect(millrace_monotonic_seconds() - start < 15)
            let said = readings.all.count
            server.change { $0.isAnswering = true }
            #expect(eventually { server.ends == 1 })
            probe.tend(isComputing: true)
            #expect(!probe.isRunning && readings.all.count == said)
        }
    }

    @Test("Lists of counters that are cut off do no harm")
    func counters() throws {
        let time: [UInt8] = [1, 0, 0, 0] + [UInt8](repeating: 0, count: 8) + [10, 0] + Array("SERVERTIME".utf8)
        let idle: [UInt8] = [2, 0, 0, 0] + [UInt8](repeating: 0, count: 8) + [8, 0] + Array("IDLETIME".utf8)
        for (counters, isAnnouncing) in [
            (time + idle, true), (idle, true), (time, false), ([], false), (time + Array(idle.dropLast(4)), false),
            (time + idle.prefix(13), false), ([0, 0, 0, 0] + idle.dropFirst(4), false),
        ] {
            let server = try FakeXServer(FakeXServer.Manner(idleMilliseconds: 500, counters: counters))
            defer { server.stop() }
            let readings = Readings()
            let probe = X11IdleProbe(display: X11Display(name: server.name)) { readings.add($0) }
            defer { probe.stop() }
            let start = millrace_monotonic_seconds()
            #expect(Self.tends(probe) { readings.idles.count >= 3 })
            // Without an alarm it looks every 0.2 s, else every 4 s by the clock.
            if isAnnouncing { #expect(millrace_monotonic_seconds() - start >= 4) }
        }
    }
}
