import Domain
import Preferences

/// How the allowance reaches workers and requests.
extension ClientMachine {
    /// Tasks of all projects together that may run now.
    public var machineCoresNow: Int { min(settings.cores, policy.allowance.cores) }

    /// Workers of this project that may compute now: with other projects it is the division that says it.
    private var runsNow: Int { min(machineCoresNow, grant.computing ?? .max) }

    /// Tasks of this project that may run now.
    var coresNow: Int { min(runsNow, grant.isShared ? grant.cores : .max) }

    /// Whether computing may go on by itself later: only somebody's presence or the clock stands against it now. Work
    /// may be fetched then, or a network that is open while nothing may compute would never bring any.
    var isOnlyWaiting: Bool {
        state.wishes.pause == nil
            && policy.allowance.objections.allSatisfy {
                $0.cause.subject == .network || [.user, .preferences, .computeWindow].contains($0.cause)
            }
    }

    /// Before this nothing is computed, as far as the clock tells.
    func computesFrom(_ now: Timestamp) -> Timestamp {
        let window = policy.allowance.objections.first { $0.cause == .computeWindow }
        return window?.endsAt.map { max(now, $0) } ?? now
    }

    mutating func take(_ preferences: Preferences) {
        settings.take(preferences, machineCores: machineCores)
        policy.settings = settings.idle
        memory.settings = settings.memory
        if !grant.isShared { grant = .all(cores: settings.cores) }
        if let disk { noteDisk(free: disk.free, used: disk.used) }
    }

    /// What is left by the preferences is what the server is told, and what a unit must fit into. Never 0, which would
    /// stand for a disk that is not known.
    mutating func noteDisk(free: Int64, used: Int64) {
        disk = (free, used)
        settings.profile.diskFreeBytes = max(1, settings.idle.preferences.disk.room(free: free, used: used))
    }

    /// The runs that may compute now: the oldest, as many as there are cores and memory for.
    /// So it is the youngest that stand still when the user comes back to a machine that he shares: they lose least.
    func allowedRuns() -> Set<TaskID> {
        guard isComputing else { return [] }
        let byAge = runs.sorted { ($0.value.startedAt, $0.key) < ($1.value.startedAt, $1.key) }
        var allowed: Set<TaskID> = []
        var (free, memory) = (runsNow, Int64(0))
        for (task, run) in byAge {
            // On its way out: it may write its checkpoint, and takes nobody's place.
            if run.isLeaving || run.isKilled {
                allowed.insert(task)
                continue
            }
            guard free > 0 else { break }
            let with = memory.clampedSum(declaredMemory(task))
            if let share = policy.allowance.memoryBytes, with > share, memory > 0 { continue }
            memory = with
            free -= 1
            allowed.insert(task)
        }
        return allowed
    }

    /// Workers are told only while they compute, and only of a change.
    mutating func tellLimit(_ out: inout Outbox) {
        let percent = policy.allowance.cpuPercent
        guard percent != toldCPUPercent else { return }
        toldCPUPercent = percent
        out.add(.limitWorkers(cpuPercent: percent))
    }

    /// Whether a worker that stands still since then should give its memory back.
    func isTimeToLeave(_ since: Timestamp, _ now: Timestamp) -> Bool {
        settings.idle.preferences.keepInMemorySeconds.map { (now - since).seconds >= $0 } ?? false
    }

    /// Bytes that a task declares.
    func declaredMemory(_ task: TaskID) -> Int64 { state[task: task]?.unit?.heldMemoryBytes ?? 0 }
}
