import ClientCore
import ClientSystem
import Domain
import Testing
import WorkerHost

@Suite("How much memory there is")
struct MemoryGaugeTests {
    /// A machine with 16 GiB, 4 of which are available.
    static func machine() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for name in ["self", "pressure", "groups/a/b"] { try Files.makeFolder("\(folder.path)/\(name)") }
        try folder.write(
            "meminfo", "MemTotal:       16777216 kB\nMemFree:          100000 kB\nMemAvailable:    4194304 kB\n")
        try folder.write(
            "pressure/memory",
            "some avg10=12.34 avg60=5.00 avg300=1.00 total=9\nfull avg10=1.00 avg60=0.00 avg300=0.00 total=1\n")
        return folder
    }

    static func cgroup(_ folder: TemporaryFolder, version: Int) throws {
        let kind = version == 1 ? "cgroup cgroup rw,memory" : "cgroup2 cgroup2 rw"
        try folder.write("self/mountinfo", "31 23 0:27 / \(folder.path)/groups rw - \(kind)\n")
        try folder.write("self/cgroup", version == 1 ? "7:memory:/a/b\n" : "0::/a/b\n")
        try folder.write("groups/a/b/cgroup.controllers", "cpu memory\n")
    }

    static let gibibyte: Int64 = 1 << 30

    @Test("The machine's memory, and how long programs waited for it")
    func plain() throws {
        let folder = try Self.machine()
        let gauge = MemoryGauge(proc: folder.path)
        #expect(
            gauge.read()
                == MemoryReading(availableBytes: 4 * Self.gibibyte, totalBytes: 16 * Self.gibibyte, pressure: 12.34))
        #expect(gauge.totalBytes() == 16 * Self.gibibyte)
        // An older kernel, or one without the accounting.
        try Files.remove(folder.path + "/pressure/memory")
        #expect(gauge.read()?.pressure == nil && gauge.read() != nil)
        try folder.write("meminfo", "MemTotal:       16777216 kB\n")
        #expect(gauge.read() == nil)
        try folder.write("meminfo", "nonsense\n\nMemTotal: x kB\nMemAvailable:\n")
        #expect(gauge.read() == nil && gauge.totalBytes() == nil)
    }

    @Test("A control group's bound counts where it is tighter, its own or one above", arguments: [1, 2])
    func groups(version: Int) throws {
        let folder = try Self.machine()
        try Self.cgroup(folder, version: version)
        let (bound, used, idle) =
            version == 1
            ? ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            : ("memory.max", "memory.current", "inactive_file")
        let none = version == 1 ? "9223372036854771712" : "max"
        func set(_ group: String, _ limit: String, _ taken: Int64, files: Int64 = 0) throws {
            try folder.write("groups/\(group)/\(bound)", limit + "\n")
            try folder.write("groups/\(group)/\(used)", "\(taken)\n")
            try folder.write("groups/\(group)/memory.stat", "anon 5\n\(idle) \(files)\n")
        }
        let gauge = MemoryGauge(proc: folder.path)
        try set("a/b", none, 3 * Self.gibibyte)
        #expect(gauge.read()?.availableBytes == 4 * Self.gibibyte)
        try set("a/b", "\(2 * Self.gibibyte)", Self.gibibyte, files: Self.gibibyte / 2)
        #expect(
            gauge.read()
                == MemoryReading(
                    availableBytes: 3 * Self.gibibyte / 2, totalBytes: 2 * Self.gibibyte, pressure: 12.34))
        #expect(gauge.totalBytes() == 2 * Self.gibibyte)
        try set("a", "\(Self.gibibyte)", 2 * Self.gibibyte)
        #expect(gauge.read()?.availableBytes == 0)
        #expect(gauge.totalBytes() == Self.gibibyte)
        // Looser than the machine itself.
        try set("a", "\(100 * Self.gibibyte)", 0)
        try set("a/b", "\(100 * Self.gibibyte)", 0)
        #expect(gauge.read()?.availableBytes == 4 * Self.gibibyte)
        #expect(gauge.totalBytes() == 16 * Self.gibibyte)
    }

    @Test("This machine tells")
    func real() throws {
        let reading = try #require(MemoryGauge().read())
        #expect(reading.availableBytes > 0 && reading.availableBytes <= reading.totalBytes)
    }
}
