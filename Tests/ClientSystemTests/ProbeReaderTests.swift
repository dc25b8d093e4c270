import CPosix
import ClientCore
import ClientSystem
import Domain
import Glibc
import Synchronization
import Testing
import WorkerHost

/// A source that hangs as long as a test wants it to.
final class FakeSource: ProbeSource, Sendable {
    let kind: ProbeKind
    let isSlow: Bool
    let timeLimitSeconds: Double
    private struct State {
        var hangs = false
        var reads = 0
        var inside = 0
        var mostInside = 0
        var watched: [Int32] = []
        var isCalm = false
    }
    private let state = Mutex(State())

    init(_ kind: ProbeKind, isSlow: Bool = false, timeLimitSeconds: Double = 5) {
        self.kind = kind
        self.isSlow = isSlow
        self.timeLimitSeconds = timeLimitSeconds
    }

    func hang(_ hangs: Bool) { state.withLock { $0.hangs = hangs } }
    var reads: Int { state.withLock(\.reads) }
    var mostInside: Int { state.withLock(\.mostInside) }
    var watched: [Int32] { state.withLock(\.watched) }
    var isCalm: Bool { state.withLock(\.isCalm) }
    func calm() { state.withLock { $0.isCalm = true } }
    func watch(_ file: Int32) { state.withLock { $0.watched = [file] } }

    func read(now: Timestamp) -> ProbeReading.Value? {
        let count = state.withLock { state in
            state.reads += 1
            state.inside += 1
            state.mostInside = max(state.mostInside, state.inside)
            return state.reads
        }
        while state.withLock(\.hangs) { usleep(1000) }
        state.withLock { $0.inside -= 1 }
        return .idle(milliseconds: Int64(count))
    }
}

@Suite("The reader of probes")
struct ProbeReaderTests {
    static let often = ProbePeriod(computing: 0.02, paused: 0.02)
    static let never = ProbePeriod(computing: 1000, paused: 1000)

    static func reader(
        _ sources: [FakeSource], _ readings: Readings, periods: [ProbeKind: ProbePeriod] = [:]
    ) -> ProbeReader {
        ProbeReader(sources, periods: { periods[$0] ?? often }) { for reading in $0 { readings.add(reading) } }
    }

    static func count(_ readings: Readings, _ kind: ProbeKind) -> Int {
        readings.all.count { $0.kind == kind }
    }

    /// Tends until it is so.
    static func tends(_ reader: ProbeReader, isComputing: Bool = true, until condition: () -> Bool) -> Bool {
        eventually {
            reader.tend(isComputing: isComputing)
            return condition()
        }
    }

    @Test("Every source is read at once, and then in its own time")
    func periods() throws {
        let readings = Readings()
        let (quick, rare) = (FakeSource(.terminals), FakeSource(.power))
        let reader = Self.reader([quick, rare], readings, periods: [.power: Self.never])
        defer { reader.stop() }
        #expect(Self.tends(reader) { Self.count(readings, .terminals) > 20 })
        #expect(Self.count(readings, .power) >= 1)
        #expect(rare.reads <= 2)
    }

    @Test(
        "A source that hangs is reported, costs one thread, and is not asked again; the others go on",
        arguments: [false, true])
    func hangs(isSlow: Bool) throws {
        let readings = Readings()
        let bad = FakeSource(.network, isSlow: isSlow, timeLimitSeconds: 0.1)
        let good = FakeSource(.terminals)
        bad.hang(true)
        let reader = Self.reader([bad, good], readings)
        defer {
            bad.hang(false)
            reader.stop()
        }
        #expect(Self.tends(reader) { readings.unavailable != nil })
        #expect(readings.unavailable == "did not answer for 0 s")
        let before = Self.count(readings, .terminals)
        #expect(Self.tends(reader) { Self.count(readings, .terminals) > before + 20 })
        #expect(bad.reads == 1)
        // It is said again, with the time that it has lasted.
        #expect(Self.tends(reader) { readings.all.contains { $0.value == .unavailable("did not answer for 1 s") } })

        bad.hang(false)
        #expect(
            Self.tends(reader) { readings.all.contains { $0.kind == .network && $0.value == .idle(milliseconds: 1) } })
        #expect(Self.tends(reader) { bad.reads > 5 })
        #expect(bad.mostInside == 1)
        #expect(good.mostInside == 1)
    }

    @Test("Several that hang one after the other leave the last one alone")
    func manyHang() throws {
        let readings = Readings()
        let bad = [ProbeKind.power, .temperature, .pressure].map { FakeSource($0, timeLimitSeconds: 0.05) }
        let good = FakeSource(.terminals)
        for source in bad { source.hang(true) }
        let reader = Self.reader(bad + [good], readings)
        defer {
            for source in bad { source.hang(false) }
            reader.stop()
        }
        #expect(Self.tends(reader) { Self.count(readings, .terminals) > 10 })
        #expect(bad.allSatisfy { $0.reads == 1 })
    }

    @Test("What a source watches wakes it while tasks run, not while none do, and a flood wakes it twice a second")
    func watches() throws {
        let readings = Readings()
        let source = FakeSource(.inputDevices)
        var ends: [Int32] = [0, 0]
        try #require(pipe2(&ends, O_CLOEXEC) == 0)
        defer { for end in ends { close(end) } }
        source.watch(ends[0])
        let reader = Self.reader([source], readings, periods: [.inputDevices: Self.never])
        defer { reader.stop() }
        #expect(Self.tends(reader, isComputing: false) { source.reads == 1 })
        #expect(write(ends[1], "x", 1) == 1)
        usleep(100_000)
        #expect(source.reads == 1)
        // Nobody empties the pipe: it stays readable.
        let start = millrace_monotonic_seconds()
        #expect(Self.tends(reader) { source.reads >= 6 })
        #expect(Double(source.reads) <= 4 + 2 * (millrace_monotonic_seconds() - start))
    }

    @Test("What is quiet is watched while nothing runs, too")
    func calm() throws {
        let readings = Readings()
        let source = FakeSource(.session)
        var ends: [Int32] = [0, 0]
        try #require(pipe2(&ends, O_CLOEXEC) == 0)
        defer { for end in ends { close(end) } }
        source.watch(ends[0])
        source.calm()
        let reader = Self.reader([source], readings, periods: [.session: Self.never])
        defer { reader.stop() }
        #expect(Self.tends(reader, isComputing: false) { source.reads == 1 })
        #expect(write(ends[1], "x", 1) == 1)
        #expect(Self.tends(reader, isComputing: false) { source.reads == 2 })
    }

    @Test("A change of pace is heard at once")
    func pace() throws {
        let readings = Readings()
        let source = FakeSource(.power)
        let reader = Self.reader(
            [source], readings, periods: [.power: ProbePeriod(computing: 0.02, paused: 1000)])
        defer { reader.stop() }
        #expect(Self.tends(reader, isComputing: false) { source.reads == 1 })
        #expect(Self.tends(reader) { source.reads > 10 })
        reader.tend(isComputing: false)
        usleep(50_000)
        let reads = source.reads
        usleep(200_000)
        #expect(source.reads <= reads + 1)
    }

    @Test("A stopped reader reads nothing more")
    func stops() throws {
        let readings = Readings()
        let source = FakeSource(.power)
        let reader = Self.reader([source], readings)
        #expect(Self.tends(reader) { source.reads > 2 })
        reader.stop()
        usleep(50_000)
        let reads = source.reads
        usleep(100_000)
        reader.tend(isComputing: true)
        #expect(source.reads == reads)
    }
}

@Suite("All probes together")
struct ProbeSetTests {
    @Test("Every kind answers on a machine that has nothing, with a reason")
    func nothing() throws {
        let fake = try FakeRoots()
        let report = ProbeReport.take(
            settings: ProbeSettings(), roots: fake.roots, x11: X11Display(name: nil), waitSeconds: 300)
        #expect(report.rows.map(\.name) == ProbeKind.allCases.map(\.rawValue))
        #expect(report.rows.allSatisfy { $0.value.hasPrefix("not available: ") && !$0.isAvailable })
        #expect(report.lines.first == "user input          not available: there is no X11 display (DISPLAY is not set)")
        #expect(report.lines[5] == "exclusive programs  not available: no programs are named")
    }

    @Test("What is there is shown with its value, and what is switched off is not looked at")
    func something() throws {
        let fake = try FakeRoots()
        try fake.write("proc/1/comm", "init\n")
        try fake.write("proc/9/comm", "obs\n")
        try fake.write("sys/class/power_supply/BAT0/type", "Battery\n")
        try fake.write("sys/class/power_supply/BAT0/status", "Discharging\n")
        try fake.write("price", "no, it is dear until 20:00\n")
        let server = try FakeXServer(FakeXServer.Manner(fullScreen: "Kino"))
        defer { server.stop() }
        var settings = ProbeSettings()
        settings.exclusivePrograms = ["obs"]
        settings.permissionFile = "\(fake.folder.path)/price"
        settings.off = [.otherLoad, .pressure, .userInput]
        let report = ProbeReport.take(
            settings: settings, roots: fake.roots, x11: X11Display(name: server.name), waitSeconds: 300)
        let values = Dictionary(uniqueKeysWithValues: report.rows.map { ($0.name, $0.value) })
        #expect(values["exclusive programs"] == "obs runs")
        #expect(values["power"] == "on battery")
        #expect(values["price or carbon"] == "not given: it is dear until 20:00")
        #expect(values["full screen"] == "Kino fills the screen")
        for name in ["user input", "other programs", "pressure"] {
            #expect(values[name] == "not available: switched off")
        }
        let lines = report.lines
        #expect(lines[7].hasPrefix("power               on battery, ") && lines[7].hasSuffix(" s ago"))
    }

    @Test("When the owner names other programs or another file, these are looked at, at once; of the old ones no more")
    func changes() throws {
        let fake = try FakeRoots()
        try fake.write("proc/1/comm", "init\n")
        try fake.write("proc/9/comm", "obs\n")
        try fake.write("price", "no\n")
        let readings = Readings()
        let set = ProbeSet(settings: ProbeSettings(), roots: fake.roots, x11: X11Display(name: nil)) {
            for reading in $0 { readings.add(reading) }
        }
        defer { set.stop() }
        func last(_ kind: ProbeKind) -> ProbeReading.Value? { readings.all.last { $0.kind == kind }?.value }
        func becomes(_ kind: ProbeKind, _ value: ProbeReading.Value) -> Bool {
            for _ in 0..<30_000 {
                if last(kind) == value { return true }
                set.tend(isComputing: true) { 0 }
                usleep(10_000)
            }
            return false
        }
        #expect(becomes(.exclusiveProgram, .unavailable("no programs are named")))
        var settings = ProbeSettings()
        settings.exclusivePrograms = ["obs"]
        settings.permissionFile = "\(fake.folder.path)/price"
        set.take(settings)
        #expect(becomes(.exclusiveProgram, .program("obs")))
        #expect(becomes(.permission, .permission(false, reason: "")))
        settings.exclusivePrograms = ["steam"]
        settings.permissionFile = nil
        settings.permissionCommand = [try fake.folder.script("ask", "echo the wind blows")]
        set.take(settings)
        #expect(becomes(.exclusiveProgram, .program(nil)))
        #expect(becomes(.permission, .permission(true, reason: "the wind blows")))
        set.take(ProbeSettings())
        #expect(becomes(.permission, .unavailable("neither a file nor a command is named")))
        #expect(becomes(.exclusiveProgram, .unavailable("no programs are named")))
    }

    @Test("A probe that does not answer in time is named")
    func silence() throws {
        let fake = try FakeRoots()
        // It takes connections, and nobody reads them.
        let server = try FakeXServer(isServing: false)
        defer { server.stop() }
        let report = ProbeReport.take(
            settings: ProbeSettings(), roots: fake.roots, x11: X11Display(name: server.name), waitSeconds: 2)
        #expect(report.rows.first { $0.name == "user input" }?.value == "not available: did not answer for 2 s")
    }

    @Test("Periods leave room between a look and the age at which a source is silent; looks of one period are together")
    func periods() {
        for kind in ProbeKind.allCases {
            let period = kind.period
            #expect(period.computing > 0 && period.paused >= period.computing)
            if kind.isInput || kind == .otherLoad { #expect(period.paused + 5 < ProbePeriod.silentSeconds) }
            for (now, isComputing) in [(1000.1, true), (1234.5, false), (0, true)] {
                let next = period.nextLook(after: now, isComputing: isComputing)
                let seconds = period.seconds(isComputing: isComputing)
                #expect(next > now && next <= now + seconds)
                #expect(abs(next.remainder(dividingBy: seconds)) < 1e-6)
            }
        }
    }
}
