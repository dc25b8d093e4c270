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
    /// Places of the jobs, earliest deadline first.
    private var order: [Int] = []

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
        jobs.append(job)
        let place = order.firstIndex { HostLoad.isEarlier(job, jobs[$0]) } ?? order.count
        order.insert(jobs.count - 1, at: place)
        let ends = endSeconds()
        // Not `end > due`: a run time that is not a number must be refused too.
        guard let late = jobs.indices.first(where: { !(ends[$0] <= jobs[$0].dueSeconds) }) else { return nil }
        let own = jobs.count - 1
        jobs.removeLast()
        order.remove(at: place)
        return ends[own] <= job.dueSeconds ? ends[late] : ends[own]
    }

    /// New work on the core that has least of it, in seconds of computing.
    var newSecondsOnIdlestCore: Double {
        var loads = [Double](repeating: 0, count: cores)
        for at in order { loads[HostLoad.idlest(loads)] += jobs[at].seconds }
        return loads.min() ?? 0
    }

    /// When each job will be done, in wall seconds from now, pauses included.
    private func endSeconds() -> [Double] {
        // Only so many run at once as the largest of them fits into memory.
        let largest = max(jobs.reduce(Int64.min) { max($0, $1.memoryBytes) }, 1)
        let slots = Int(min(Int64(cores), max(memoryBytes / largest, 1)))
        // The queued work is spread over all cores; on fewer slots it takes accordingly longer.
        var loads = [Double](repeating: queuedSeconds * Double(cores) / Double(slots), count: slots)
        var ends = [Double](repeating: .infinity, count: jobs.count)
        for at in order {
            let core = HostLoad.idlest(loads)
            loads[core] += jobs[at].seconds
            ends[at] = loads[core] / availability
        }
        return ends
    }

    private static func isEarlier(_ a: Job, _ b: Job) -> Bool { (a.dueSeconds, a.task) < (b.dueSeconds, b.task) }

    private static func idlest(_ loads: [Double]) -> Int {
        var best = 0
        for core in loads.indices where loads[core] < loads[best] { best = core }
        return best
    }
}
