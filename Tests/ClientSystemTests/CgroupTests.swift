import Domain
import Glibc
import Testing
import WorkerHost

@Suite("Control groups of version 2, by the kernel's rules")
struct CgroupTests {
    static func governor(_ twin: CgroupTwin) -> CPUGovernor {
        CPUGovernor(proc: "/proc-twin", files: twin, mayGroup: true)
    }

    static func group(_ governor: CPUGovernor) -> String { "\(CgroupTwin.unit)/\(governor.name)" }

    @Test("A client that is alone in its group makes room there, and puts everything back at the end")
    func delegated() throws {
        let twin = CgroupTwin()
        let busy = try BusyWorkers()
        let (first, second) = (try busy.start("first"), try busy.start("second"))
        let governor = Self.governor(twin)
        governor.limit(percent: 50)
        #expect(governor.report().method == .cgroup2)
        governor.add(first)
        governor.add(second)
        let path = Self.group(governor)
        // Two running tasks occupy two cores; half of that is one.
        #expect(twin[path]?.values["cpu.max"] == "100000 100000")
        // Last in the queue for the processor, as a group, too.
        #expect(twin[path]?.values["cpu.idle"] == "1")
        #expect(twin[path]?.processes == [first.pid, second.pid])
        #expect(twin["\(path)-client"]?.processes == [getpid()])
        first.suspend()
        governor.recount()
        #expect(twin[path]?.values["cpu.max"] == "50000 100000")
        // The last one that leaves does so without a bound.
        second.terminate()
        governor.recount()
        #expect(twin[path]?.values["cpu.max"] == "max 100000")
        #expect(governor.limit(memoryBytes: 1 << 30))
        #expect(twin[path]?.values["memory.max"] == "1073741824")

        BusyWorkers.end([first, second])
        for run in [first, second] { try twin.write("\(run.pid)", to: "/groups/elsewhere/cgroup.procs", making: true) }
        governor.end()
        #expect(twin.paths == ["/groups", "/groups/elsewhere", "/groups/unit"])
        #expect(twin[CgroupTwin.unit]?.processes == [getpid()])
        #expect(twin[CgroupTwin.unit]?.given.isEmpty == true)
    }

    @Test("A group that holds strangers, or has no such controller, is left as it is: turns instead")
    func strangers() {
        for twin in [CgroupTwin(others: [1]), CgroupTwin(controllers: ["memory"])] {
            let governor = Self.governor(twin)
            governor.limit(percent: 50)
            #expect(governor.report().method == .dutyCycle)
            governor.end()
            #expect(twin.paths == ["/groups", "/groups/unit"])
            #expect(twin[CgroupTwin.unit]?.processes.contains(getpid()) == true)
        }
    }

    @Test("Where groups below have the controller already, nobody moves")
    func given() throws {
        let twin = CgroupTwin()
        twin.give(["cpu"])
        let governor = Self.governor(twin)
        governor.limit(percent: 50)
        #expect(governor.report().method == .cgroup2)
        #expect(twin.paths == ["/groups", "/groups/unit", Self.group(governor)])
        governor.end()
        #expect(twin[CgroupTwin.unit]?.given == ["cpu"])
        #expect(twin.paths == ["/groups", "/groups/unit"])
    }

    @Test("Before Linux 5.15 the group gets the smallest share instead")
    func noIdle() {
        let twin = CgroupTwin(hasIdle: false)
        let governor = Self.governor(twin)
        governor.limit(percent: 50)
        #expect(governor.report().method == .cgroup2)
        #expect(twin[Self.group(governor)]?.values["cpu.weight"] == "1")
        governor.end()
    }

    @Test("A bound that somebody else has changed is set again; one that cannot be set is kept by turns")
    func restored() throws {
        let twin = CgroupTwin()
        let busy = try BusyWorkers()
        let run = try busy.start("worker")
        let governor = Self.governor(twin)
        defer { BusyWorkers.end([run], governor) }
        governor.limit(percent: 30)
        governor.add(run)
        twin.set(Self.group(governor), "cpu.max", "max 100000")
        #expect(governor.report().method == .cgroup2)
        #expect(twin[Self.group(governor)]?.values["cpu.max"] == "30000 100000")
        twin.give([])
        twin.set(Self.group(governor), "cpu.max", "max 100000")
        #expect(governor.report().method == .dutyCycle)
        #expect(eventually { WorkerRunTests.state(run.pid) == "T" })
        try twin.write("\(run.pid)", to: "/groups/elsewhere/cgroup.procs", making: true)
    }

    static let places: [(mountinfo: String, own: String, folder: String?)] = [
        // A plain machine with version 1, two controllers on one mount.
        (
            "31 23 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
            "4:cpu,cpuacct:/user.slice\n0::/", "/sys/fs/cgroup/cpu,cpuacct/user.slice"
        ),
        // The top of the hierarchy.
        ("31 23 0:27 / /cg/cpu rw shared:9 - cgroup cgroup rw,cpu", "1:cpu:/", "/cg/cpu"),
        // A container that sees only its own part.
        ("31 23 0:27 /docker/ab /cg/cpu rw - cgroup cgroup rw,cpu", "1:cpu:/docker/ab/x", "/cg/cpu/x"),
        ("31 23 0:27 /docker/ab /cg/cpu rw - cgroup cgroup rw,cpu", "1:cpu:/docker/ab", "/cg/cpu"),
        // Outside of what is mounted here.
        ("31 23 0:27 /docker/ab /cg/cpu rw - cgroup cgroup rw,cpu", "1:cpu:/docker/abc", nil),
        ("31 23 0:27 / /cg/cpu rw - cgroup cgroup rw,cpu", "1:cpu:/../other", nil),
        // A blank in the name; `cpuset` and `cpuacct` are not `cpu`.
        ("31 23 0:27 / /my\\040cg rw - cgroup none rw,cpu", "1:cpu:/a", "/my cg/a"),
        ("31 23 0:27 / /cg/cpuset rw - cgroup cgroup rw,cpuset", "1:cpuset:/a", nil),
        ("31 23 0:27 / /cg/cpuacct rw - cgroup cgroup rw,cpuacct", "1:cpu:/a", nil),
        ("", "", nil), ("nonsense", "nonsense", nil), ("1 2 3 4 5 6 - cgroup", "1:cpu", nil),
    ]

    @Test("The own group is found in what /proc says", arguments: places)
    func found(place: (mountinfo: String, own: String, folder: String?)) throws {
        let folder = try TemporaryFolder()
        try Files.makeFolder(folder.path + "/self")
        try folder.write("self/mountinfo", place.mountinfo + "\n")
        try folder.write("self/cgroup", place.own + "\n")
        let found = CgroupHierarchy.find(.cpu, proc: folder.path, files: KernelCgroupFiles())
        #expect(found?.folder == place.folder)
        if let found { #expect(found.version == 1 && found.foldersUpwards.last == found.mount) }
    }

    @Test("As a layer of the sandbox: what can be bounded in a group that can be written")
    func layer() throws {
        let folder = try TemporaryFolder()
        try Files.makeFolder(folder.path + "/self")
        func state(_ mountinfo: String, _ own: String, writable: Set<String>) throws -> SandboxLayers.State {
            try folder.write("self/mountinfo", mountinfo)
            try folder.write("self/cgroup", own)
            return ControlGroups.state(proc: folder.path, files: KernelCgroupFiles(), isWritable: writable.contains)
        }
        let mounts = """
            31 23 0:27 /part /my\\040cg rw - cgroup none rw,cpu
            32 23 0:28 / /memory rw - cgroup none rw,memory

            """
        let own = "1:cpu:/part/a\n2:memory:/b\n"
        #expect(
            try state(mounts, own, writable: ["/my cg/a", "/memory/b"])
                == .init(.controlGroup, isActive: true, detail: "cpu of version 1, memory of version 1"))
        #expect(
            try state(mounts, own, writable: ["/my cg/a"])
                == .init(.controlGroup, isActive: true, detail: "cpu of version 1"))
        for none in [try state(mounts, own, writable: ["/my cg"]), try state("", "", writable: ["/"])] {
            #expect(none == .init(.controlGroup, isActive: false, detail: "no control group can be written"))
        }
        let twin = ControlGroups.state(proc: "/proc-twin", files: CgroupTwin()) { $0 == CgroupTwin.unit }
        #expect(twin.detail == "cpu of version 2, memory of version 2")
    }
}

extension CgroupTwin {
    /// Puts a process into a group that is made for it: what its end would do.
    func write(_ text: String, to path: String, making: Bool) throws {
        if making { _ = try makeFolder(Files.parent(of: path)) }
        try write(text, to: path)
    }
}
