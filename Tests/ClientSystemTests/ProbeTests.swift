import CPosix
import ClientCore
import ClientSystem
import Domain
import Glibc
import Synchronization
import Testing
import WorkerHost

/// Collects readings of any thread.
final class Readings: Sendable {
    private let readings = Mutex<[ProbeReading]>([])
    func add(_ reading: ProbeReading) { readings.withLock { $0.append(reading) } }
    var all: [ProbeReading] { readings.withLock { $0 } }
    var lastIdle: Int64? {
        for reading in all.reversed() { if case .idle(let milliseconds) = reading.value { return milliseconds } }
        return nil
    }
    var idles: [Int64] {
        all.compactMap { if case .idle(let milliseconds) = $0.value { milliseconds } else { nil } }
    }
    /// What was last said of the window that fills the screen.
    var lastWindow: ProbeReading.Value? { all.last { $0.kind == .fullScreen }?.value }
    var unavailable: String? {
        for reading in all { if case .unavailable(let why) = reading.value { return why } }
        return nil
    }
}

@Suite("Load of other programs")
struct OtherLoadTests {
    static let now = Timestamp(seconds: 5)

    static func cores(_ reading: ProbeReading?) -> Double? {
        if case .busy(let cores)? = reading?.value { return cores }
        return nil
    }

    @Test("What our own workers use is not other people's load")
    func ownWorkDoesNotCount() throws {
        let folder = try TemporaryFolder()
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        func write(busySeconds: Double) throws {
            try folder.write("stat", "cpu  \(Int(busySeconds * ticks)) 0 0 500 20 0 0 0 0 0\ncpu0 1 2 3 4\n")
        }
        var probe = OtherLoadProbe(proc: folder.path)
        try write(busySeconds: 100)
        #expect(probe.read(ownCPUSeconds: 10, monotonicSeconds: 0, now: Self.now) == nil)
        try write(busySeconds: 104)
        // Two seconds, four busy core seconds, three of them ours.
        let reading = probe.read(ownCPUSeconds: 13, monotonicSeconds: 2, now: Self.now)
        #expect(Self.cores(reading) == 0.5)
        #expect(probe.read(ownCPUSeconds: 13, monotonicSeconds: 2.5, now: Self.now) == nil)
    }

    @Test("A system without /proc says so")
    func noProc() throws {
        let folder = try TemporaryFolder()
        var probe = OtherLoadProbe(proc: folder.path)
        guard case .unavailable? = probe.read(ownCPUSeconds: 0, monotonicSeconds: 0, now: Self.now)?.value else {
            Issue.record("a reading came out of nothing")
            return
        }
    }

    @Test("The real /proc/stat can be read")
    func realProc() {
        #expect(ProcessTimes.system() != nil)
        #expect((ProcessTimes.cpuSeconds(of: getpid()) ?? -1) >= 0)
        #expect(ProcessTimes.group(of: getpid()) == getpgrp())
    }

    @Test("A process name full of blanks and parentheses does not confuse the parser")
    func oddName() throws {
        let folder = try TemporaryFolder()
        try Files.makeFolder(folder.path + "/42")
        let ticks = Int(sysconf(Int32(_SC_CLK_TCK)))
        try folder.write(
            "42/stat", "42 (a) b (c) S 1 77 77 0 -1 0 0 0 0 0 \(3 * ticks) \(2 * ticks) 0 0 20 0 1 0 5 0 0\n")
        #expect(ProcessTimes.cpuSeconds(of: 42, proc: folder.path) == 5)
        #expect(ProcessTimes.group(of: 42, proc: folder.path) == 77)
    }
}

@Suite("A child that talks line by line")
struct LineChildTests {
    @Test("It hears what is said to it; one that has ended, or does not listen, does no harm")
    func says() throws {
        let lines = Readings()
        let child = try LineChild.start(
            executable: "/bin/sh", arguments: ["-c", "read a; read b; test \"$a $b\" = 'one two' && echo heard"],
            variables: [], onLine: { _ in lines.add(ProbeReading(kind: .power, value: .metered(true), at: probeNow)) },
            onEnd: { _ in lines.add(ProbeReading(kind: .power, value: .metered(false), at: probeNow)) })
        child.say("one")
        child.say("two")
        #expect(eventually { lines.all.map(\.value) == [.metered(true), .metered(false)] })
        child.say("three")

        let deaf = try LineChild.start(
            executable: "/bin/sleep", arguments: ["1000"], variables: [], onLine: { _ in }, onEnd: { _ in })
        defer { deaf.stop() }
        for _ in 0..<2000 { deaf.say(String(repeating: "x", count: 1000)) }
        let closed = try LineChild.start(
            executable: "/bin/sh", arguments: ["-c", "exec <&-; echo; sleep 1000"], variables: [],
            onLine: { _ in lines.add(ProbeReading(kind: .network, value: .metered(true), at: probeNow)) },
            onEnd: { _ in })
        defer { closed.stop() }
        #expect(eventually { lines.all.last?.kind == .network })
        closed.say("nobody listens")
    }
}
