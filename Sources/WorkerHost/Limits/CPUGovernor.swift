import CPosix
import Domain
import Glibc
import Synchronization

/// By what a bound on processor time is kept.
public enum CPULimitMethod: String, Hashable, Sendable {
    /// There is no bound.
    case none
    case cgroup2 = "control group, version 2"
    case cgroup1 = "control group, version 1"
    case dutyCycle = "duty cycle"
}

/// A bound on processor time, and what became of it.
public struct CPUReport: Hashable, Sendable {
    /// 1 ... 100, of the cores that running tasks occupy.
    public var percent: Int
    public var method: CPULimitMethod
    /// What they used of them, and over how many seconds: the last minute, or less after a start. nil: no task ran.
    public var measured: (percent: Double, seconds: Double)? {
        measuredPercent.map { ($0, measuredSeconds) }
    }
    var measuredPercent: Double?
    var measuredSeconds = 0.0
}

/// Keeps all workers together within a percentage of the cores that the running ones occupy: at 50 % two running tasks
/// use one core in all. A task occupies one core while it is neither suspended nor about to leave.
///
/// A control group does it where this process may make one, with a bound on memory, too; elsewhere workers run and
/// stand in turn (`DutyCycle`). At 100 % nothing is done at all. Safe to use from any thread.
public final class CPUGovernor: Sendable {
    private struct State {
        var percent = 100
        var memoryBytes: Int64?
        var runs: [ObjectIdentifier: Tracked] = [:]
        var cpuGroup: WorkerGroup?
        var memoryGroup: WorkerGroup?
        /// Groups that are not used any more, but hold workers still.
        var retiredGroups: [WorkerGroup] = []
        /// There can be no group, or it has stopped working; why was said.
        var cpuGroupFailed = false
        var cycle: DutyCycle?
        var isOver = false
        /// For the log.
        var words: [String] = []

        var ledger = CPULedger()
        var usedSeconds = 0.0
        var occupiedSeconds = 0.0
        /// Up to when that was counted, and how many tasks have been running since.
        var countedAt = millrace_monotonic_seconds()
        var computing = 0

        init() { ledger.note(at: countedAt, usedSeconds: 0, occupiedSeconds: 0) }
    }

    private struct Tracked {
        var run: WorkerRun
        var usedSeconds = 0.0
    }

    /// Of its control groups.
    package let name = WorkerGroup.newName()
    private let state = Mutex(State())
    private let proc: String
    private let files: any CgroupFiles
    private let mayGroup: Bool

    public convenience init() {
        self.init(proc: "/proc", files: KernelCgroupFiles(), mayGroup: true)
    }

    /// - Parameter proc: where `/proc/self/mountinfo` and `/proc/self/cgroup` are read.
    /// - Parameter mayGroup: false: never a control group.
    package init(proc: String, files: any CgroupFiles, mayGroup: Bool) {
        self.proc = proc
        self.files = files
        self.mayGroup = mayGroup
    }

    deinit { end() }

    // MARK: What the client says

    /// - Parameter percent: 1 ... 100 of the cores that running tasks occupy; what is beyond is taken for the nearest.
    public func limit(percent: Int) {
        state.withLock {
            $0.percent = min(max(percent, 1), 100)
            if $0.percent < 100, $0.cpuGroup == nil, !$0.cpuGroupFailed { makeCPUGroup(&$0) }
            apply(&$0)
        }
    }

    /// - Parameter bytes: of all workers together, kept by a control group where there can be one; nil: no bound.
    /// - Returns: whether it is kept.
    @discardableResult
    public func limit(memoryBytes bytes: Int64?) -> Bool {
        state.withLock { state in
            guard bytes != nil || state.memoryGroup != nil else { return false }
            guard mayGroup, !state.isOver else { return false }
            do throws(Fault) {
                if state.memoryGroup == nil {
                    let group = try WorkerGroup(.memory, name: name, proc: proc, files: files)
                    state.memoryGroup = group
                    for tracked in state.runs.values { try? group.add(tracked.run.pid) }
                }
                try state.memoryGroup?.limitMemory(bytes: bytes)
                state.memoryBytes = bytes
                return bytes != nil
            } catch {
                state.words.append("memory is not bounded by a control group: \(error.message)")
                return false
            }
        }
    }

    /// A worker that has just been started.
    public func add(_ run: WorkerRun) {
        state.withLock {
            $0.runs[ObjectIdentifier(run)] = Tracked(run: run)
            try? $0.memoryGroup?.add(run.pid)
            if let group = $0.cpuGroup {
                do throws(Fault) { try take(run, into: group) } catch { giveUpGroup(&$0, error) }
            }
            apply(&$0)
        }
    }

    /// A worker that has ended and was collected.
    public func remove(_ run: WorkerRun, cpuSeconds: Double) {
        state.withLock {
            guard let tracked = $0.runs.removeValue(forKey: ObjectIdentifier(run)) else { return }
            $0.usedSeconds += max(0, cpuSeconds - tracked.usedSeconds)
            apply(&$0)
        }
    }

    /// Workers were suspended, resumed or asked to leave.
    public func recount() {
        state.withLock { apply(&$0) }
    }

    /// What is in force and what was measured. To be asked now and then while workers run: it also looks whether the
    /// bound is still there.
    public func report() -> CPUReport {
        state.withLock { state in
            count(&state)
            measure(&state)
            if let group = state.cpuGroup, !group.hasCPULimit(cores: cores(state)) { apply(&state) }
            state.ledger.note(
                at: state.countedAt, usedSeconds: state.usedSeconds, occupiedSeconds: state.occupiedSeconds)
            let measured = state.ledger.measured
            return CPUReport(
                percent: state.percent, method: method(state), measuredPercent: measured?.percent,
                measuredSeconds: measured?.seconds ?? 0)
        }
    }

    /// What the log should have since the last call: a method that could not be had.
    public func takeWords() -> [String] {
        state.withLock { state in
            defer { state.words = [] }
            return state.words
        }
    }

    /// Lets everybody go on and removes what was made. To be called when the workers have ended.
    public func end() {
        let (cycle, groups) = state.withLock { state in
            let groups = state.retiredGroups + [state.memoryGroup, state.cpuGroup].compactMap { $0 }
            defer {
                (state.cycle, state.cpuGroup, state.memoryGroup, state.retiredGroups) = (nil, nil, nil, [])
                state.isOver = true
            }
            return (state.cycle, groups)
        }
        cycle?.end()
        for group in groups { group.remove() }
    }

    // MARK: How

    private func method(_ state: State) -> CPULimitMethod {
        if state.percent == 100 { return .none }
        guard let group = state.cpuGroup else { return .dutyCycle }
        return group.hierarchy.version == 2 ? .cgroup2 : .cgroup1
    }

    /// Cores for all workers together; nil: no bound. Those that leave shall be gone soon: alone, they are not bounded.
    private func cores(_ state: State) -> Double? {
        state.percent < 100 && state.computing > 0 ? Double(state.percent * state.computing) / 100 : nil
    }

    private func makeCPUGroup(_ state: inout State) {
        guard mayGroup, !state.isOver else { return }
        do throws(Fault) {
            let group = try WorkerGroup(.cpu, name: name, proc: proc, files: files)
            state.cpuGroup = group
            for tracked in state.runs.values { try take(tracked.run, into: group) }
        } catch { giveUpGroup(&state, error) }
    }

    private func take(_ run: WorkerRun, into group: WorkerGroup) throws(Fault) {
        do throws(Fault) { try group.add(run.pid) } catch {
            // One that has ended already needs no group.
            if ProcessTimes.isAlive(run.pid) { throw error }
        }
    }

    /// From now on by turns.
    private func giveUpGroup(_ state: inout State, _ why: Fault) {
        let turns = "turns of \(Int(DutyRule.periodSeconds * 1000)) ms"
        state.words.append("processor time is bounded by \(turns), without a control group: \(why.message)")
        if let group = state.cpuGroup {
            try? group.limitCPU(cores: nil)
            state.retiredGroups.append(group)
        }
        state.cpuGroup = nil
        state.cpuGroupFailed = true
    }

    /// Brings the bound to what it should be now.
    private func apply(_ state: inout State) {
        count(&state)
        guard !state.isOver else { return }
        let cores = cores(state)
        if let group = state.cpuGroup, !group.hasCPULimit(cores: cores) {
            do throws(Fault) { try group.limitCPU(cores: cores) } catch { giveUpGroup(&state, error) }
        }
        if cores != nil, state.cpuGroup == nil, state.cycle == nil {
            do throws(Fault) {
                state.cycle = try DutyCycle { [weak self] in self?.task() }
            } catch { state.words.append("processor time cannot be bounded: \(error.message)") }
        }
        state.cycle?.changed()
    }

    /// What the duty cycle has to do; nil: nothing.
    private func task() -> DutyCycle.Task? {
        state.withLock { state in
            guard state.cpuGroup == nil, state.percent < 100, !state.isOver else { return nil }
            let runs = state.runs.values.map(\.run).filter(\.isComputing)
            guard !runs.isEmpty else { return nil }
            measure(&state)
            return DutyCycle.Task(share: Double(state.percent) / 100, runs: runs, usedSeconds: state.usedSeconds)
        }
    }

    /// Counts the time up to now, with those that ran until now.
    private func count(_ state: inout State) {
        let now = millrace_monotonic_seconds()
        state.occupiedSeconds += Double(state.computing) * (now - state.countedAt)
        state.countedAt = now
        state.computing = state.runs.values.count { $0.run.isComputing }
    }

    private func measure(_ state: inout State) {
        for (key, tracked) in state.runs {
            guard let seconds = ProcessTree.cpuSeconds(of: tracked.run.pid), seconds > tracked.usedSeconds else {
                continue
            }
            state.usedSeconds += seconds - tracked.usedSeconds
            state.runs[key]?.usedSeconds = seconds
        }
    }
}
