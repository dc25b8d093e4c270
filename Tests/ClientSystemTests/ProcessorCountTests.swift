import ClientSystem
import Testing
import WorkerHost

@Suite("How many processors this process may use")
struct ProcessorCountTests {
    @Test("Those that it is bound to are counted; nonsense binds nothing")
    func bound() throws {
        let folder = try TemporaryFolder()
        try Files.makeFolder("\(folder.path)/self")
        for (list, count) in [("0-3,6", 5), ("7", 1), ("", nil), ("x", nil), ("3-1", nil), ("0-99999999", nil)]
            as [(String, Int?)]
        {
            try folder.write("self/status", "Name:\tclient\nCpus_allowed:\tff\nCpus_allowed_list:\t\(list)\nMems:\t1\n")
            #expect(ProcessorCount.bound(proc: folder.path) == count, "\(list)")
        }
        #expect(ProcessorCount.bound(proc: folder.path + "/nowhere") == nil)
    }

    @Test("A control group's time bounds them, its own or that of one above", arguments: [1, 2])
    func quota(version: Int) throws {
        let folder = try TemporaryFolder()
        for name in ["self", "groups/a/b"] { try Files.makeFolder("\(folder.path)/\(name)") }
        let kind = version == 1 ? "cgroup cgroup rw,cpu" : "cgroup2 cgroup2 rw"
        try folder.write("self/mountinfo", "31 23 0:27 / \(folder.path)/groups rw - \(kind)\n")
        try folder.write("self/cgroup", version == 1 ? "7:cpu:/a/b\n" : "0::/a/b\n")
        try folder.write("groups/a/b/cgroup.controllers", "cpu memory\n")
        func bound(_ group: String, _ quota: String) throws {
            if version == 2 { return try folder.write("groups/\(group)/cpu.max", "\(quota) 100000\n") }
            try folder.write("groups/\(group)/cpu.cfs_quota_us", "\(quota == "max" ? "-1" : quota)\n")
            try folder.write("groups/\(group)/cpu.cfs_period_us", "100000\n")
        }
        #expect(ProcessorCount.quota(proc: folder.path) == nil)
        try bound("a/b", "max")
        #expect(ProcessorCount.quota(proc: folder.path) == nil)
        try bound("a", "250000")
        #expect(ProcessorCount.quota(proc: folder.path) == 3)
        try bound("a/b", "50000")
        #expect(ProcessorCount.quota(proc: folder.path) == 1)
        #expect(ProcessorCount.usable(proc: folder.path) == 1)
    }

    @Test("This machine has at least one, and no more than it has")
    func here() {
        #expect(ProcessorCount.usable() >= 1)
        #expect(HostInventory.cores == ProcessorCount.usable())
    }

    @Test("A trouble that goes on is said once, and once an hour")
    func repeated() {
        var trouble = Repeated()
        let said = (0..<4000).filter { trouble.isDue("the disk is full", now: Double($0) * 2) }
        #expect(said == [0, 1800, 3600])
        let other = trouble.isDue("something else", now: 8000)
        #expect(other)
        let many = (0..<100).filter { trouble.isDue("\($0)", now: 8001) }
        #expect(many.count <= 16)
    }
}
