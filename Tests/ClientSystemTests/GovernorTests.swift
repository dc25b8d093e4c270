import CPosix
import Domain
import Glibc
import Testing
import Wire
import WorkerHost

/// Workers that do nothing but use the processor, and those who bound them.
struct BusyWorkers {
    let folder: TemporaryFolder
    private let program: String

    init() throws {
        folder = try TemporaryFolder()
        program = try folder.script("busy", "trap 'exit 75' TERM\necho ready > ready\nwhile :; do :; done")
    }

    func start(_ name: String) throws -> WorkerRun {
        let slot = "\(folder.path)/\(name)"
        try Files.makeFolder(slot)
        let run = try WorkerRun.start(executable: program, directory: slot, job: WireRunJob())
        #expect(eventually { Files.exists("\(slot)/ready") })
        return run
    }

    static func used(_ runs: [WorkerRun]) -> Double {
        runs.reduce(0) { $0 + max(0, millrace_process_cpu_seconds($1.pid)) }
    }

    static func end(_ runs: [WorkerRun], _ governors: CPUGovernor...) {
        for run in runs {
            run.kill()
            run.wait()
        }
        for governor in governors { governor.end() }
    }

    /// CPU that each of these used of a core over so many seconds, of both sets in the same time.
    static func shares(_ first: [WorkerRun], _ second: [WorkerRun], over seconds: Double) -> (Double, Double) {
        let began = (millrace_monotonic_seconds(), used(first), used(second))
        usleep(useconds_t(seconds * 1e6))
        let elapsed = millrace_monotonic_seconds() - began.0
        return (
            (used(first) - began.1) / elapsed / Double(first.count),
            (used(second) - began.2) / elapsed / Double(second.count)
        )
    }
}

@Suite("Bounds on processor time and memory")
struct GovernorTests {
    static func governor(_ mayGroup: Bool) -> CPUGovernor {
        CPUGovernor(proc: "/proc", files: KernelCgroupFiles(), mayGroup: mayGroup)
    }

    /// Whether this machine lets the tests make a control group that bounds processor time.
    static let canGroup: Bool = {
        let governor = Self.governor(true)
        defer { governor.end() }
        governor.limit(percent: 50)
        return governor.report().method != .dutyCycle
    }()

    static let demands: [(mayGroup: Bool, percent: Int, tasks: Int)] = [
        (false, 50, 1), (false, 20, 2), (true, 50, 1), (true, 20, 2),
    ]

    @Test("What is demanded is what is used: 50 and 20 %, within 5", .serialized, arguments: demands)
    func enforced(demand: (mayGroup: Bool, percent: Int, tasks: Int)) throws {
        if demand.mayGroup && !Self.canGroup { return }
        let busy = try BusyWorkers()
        let (bounded, free) = (Self.governor(demand.mayGroup), Self.governor(demand.mayGroup))
        bounded.limit(percent: demand.percent)
        // A group as well, so that both stand equally far behind whatever else this machine does.
        if demand.mayGroup { free.limit(percent: 99) }
        let runs = try (0..<demand.tasks).map { try busy.start("bounded-\($0)") }
        let rival = try busy.start("free")
        defer { BusyWorkers.end(runs + [rival], bounded, free) }
        for run in runs { bounded.add(run) }
        free.add(rival)
        usleep(300_000)
        let share = Double(demand.percent) / 100
        let (got, could) = BusyWorkers.shares(runs, [rival], over: 4)
        // Never more; and no less than the share of what there was for somebody without a bound, which is a whole core
        // unless this machine is busy with other things. A group does not make up for periods in which it got nothing.
        #expect(got <= share + 0.05, "\(got) of a core each")
        #expect(got >= share * could - 0.05, "\(got) of a core each, \(could) were to be had")
        let report = bounded.report()
        #expect(report.percent == demand.percent)
        #expect((report.method == .dutyCycle) == !demand.mayGroup)
        let measured = try #require(report.measured)
        #expect(abs(measured.percent - 100 * got) < 10, "it says \(measured.percent) %")
    }

    @Test("Groups have gone with their governor; those of dead clients go, those of living ones stay")
    func groups() throws {
        guard Self.canGroup,
            let hierarchy = CgroupHierarchy.find(.cpu, proc: "/proc", files: KernelCgroupFiles())
        else { return }
        let living = Self.governor(true)
        #expect(!Files.exists("\(hierarchy.folder)/\(living.name)"))
        living.limit(percent: 50)
        #expect(Files.exists("\(hierarchy.folder)/\(living.name)"))
        // No process has number 0; number 1 did not start at that moment.
        let dead = ["millrace-0-1-1", "millrace-1-18446744073709551615-\(getpid())"].map { "\(hierarchy.folder)/\($0)" }
        for folder in dead { _ = try KernelCgroupFiles().makeFolder(folder) }
        let next = Self.governor(true)
        next.limit(percent: 50)
        for folder in dead { #expect(!Files.exists(folder)) }
        #expect(Files.exists("\(hierarchy.folder)/\(living.name)"))
        next.end()
        living.end()
        for governor in [living, next] { #expect(!Files.exists("\(hierarchy.folder)/\(governor.name)")) }
    }

    @Test("Memory of all workers together is bounded where a control group can do it")
    func memory() throws {
        let folder = try TemporaryFolder()
        let governor = Self.governor(true)
        let run = try WorkerRunTests.start(
            folder,
            "while ! test -e go; do sleep 0.05; done\nhead -c 300000000 /dev/zero | tail -c 300000000 >/dev/null")
        defer { BusyWorkers.end([run], governor) }
        governor.add(run)
        guard governor.limit(memoryBytes: 64 << 20) else { return }
        try folder.write("slot/go", "")
        // `tail` keeps what it is to show; the shell tells its end by the signal.
        #expect(run.wait().exit.code == 128 + SIGKILL)
    }

    @Test("A bound that is lifted is gone, for those who had it, too", arguments: [false, true])
    func lifted(mayGroup: Bool) throws {
        if mayGroup && !Self.canGroup { return }
        let busy = try BusyWorkers()
        let governor = Self.governor(mayGroup)
        let run = try busy.start("worker")
        let rival = try busy.start("rival")
        defer { BusyWorkers.end([run, rival], governor) }
        governor.add(run)
        governor.limit(percent: 5)
        usleep(300_000)
        let (bounded, _) = BusyWorkers.shares([run], [run], over: 1)
        governor.limit(percent: 100)
        #expect(governor.report().method == .none)
        let (free, could) = BusyWorkers.shares([run], [rival], over: 1)
        #expect(bounded < 0.15)
        // A group stands behind all others, the rival included; on a busy machine little may be left for it.
        #expect(mayGroup || free > 0.5 * could, "\(free) of \(could)")
    }

    @Test("A suspended worker stands, whatever the turns of the others are; resumed, it takes turns again")
    func suspended() throws {
        let busy = try BusyWorkers()
        let governor = Self.governor(false)
        governor.limit(percent: 50)
        let (run, other) = (try busy.start("worker"), try busy.start("other"))
        defer { BusyWorkers.end([run, other], governor) }
        governor.add(run)
        governor.add(other)
        for round in 0..<8 {
            // At another place of the cycle each time.
            usleep(useconds_t(100_000 + round * 13_000))
            run.suspend()
            governor.recount()
            #expect(eventually { WorkerRunTests.state(run.pid) == "T" })
            let used = BusyWorkers.used([run])
            for _ in 0..<25 {
                usleep(10_000)
                #expect(WorkerRunTests.state(run.pid) == "T")
            }
            #expect(BusyWorkers.used([run]) == used)
            run.resume()
            governor.recount()
            #expect(eventually { BusyWorkers.used([run]) > used })
        }
    }

    @Test("A worker that stands for its turn hears at once that it shall leave, and can be killed")
    func leaving() throws {
        let busy = try BusyWorkers()
        let governor = Self.governor(false)
        // It stands nearly always.
        governor.limit(percent: 1)
        for round in 0..<6 {
            let run = try busy.start("worker-\(round)")
            governor.add(run)
            usleep(useconds_t(200_000 + round * 17_000))
            if round % 2 == 0 { run.terminate() } else { run.kill() }
            governor.recount()
            let exit = run.wait()
            governor.remove(run, cpuSeconds: exit.exit.cpuSeconds)
            #expect(round % 2 == 0 ? exit.exit.code == 75 : exit.exit.signal == SIGKILL)
        }
        governor.end()
    }

    @Test("Nobody is held any longer when the governor has ended")
    func released() throws {
        let busy = try BusyWorkers()
        let governor = Self.governor(false)
        governor.limit(percent: 1)
        let run = try busy.start("worker")
        defer { BusyWorkers.end([run]) }
        governor.add(run)
        #expect(eventually { WorkerRunTests.state(run.pid) == "T" })
        governor.end()
        #expect(eventually { WorkerRunTests.state(run.pid) != "T" })
        usleep(300_000)
        #expect(WorkerRunTests.state(run.pid) != "T")
    }

    @Test("CPU time of what a worker starts counts as its own")
    func descendants() throws {
        let folder = try TemporaryFolder()
        let run = try WorkerRunTests.start(folder, "while :; do :; done & sleep 1000")
        let governor = Self.governor(false)
        defer { BusyWorkers.end([run], governor) }
        governor.limit(percent: 50)
        governor.add(run)
        #expect(eventually { (governor.report().measured?.percent ?? 0) > 10 })
    }
}
