import CPosix
import ClientCore
import Domain
import FoundationEssentials
import Wire
import WorkerHost

/// The workers that live. Used by the client's deciding thread only; their ends arrive as events.
struct WorkerPark {
    private let executable: String
    private let directory: ProjectDirectory
    /// Of workers that start from now on.
    var checkpointSeconds: Double
    private let mailbox: Postbox<ClientEvent>
    private let sandbox: WorkerSandbox
    private let governor: CPUGovernor
    private var runs: [TaskID: WorkerRun] = [:]
    private let nursery = WorkerNursery()
    /// CPU seconds of workers that have ended, since the client began.
    private(set) var endedCPUSeconds = 0.0

    /// - Parameter governor: bounds the workers of all parks that have it.
    init(
        executable: String, directory: ProjectDirectory, checkpointSeconds: Double, sandbox: WorkerSandbox,
        mailbox: Postbox<ClientEvent>, governor: CPUGovernor
    ) {
        self.sandbox = sandbox
        self.executable = executable
        self.directory = directory
        self.checkpointSeconds = checkpointSeconds
        self.mailbox = mailbox
        self.governor = governor
    }

    /// How the task's worker is started: to be called on a thread that may wait for a disk. Then `adopt` takes it in.
    /// It throws why the worker could not be started; the machine is to blame, not the task.
    func starting(_ task: HeldTask) -> @Sendable () throws(Fault) -> Void {
        let (job, id) = (job(task), task.id)
        let (executable, folders, sandbox) = (executable, directory, sandbox)
        return { [mailbox, nursery] () throws(Fault) in
            try Files.makeFolder(folders.cache)
            try nursery.bear(id) { () throws(Fault) in
                try WorkerRun.start(executable: executable, directory: folders.slot(id), job: job, sandbox: sandbox) {
                    nursery.awaitBirth()
                    mailbox.post(.workerEnded(id, Self.ending($0, of: id, in: folders)))
                }
            }
        }
    }

    private func job(_ task: HeldTask) -> WireRunJob {
        var job = WireRunJob()
        job.unitPath = "\(directory.slot(task.id))/\(RunFolder.unit)"
        job.unitSha256 = Data(task.offer.unit.bytes)
        job.checkpointSeconds = checkpointSeconds
        job.cachePath = directory.cache
        job.inputs = (task.unit?.inputs ?? []).map { input in
            var local = WireLocalInput()
            local.ref = WireInputRef(
                InputReference(
                    name: input.name, digest: input.digest, size: input.size ?? 0, packing: input.packing))
            local.path = directory.blob(input.digest)
            return local
        }
        if let file = task.unit?.program?.file {
            job.program.path = directory.blob(file.digest)
            job.program.sha256 = Data(file.digest.bytes)
            job.program.platform = file.platform
            job.program.interpreter = file.interpreter ?? ""
            job.program.needs = file.needs
        }
        return job
    }

    private static func ending(_ exit: WorkerExit, of task: TaskID, in folders: ProjectDirectory) -> WorkerEnding {
        WorkerEnding(
            code: exit.exit.code, reason: exit.exit.reason, lastWords: folders.withoutPaths(exit.lastWords, of: task),
            cpuSeconds: exit.exit.cpuSeconds, progress: WorkerProgress.read(folders.slot(task)),
            result: exit.exit.code == 0 ? folders.result(task) : nil)
    }

    /// Takes in what was started since the last call; before anything is said to a worker, or heard of its end.
    mutating func adopt() {
        for (task, run) in nursery.take() {
            runs[task] = run
            governor.add(run)
        }
    }

    mutating func ended(_ task: TaskID, cpuSeconds: Double) {
        if let run = runs.removeValue(forKey: task) { governor.remove(run, cpuSeconds: cpuSeconds) }
        endedCPUSeconds += cpuSeconds
    }

    func suspend(_ task: TaskID) { act(task) { $0.suspend() } }
    func resume(_ task: TaskID) { act(task) { $0.resume() } }
    func stop(_ task: TaskID) { act(task) { $0.terminate() } }
    func kill(_ task: TaskID) { act(task) { $0.kill() } }

    /// First the signal, then the accounts.
    private func act(_ task: TaskID, _ what: (WorkerRun) -> Void) {
        guard let run = runs[task] else { return }
        what(run)
        governor.recount()
    }

    /// - Parameter cpuPercent: 1 ... 100, of the cores that running tasks occupy.
    func limit(cpuPercent: Int) { governor.limit(percent: cpuPercent) }

    /// For good: one that is being started is killed, too.
    mutating func killAll() {
        nursery.close()
        adopt()
        for run in runs.values { run.kill() }
    }

    var isEmpty: Bool { runs.isEmpty }

    /// Those of living workers, in order.
    var tasks: [TaskID] { runs.keys.sorted() }

    /// CPU seconds of living workers.
    var liveCPUSeconds: Double { runs.values.reduce(0) { $0 + ($1.cpuSeconds() ?? 0) } }

    /// What living workers last said, in order of task; to be called on a thread that may wait for a disk.
    var progress: @Sendable () -> [(TaskID, WorkerProgress)] {
        { [tasks, directory] in
            tasks.compactMap { task in WorkerProgress.read(directory.slot(task)).map { (task, $0) } }
        }
    }

    /// Bytes on disk of each living worker's folder, in order of task; of a unit with a program, what is laid out for
    /// it and what it writes. As `progress`.
    var diskBytes: @Sendable () -> [(TaskID, Int64)] {
        { [tasks, directory] in
            tasks.map { task in
                let slot = directory.slot(task)
                let folders =
                    Files.exists("\(slot)/\(RunFolder.programOutput)")
                    ? [RunFolder.programInput, RunFolder.programOutput].map { "\(slot)/\($0)" } : [slot]
                return (task, folders.reduce(0) { $0 + Int64(Files.bytes(inFolder: $1)) })
            }
        }
    }
}
