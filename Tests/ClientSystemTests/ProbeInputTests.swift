import CPosix
import ClientCore
import ClientSystem
import Domain
import Glibc
import Testing
import WorkerHost

@Suite("Terminals")
struct TerminalProbeTests {
    let fake: FakeRoots
    init() throws { fake = try FakeRoots() }

    /// A record of utmp as the C library lays it out.
    static func record(type: Int32, line: String) -> [UInt8] {
        var record = utmp()
        record.ut_type = Int16(type)
        withUnsafeMutableBytes(of: &record.ut_line) { $0.copyBytes(from: Array(line.utf8.prefix(32))) }
        return withUnsafeBytes(of: &record) { Array($0) }
    }

    func terminal(_ name: String, idleSeconds: Double) throws {
        try fake.write("dev/\(name)", "")
        try fake.access("dev/\(name)", at: Double(probeNow.milliseconds) / 1000 - idleSeconds)
    }

    func idleSeconds() -> Int64? {
        if case .idle(let idle)? = TerminalProbe(roots: fake.roots).read(now: probeNow) { idle / 1000 } else { nil }
    }

    @Test("The terminal on which somebody typed last counts, of those where somebody is logged in")
    func logins() throws {
        try terminal("tty1", idleSeconds: 900)
        try terminal("pts/0", idleSeconds: 300)
        try terminal("pts/1", idleSeconds: 5)
        var bytes = Self.record(type: USER_PROCESS, line: "tty1") + Self.record(type: USER_PROCESS, line: "pts/0")
        bytes += Self.record(type: DEAD_PROCESS, line: "pts/1") + Self.record(type: USER_PROCESS, line: ":0")
        try Files.replace(fake.roots.utmp, with: bytes)
        #expect(idleSeconds() == 300)
        // A record that is being written is none.
        try Files.replace(fake.roots.utmp, with: bytes + Self.record(type: USER_PROCESS, line: "pts/1").dropLast())
        #expect(idleSeconds() == 300)
    }

    @Test("A time that no clock shows, as a terminal's owner may give it, ends nothing")
    func absurdTimes() {
        #expect(timespec(tv_sec: 1_800_000_000, tv_nsec: 7_900_000).milliseconds == 1_800_000_000_007)
        // Pseudo terminals keep what they are given.
        for seconds in [Int.max, Int.max / 1000, .min, .min / 1000] {
            let read = timespec(tv_sec: seconds, tv_nsec: 999_999_999).milliseconds
            // As far away, and it can be reckoned with.
            let age = probeNow.milliseconds - read
            #expect(abs(age) > 1 << 46 && abs(age) < 1 << 50 && (age < 0) == (seconds > 0))
        }
    }

    @Test("Where there is no utmp, all pseudo terminals count")
    func withoutUtmp() throws {
        #expect(why(TerminalProbe(roots: fake.roots).read(now: probeNow))?.contains("neither") == true)
        try terminal("pts/0", idleSeconds: 300)
        try terminal("pts/17", idleSeconds: 40)
        try terminal("pts/ptmx", idleSeconds: 0)
        #expect(idleSeconds() == 40)
        try Files.replace(fake.roots.utmp, with: [])
        #expect(idleSeconds() == 40)
    }

    @Test("A utmp that somebody has forged leads nowhere but into /dev")
    func forged() throws {
        try fake.write("secret", "")
        var bytes: [UInt8] = []
        for line in ["../secret", "/etc/passwd", "", "pts/\u{1B}", "nothing", "~", "pts/0 "] {
            bytes += Self.record(type: USER_PROCESS, line: line)
        }
        #expect(TerminalProbe.lines(utmp: bytes).allSatisfy { !$0.contains(".") })
        try Files.replace(fake.roots.utmp, with: bytes)
        try Files.makeFolder("\(fake.roots.dev)/pts")
        #expect(why(TerminalProbe(roots: fake.roots).read(now: probeNow)) == "nobody is logged in on a terminal")
    }

    @Test("Times of the future, after a clock was set back, do not make the machine busy for ever")
    func future() throws {
        try terminal("pts/0", idleSeconds: -86_400)
        #expect(idleSeconds() == nil)
        try terminal("pts/1", idleSeconds: -3)
        #expect(idleSeconds() == 0)
    }

    @Test("Any bytes for a utmp, of any length, are read without harm")
    func anyBytes() {
        var random = SmallRandom(seed: 5)
        for _ in 0..<500 {
            let bytes = (0..<Int(random.next() % 2000)).map { _ in UInt8(truncatingIfNeeded: random.next() % 9) }
            #expect(TerminalProbe.lines(utmp: bytes).count <= bytes.count / 300)
        }
    }
}

/// Enough chance for tests, the same every time.
struct SmallRandom: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ state >> 29) >> 8
    }
}

@Suite("Keyboard and mouse by /dev/input")
struct InputDeviceTests {
    let fake: FakeRoots
    init() throws { fake = try FakeRoots() }

    static func event(type: UInt16) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: InputEvents.bytes)
        bytes[InputEvents.bytes - 8] = UInt8(type)
        return bytes
    }

    static func milliseconds(_ value: ProbeReading.Value?) -> Int64? {
        if case .idle(let milliseconds)? = value { milliseconds } else { nil }
    }

    @Test("Access times count once one has moved, and the latest of all devices does")
    func accessTimes() throws {
        let probe = InputDeviceProbe(roots: fake.roots)
        // The files are made now, however long ago the other tests began.
        let now = Timestamp(milliseconds: millrace_wall_milliseconds())
        #expect(why(probe.read(now: now))?.contains("there is no") == true)
        try fake.write("dev/input/event0", "")
        try fake.write("dev/input/mice", "")
        // Never touched since they were made.
        for name in ["event0", "mice"] {
            try fake.access("dev/input/\(name)", at: Double(now.milliseconds) / 1000 - 60)
        }
        #expect(why(probe.read(now: now))?.contains("no access times") == true)
        // A minute after they were made, ten seconds ago.
        let later = now + TimeSpan(seconds: 70)
        try fake.access("dev/input/mice", at: Double(later.milliseconds) / 1000 - 10)
        let idle = try #require(Self.milliseconds(probe.read(now: later)))
        #expect((9000...11_000).contains(idle))
    }

    @Test("Keys and movements count as they come; sensors that never rest do not")
    func events() throws {
        try fake.pipe("dev/input/event0")
        try fake.pipe("dev/input/event7")
        let probe = InputDeviceProbe(roots: fake.roots)
        #expect(probe.read(now: probeNow) == .idle(milliseconds: 0))
        #expect(probe.watched.count == 2)
        let at = { (seconds: Double) in probeNow + TimeSpan(seconds: seconds) }
        #expect(probe.read(now: at(100)) == .idle(milliseconds: 100_000))
        let sensor = open("\(fake.roots.dev)/input/event7", O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        let keyboard = open("\(fake.roots.dev)/input/event0", O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        defer { for file in [sensor, keyboard] { close(file) } }
        let tilt = Self.event(type: 3) + Self.event(type: 0)
        #expect(write(sensor, tilt, tilt.count) == tilt.count)
        #expect(probe.read(now: at(200)) == .idle(milliseconds: 200_000))
        let press = Self.event(type: 4) + Self.event(type: 1) + Self.event(type: 0)
        #expect(write(keyboard, press, press.count) == press.count)
        #expect(probe.read(now: at(300)) == .idle(milliseconds: 0))
        #expect(probe.read(now: at(310)) == .idle(milliseconds: 10_000))
        // Half an event is none.
        #expect(write(keyboard, press, 30) == 30)
        #expect(probe.read(now: at(320)) == .idle(milliseconds: 20_000))
    }

    @Test("Devices come and go; a file that is no device is not opened")
    func hotplug() throws {
        try fake.pipe("dev/input/event0")
        let probe = InputDeviceProbe(roots: fake.roots)
        _ = probe.read(now: probeNow)
        try fake.pipe("dev/input/event1")
        try fake.write("dev/input/event2", "not a device")
        try fake.pipe("dev/input/mouse0")
        _ = probe.read(now: probeNow)
        #expect(probe.watched.count == 2)
        // Another device under the same name.
        try Files.remove("\(fake.roots.dev)/input/event0")
        try fake.pipe("dev/input/event9")
        try #require(rename("\(fake.roots.dev)/input/event9", "\(fake.roots.dev)/input/event0") == 0)
        try Files.remove("\(fake.roots.dev)/input/event1")
        _ = probe.read(now: probeNow)
        #expect(probe.watched.count == 1)
        try Files.remove("\(fake.roots.dev)/input")
        #expect(why(probe.read(now: probeNow)) != nil)
        #expect(probe.watched.isEmpty)
    }

    @Test("A device that never stops talking does not keep the probe")
    func flood() throws {
        try fake.pipe("dev/input/event0")
        let probe = InputDeviceProbe(roots: fake.roots)
        _ = probe.read(now: probeNow)
        let device = try LineChild.start(
            executable: "/bin/sh", arguments: ["-c", "exec cat /dev/zero > '\(fake.roots.dev)/input/event0'"],
            variables: [], onLine: { _ in }, onEnd: { _ in })
        defer { device.stop() }
        for _ in 0..<20 {
            #expect(Self.milliseconds(probe.read(now: probeNow)) != nil)
            usleep(1000)
        }
    }
}
