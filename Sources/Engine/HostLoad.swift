import Domain

/// A simulation of what a host will do with its queue: earliest deadline first, on as many cores as memory allows.
///
/// The idea is that of BOINC's `edf_sim`; here it looks only at new tasks behind the queued work, which the host
/// accepted under the same rule before.
struct HostLoad {
    struct Job: Hashable {
        var task: TaskID
        /// Run time on one core, pauses not counted.
        var seconds: Double
        /// From now.
        var dueSeconds: Double
        var memoryBytes: Int64
    }

    private let cores: Int
    private let memoryBytes: Int64
    private let availability: Double
    private let queuedSeconds: Double
    private var jobs: [Job] = []

    init(host: HostView, queuedSeconds: Double) {
        cores = min(max(host.cores, 1), HostLoad.coresMax)
        memoryBytes = host.memoryBytes
        availability = HostSpeed.availability(host.availability)
        self.queuedSeconds = queuedSeconds.isFinite ? max(queuedSeconds, 0) : 0
    }

    /// More cores than this make no difference to a reply of at most `Limits.tasksPerReplyMax` tasks.
    private static let coresMax = Limits.tasksPerReplyMax

    /// Takes the job if it and all taken before will end in time.
    /// - Returns: nil when it was taken; otherwise in how many seconds of wall time it would be done, or with how
    ///   many it would make another one late.
    mutating func add(_ job: Job) -> Double? {
        let all = jobs + [job]
        let ends = endSeconds(all)
        // Not `end > due`: a run time that is not a number must be refused too.
        let late = zip(all, ends).filter { !($1 <= $0.dueSeconds) }
        if let own = late.first(where: { $0.0.task == job.task }) ?? late.first { return own.1 }
        jobs = all
        return nil
    }

    /// New work on the core that has least of it, in seconds of computing.
    var newSecondsOnIdlestCore: Double {
        var loads = [Double](repeating: 0, count: cores)
        for job in inOrder(jobs) { loads[HostLoad.idlest(loads)] += job.seconds }
        return loads.min() ?? 0
    }

    /// When each job will be done, in wall seconds from now, pauses included.
    private func endSeconds(_ all: [Job]) -> [Double] {
        // Only so many run at once as the largest of them fits into memory.
        let largest = max(all.map(\.memoryBytes).max() ?? 1, 1)
        let slots = Int(min(Int64(cores), max(memoryBytes / largest, 1)))
        // The queued work is spread over all cores; on fewer slots it takes accordingly longer.
        var loads = [Double](repeating: queuedSeconds * Double(cores) / Double(slots), count: slots)
        var ends: [TaskID: Double] = [:]
        for job in inOrder(all) {
            let core = HostLoad.idlest(loads)
            loads[core] += job.seconds
            ends[job.task] = loads[core] / availability
        }
        return all.map { ends[$0.task] ?? .infinity }
    }

    private func inOrder(_ jobs: [Job]) -> [Job] {
        jobs.sorted { ($0.dueSeconds, $0.task) < ($1.dueSeconds, $1.task) }
    }

    private static func idlest(_ loads: [Double]) -> Int {
        var best = 0
        for core in loads.indices where loads[core] < loads[best] { best = core }
        return best
    }
}
