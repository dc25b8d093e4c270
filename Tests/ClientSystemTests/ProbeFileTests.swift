import CPosix
import ClientCore
import ClientSystem
import Domain
import Glibc
import Testing
import WorkerHost

/// A tree of files that stands for `/proc`, `/sys` and `/dev`.
struct FakeRoots {
    let folder: TemporaryFolder
    var roots = ProbeRoots()

    init() throws {
        folder = try TemporaryFolder()
        roots.proc = "\(folder.path)/proc"
        roots.sys = "\(folder.path)/sys"
        roots.dev = "\(folder.path)/dev"
        roots.utmp = "\(folder.path)/utmp"
        roots.systemBus = "\(folder.path)/bus"
    }

    func write(_ path: String, _ text: String) throws {
        try Files.makeFolder(Files.parent(of: "\(folder.path)/\(path)"))
        try folder.write(path, text)
    }

    func pipe(_ path: String) throws {
        try Files.makeFolder(Files.parent(of: "\(folder.path)/\(path)"))
        try #require(mkfifo("\(folder.path)/\(path)", 0o600) == 0)
    }

    /// UTIME_OMIT of <sys/stat.h>.
    private static let leaveAlone = (1 << 30) - 2

    /// Sets when a file was last read; its other times are now.
    func access(_ path: String, at seconds: Double) throws {
        var times = [timespec(tv_sec: Int(seconds), tv_nsec: 0), timespec(tv_sec: 0, tv_nsec: Self.leaveAlone)]
        try #require(utimensat(AT_FDCWD, "\(folder.path)/\(path)", &times, 0) == 0)
    }
}

let probeNow = Timestamp(milliseconds: millrace_wall_milliseconds())

func why(_ value: ProbeReading.Value?) -> String? {
    if case .unavailable(let why)? = value { why } else { nil }
}

@Suite("Battery and mains")
struct PowerProbeTests {
    let fake: FakeRoots
    init() throws { fake = try FakeRoots() }

    func supply(_ name: String, _ files: [String: String]) throws {
        for (file, text) in files { try fake.write("sys/class/power_supply/\(name)/\(file)", "\(text)\n") }
    }

    func reading() -> ProbeReading.Value? { PowerProbe(roots: fake.roots).read(now: probeNow) }

    @Test("A machine without any supply is on mains; one without the folder does not tell")
    func none() throws {
        #expect(why(reading())?.contains("cannot be listed") == true)
        try Files.makeFolder("\(fake.roots.sys)/class/power_supply")
        #expect(reading() == .power(isOnBattery: false, charge: nil))
    }

    @Test("A laptop on battery, and the same with its charger")
    func laptop() throws {
        try supply("AC", ["type": "Mains", "online": "0"])
        try supply("BAT0", ["type": "Battery", "status": "Discharging", "capacity": "71", "present": "1"])
        #expect(reading() == .power(isOnBattery: true, charge: 71))
        try supply("AC", ["online": "1"])
        #expect(reading() == .power(isOnBattery: false, charge: 71))
        try supply("BAT0", ["status": "Charging"])
        try supply("AC", ["online": "0"])
        #expect(reading() == .power(isOnBattery: false, charge: 71))
    }

    @Test("A USB-C charger counts as mains, one that is not plugged in does not")
    func usb() throws {
        try supply("BAT0", ["type": "Battery", "status": "Discharging", "capacity": "5"])
        try supply("ucsi-source-psy-0", ["type": "USB", "online": "0"])
        try supply("ucsi-source-psy-1", ["type": "USB", "online": "0"])
        #expect(reading() == .power(isOnBattery: true, charge: 5))
        try supply("ucsi-source-psy-1", ["online": "1"])
        #expect(reading() == .power(isOnBattery: false, charge: 5))
    }

    @Test("Two batteries count by what they hold; one that is not there and one of a mouse do not count")
    func severalBatteries() throws {
        let large = ["type": "Battery", "status": "Discharging", "energy_now": "30000000", "energy_full": "90000000"]
        try supply("BAT0", large)
        try supply(
            "BAT1", ["type": "Battery", "status": "Unknown", "energy_now": "10000000", "energy_full": "10000000"])
        try supply("BAT2", ["type": "Battery", "status": "Discharging", "present": "0", "capacity": "0"])
        try supply("hidpp_battery_0", ["type": "Battery", "scope": "Device", "status": "Discharging", "capacity": "3"])
        #expect(reading() == .power(isOnBattery: true, charge: 40))
    }

    @Test("Garbage is no charge, and no reason to stop")
    func garbage() throws {
        try supply("BAT0", ["type": "Battery", "status": "Discharging", "capacity": "1000", "energy_full": "0"])
        #expect(reading() == .power(isOnBattery: true, charge: nil))
        try supply("BAT1", ["type": "Battery\u{0}\u{1}", "status": String(repeating: "x", count: 1 << 20)])
        try Files.makeFolder("\(fake.roots.sys)/class/power_supply/BAT2/type")
        try fake.pipe("sys/class/power_supply/BAT3/type")
        try fake.pipe("sys/class/power_supply/BAT0/scope")
        #expect(reading() == .power(isOnBattery: true, charge: nil))
    }

    @Test("What nobody may read is as if it were not there")
    func forbidden() throws {
        try supply("BAT0", ["type": "Battery", "status": "Discharging", "capacity": "50"])
        try #require(chmod("\(fake.roots.sys)/class/power_supply/BAT0/capacity", 0) == 0)
        // Who may read everything reads this, too.
        #expect(reading() == .power(isOnBattery: true, charge: geteuid() == 0 ? 50 : nil))
    }
}

@Suite("Temperature")
struct TemperatureProbeTests {
    let fake: FakeRoots
    init() throws { fake = try FakeRoots() }

    func sensor(_ chip: String, _ name: String, _ files: [String: String]) throws {
        try fake.write("sys/class/hwmon/\(chip)/name", "\(name)\n")
        for (file, text) in files { try fake.write("sys/class/hwmon/\(chip)/\(file)", "\(text)\n") }
    }

    func reading() -> ProbeReading.Value? { TemperatureProbe(roots: fake.roots).read(now: probeNow) }

    @Test("The processor's sensors come before what a board makes up")
    func processor() throws {
        try sensor("hwmon0", "nct6798", ["temp1_input": "101000", "temp1_label": "AUXTIN0"])
        try sensor(
            "hwmon1", "coretemp", ["temp1_input": "61000", "temp1_label": "Package id 0", "temp2_input": "64500"])
        #expect(reading() == .temperature(64.5, sensor: "coretemp"))
        try sensor("hwmon1", "coretemp", ["temp2_input": "58000"])
        #expect(reading() == .temperature(61, sensor: "coretemp Package id 0"))
    }

    @Test("Without them the hottest of all counts, and of what cannot be a temperature none")
    func others() throws {
        try sensor("hwmon0", "nvme", ["temp1_input": "44850", "temp1_label": "Composite"])
        try sensor(
            "hwmon1", "acpitz",
            ["temp1_input": "-273000", "temp2_input": "255000", "temp3_input": "hot", "temp4_input": ""])
        try sensor("hwmon2", "amdgpu", ["temp1_input": "51000", "temp1_crit": "97000"])
        #expect(reading() == .temperature(51, sensor: "amdgpu"))
    }

    @Test("Thermal zones are looked at when hwmon has nothing; without any there is no reading")
    func zones() throws {
        #expect(why(reading())?.contains("no sensor") == true)
        try fake.write("sys/class/thermal/thermal_zone0/temp", "47200\n")
        try fake.write("sys/class/thermal/thermal_zone0/type", "cpu-\u{1B}[31mthermal\n")
        try fake.write("sys/class/thermal/cooling_device0/temp", "99000\n")
        #expect(reading() == .temperature(47.2, sensor: "cpu-?[31mthermal"))
    }

    @Test("A sensor that is a pipe, a folder or gone is none")
    func vanishing() throws {
        try sensor("hwmon0", "k10temp", [:])
        try fake.pipe("sys/class/hwmon/hwmon0/temp1_input")
        try Files.makeFolder("\(fake.roots.sys)/class/hwmon/hwmon0/temp2_input")
        try #require(symlink("nowhere", "\(fake.roots.sys)/class/hwmon/hwmon0/temp3_input") == 0)
        #expect(why(reading()) != nil)
    }
}

@Suite("Pressure")
struct PressureProbeTests {
    let fake: FakeRoots
    init() throws { fake = try FakeRoots() }

    func reading() -> ProbeReading.Value? { PressureProbe(roots: fake.roots).read(now: probeNow) }

    @Test("The share of the last ten seconds is read; a kernel without these files says so")
    func reads() throws {
        #expect(why(reading())?.contains("kernel") == true)
        let line = { (value: String) in "some avg10=\(value) avg60=5.05 avg300=17.86 total=207838112\nfull avg10=9.00\n"
        }
        try fake.write("proc/pressure/cpu", line("12.50"))
        try fake.write("proc/pressure/memory", line("0.00"))
        try fake.write("proc/pressure/io", line("100.00"))
        #expect(reading() == .pressure(cpu: 12.5, memory: 0, disk: 100))
        for broken in ["", "some", "some avg10=", line("-1"), line("101"), line("nan"), "full avg10=1.00\n"] {
            try fake.write("proc/pressure/io", broken)
            #expect(why(reading()) != nil, "\(broken)")
        }
    }

    @Test("The real files of this machine can be read, where it has them")
    func real() {
        let value = PressureProbe(roots: ProbeRoots()).read(now: probeNow)
        if Files.exists("/proc/pressure/io"), case .pressure(let cpu, _, _)? = value {
            #expect((0...100).contains(cpu))
        } else {
            #expect(why(value) != nil)
        }
    }
}

@Suite("Exclusive programs")
struct ExclusiveProgramTests {
    let fake: FakeRoots
    init() throws {
        fake = try FakeRoots()
        try process(1, "systemd", "/sbin/init\u{0}")
    }

    func process(_ number: Int, _ command: String, _ line: String) throws {
        try fake.write("proc/\(number)/comm", "\(command)\n")
        try fake.write("proc/\(number)/cmdline", line)
    }

    func reading(_ programs: String...) -> ProbeReading.Value? {
        ExclusiveProgramProbe(roots: fake.roots, programs: programs).read(now: probeNow)
    }

    @Test("By command name, by the name of the file, in any case, and of Wine")
    func names() throws {
        try process(20, "GameThread", "/opt/games/steam\u{0}-silent\u{0}")
        try process(30, "wine64-preloade", "C:\\Games\\Great Game.exe\u{0}")
        try process(40, "a-very-long-nam", "/usr/bin/python3\u{0}/usr/bin/other\u{0}")
        #expect(reading("Steam") == .program("Steam"))
        #expect(reading("gamethread") == .program("gamethread"))
        #expect(reading("great game.exe") == .program("great game.exe"))
        #expect(reading("a-very-long-name-of-a-program") == .program("a-very-long-name-of-a-program"))
        #expect(reading("obs", "other", "team", "games", "-silent") == .program(nil))
    }

    @Test("Processes that vanish, have no name, or whose files are huge or pipes, are nobody's program")
    func hostile() throws {
        try Files.makeFolder("\(fake.roots.proc)/50")
        try process(60, "", "")
        try process(70, String(repeating: "obs", count: 1 << 16), String(repeating: "/", count: 1 << 20) + "obs")
        try fake.pipe("proc/80/comm")
        try fake.write("proc/self/comm", "obs\n")
        try fake.write("proc/12x/comm", "obs\n")
        #expect(reading("obs") == .program(nil))
        try process(90, "obs", "")
        #expect(reading("obs") == .program("obs"))
    }

    @Test("Where processes of others are hidden, not to see the program says nothing")
    func hidden() throws {
        try Files.remove("\(fake.roots.proc)/1")
        try process(20, "bash", "bash\u{0}")
        #expect(why(reading("steam"))?.contains("hides") == true)
        #expect(reading("bash") == .program("bash"))
        try Files.remove(fake.roots.proc)
        #expect(why(reading("bash"))?.contains("listed") == true)
    }

    @Test("This very test is found in the real /proc")
    func real() throws {
        let own = try #require(WorkerLocator.ownPath().split(separator: "/").last.map(String.init))
        let probe = ExclusiveProgramProbe(roots: ProbeRoots(), programs: [own])
        #expect(probe.read(now: probeNow) == .program(own))
    }
}
