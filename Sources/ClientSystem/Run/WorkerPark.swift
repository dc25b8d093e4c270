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
    private let checkpointSeconds: Double
    private let mailbox: Postbox<ClientEvent>
    private var runs: [TaskID: WorkerRun] = [:]
    /// CPU seconds of workers that have ended, since the client began.
    private(set) var endedCPUSeconds = 0.0

    init(executable: String, directory: ProjectDirectory, checkpointSeconds: Double, mailbox: Postbox<ClientEvent>) {
        self.executable = executable
        self.directory = directory
        self.checkpointSeconds = checkpointSeconds
        self.mailbox = mailbox
    }

    /// - Throws: why the worker could not be started; the machine is to blame, not the task.
    mutating func start(_ task: HeldTask) throws(Fault) {
        try Files.makeFolder(directory.cache)
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
        let (id, mailbox, folders) = (task.id, self.mailbox, self.directory)
        runs[id] = try WorkerRun.start(executable: executable, directory: directory.slot(id), job: job) { exit in
            let progress = WorkerProgress.read(folders.slot(id))
            mailbox.post(
                .workerEnded(
                    id,
                    WorkerEnding(
                        code: exit.exit.code, reason: exit.exit.reason,
                        lastWords: folders.withoutPaths(exit.lastWords, of: id),
                        cpuSeconds: exit.exit.cpuSeconds, progress: progress,
                        result: exit.exit.code == 0 ? folders.result(id) : nil)))
        }
    }

    mutating func ended(_ task: TaskID, cpuSeconds: Double) {
        runs[task] = nil
        endedCPUSeconds += cpuSeconds
    }

    func suspend(_ task: TaskID) { runs[task]?.suspend() }
    func resume(_ task: TaskID) { runs[task]?.resume() }
    func stop(_ task: TaskID) { runs[task]?.terminate() }
    func kill(_ task: TaskID) { runs[task]?.kill() }

    func killAll() {
        for run in runs.values { run.kill() }
    }

    var isEmpty: Bool { runs.isEmpty }

    /// CPU seconds of living workers.
    var liveCPUSeconds: Double { runs.values.reduce(0) { $0 + ($1.cpuSeconds() ?? 0) } }

    /// What living workers last said, in order of task.
    func progress() -> [(TaskID, WorkerProgress)] {
        runs.keys.sorted().compactMap { task in
            WorkerProgress.read(directory.slot(task)).map { (task, $0) }
        }
    }

    /// Bytes on disk of each living worker's folder, in order of task.
    func diskBytes() -> [(TaskID, Int64)] {
        runs.keys.sorted().map { ($0, Int64(Files.bytes(inFolder: directory.slot($0)))) }
    }
}
