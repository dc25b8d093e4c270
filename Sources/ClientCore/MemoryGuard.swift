import Domain

/// What memory there is, by whichever is tighter: the machine, or the control group that the client is in.
public struct MemoryReading: Hashable, Sendable {
    /// What programs could still take without anything being swapped out.
    public var availableBytes: Int64
    public var totalBytes: Int64
    /// Percentage of the last ten seconds in which some program had to wait for memory, 0 ... 100; nil: not known.
    public var pressure: Double?

    public init(availableBytes: Int64, totalBytes: Int64, pressure: Double?) {
        self.availableBytes = availableBytes
        self.totalBytes = totalBytes
        self.pressure = pressure
    }
}

/// When memory counts as short.
public struct MemorySettings: Hashable, Sendable {
    /// Of the memory, to be left for everybody else: never more than `reserveBytesMax`.
    public var reserveFraction = 0.1
    public var reserveBytesMax: Int64 = 2 << 30
    /// More waiting than this is a shortage: `pause.memory_pressure` of the preferences, the same bound at which
    /// computing pauses.
    public var pressureMax = 10.0
    /// There is room again when one and a half times the reserve was available, at half of that waiting, for so long.
    public var roomSeconds = 30.0
    /// An older reading is none.
    public var staleSeconds = 60.0
    /// What a worker gave back shows in the memory that is available after this, ...
    public var settleSeconds = 1.0
    /// ... and in the pressure, which is a mean, after this.
    public var pressureSettleSeconds = 10.0

    public init() {}
}

/// Decides from readings whether workers must leave the memory, and whether others may start.
struct MemoryGuard: Hashable, Sendable {
    var settings: MemorySettings
    private(set) var reading: MemoryReading?
    private var readAt: Timestamp?
    /// Since the first reading of a shortage; nil: there is none, and has been none for a while.
    private var shortSince: Timestamp?
    /// Since when there has been room; only during a shortage.
    private var roomSince: Timestamp?
    /// The worker that was asked to leave last, while it has not.
    private(set) var leaving: (task: TaskID, since: Timestamp)? {
        get { leavingTask.flatMap { task in leavingSince.map { (task, $0) } } }
        set { (leavingTask, leavingSince) = (newValue?.task, newValue?.since) }
    }
    private var leavingTask: TaskID?
    private var leavingSince: Timestamp?
    /// The next one is not asked before.
    private var settledAt: Timestamp?
    /// What a task had taken when it was asked to leave.
    private var needs: [TaskID: Int64] = [:]

    init(settings: MemorySettings) {
        self.settings = settings
    }

    private var reserve: Int64 {
        min(Int64(Double(reading?.totalBytes ?? 0) * settings.reserveFraction), settings.reserveBytesMax)
    }

    /// What must be available before anything new begins.
    private var roomBytes: Int64 { reserve / 2 * 3 }

    private var isBelowReserve: Bool { reading.map { $0.availableBytes < reserve } ?? false }
    private var isUnderPressure: Bool { (reading?.pressure ?? 0) > settings.pressureMax }
    private var hasRoom: Bool {
        guard let reading else { return true }
        return reading.availableBytes >= roomBytes && (reading.pressure ?? 0) <= settings.pressureMax / 2
    }

    mutating func take(_ reading: MemoryReading, now: Timestamp) {
        self.reading = reading
        readAt = now
        if isBelowReserve || isUnderPressure {
            shortSince = shortSince ?? now
            roomSince = nil
        } else if shortSince != nil {
            roomSince = hasRoom ? roomSince ?? now : nil
            if let roomSince, (now - roomSince).seconds >= settings.roomSeconds {
                shortSince = nil
                self.roomSince = nil
            }
        }
    }

    private func isKnown(_ now: Timestamp) -> Bool {
        readAt.map { (now - $0).seconds <= settings.staleSeconds } ?? false
    }

    /// Whether another worker should leave now.
    func wantsRelease(_ now: Timestamp) -> Bool {
        guard isKnown(now), isBelowReserve || isUnderPressure, leaving == nil else { return false }
        return settledAt.map { now >= $0 } ?? true
    }

    /// A worker was asked to leave, and what that gives back does not show yet.
    func isReleasing(_ now: Timestamp) -> Bool { leaving != nil || settledAt.map { now < $0 } ?? false }

    mutating func asked(_ task: TaskID, bytes: Int64, _ now: Timestamp) {
        leaving = (task, now)
        needs[task] = bytes
    }

    /// The one that was asked has left, and what it left with it is about to show.
    mutating func left(_ now: Timestamp) {
        leaving = nil
        settledAt =
            now + TimeSpan(seconds: isBelowReserve ? settings.settleSeconds : settings.pressureSettleSeconds)
    }

    mutating func forget(unless isHeld: (TaskID) -> Bool) {
        needs = needs.filter { isHeld($0.key) }
    }

    /// Why a worker must not start; nil: memory is no reason.
    ///
    /// - Parameter bytes: what the task will take as far as its work unit says; 0 for the first one, which may try.
    func objection(to task: TaskID, bytes: Int64, now: Timestamp) -> String? {
        guard isKnown(now), let reading else { return nil }
        let needed = needs[task] ?? bytes
        let (sum, overflow) = roomBytes.addingReportingOverflow(needed)
        guard shortSince != nil || overflow || reading.availableBytes < sum else { return nil }
        if isUnderPressure, !isBelowReserve { return "waits for memory: other programs have to wait for it" }
        if shortSince != nil, reading.availableBytes >= sum { return "waits for memory: it was short a moment ago" }
        return "waits for memory: \(reading.availableBytes >> 20) MiB are available, \(roomBytes >> 20) are kept for "
            + "others" + (needed > 0 ? ", it needs \(needed >> 20)" : "")
    }

    /// For the log.
    var words: String {
        guard let reading else { return "" }
        if isBelowReserve {
            return "\(reading.availableBytes >> 20) of \(reading.totalBytes >> 20) MiB are available, "
                + "\(reserve >> 20) are kept for others"
        }
        return "programs had to wait for it \(Int(reading.pressure ?? 0)) % of the time"
    }

    /// - Parameter step: negative.
    mutating func setClockBack(by step: TimeSpan) {
        readAt = readAt.map { $0 + step }
        shortSince = shortSince.map { $0 + step }
        roomSince = roomSince.map { $0 + step }
        settledAt = settledAt.map { $0 + step }
        leaving = leaving.map { ($0.task, $0.since + step) }
    }
}

/// Memory is given back when others need it: one worker after the other writes a checkpoint and leaves, the largest
/// first, whether it computes or stands still.
extension ClientMachine {
    mutating func pursueMemory(_ now: Timestamp, _ out: inout Outbox) {
        if let (task, since) = memory.leaving {
            guard let run = runs[task] else {
                memory.left(now)
                return
            }
            if (now - since).seconds >= settings.stopGraceSeconds, !run.isKilled, run.phase != .starting {
                // Its last checkpoint stays.
                runs[task]?.isKilled = true
                out.add(.killWorker(task))
            }
            return
        }
        // With other projects on the machine, the largest worker of all goes first.
        guard grant.mayReleaseMemory, memory.wantsRelease(now), let (task, bytes) = largestWorker else { return }
        memory.forget { state[task: $0] != nil }
        memory.asked(task, bytes: bytes, now)
        runs[task]?.isLeaving = true
        out.say("memory is short (\(memory.words)): task \(task) writes a checkpoint and leaves")
        // One that is being started hears it as soon as it listens.
        if runs[task]?.phase != .starting { out.add(.stopWorker(task)) }
    }

    /// Of those that could leave.
    var largestWorker: (task: TaskID, bytes: Int64)? {
        let staying = runs.filter { !$0.value.isLeaving && !$0.value.isKilled }.map { ($0.key, memoryTaken($0.key)) }
        return staying.max { ($0.1, $0.0) < ($1.1, $1.0) }
    }

    /// Bytes that a running task has taken as far as is known: what its worker said, or what it may take.
    private func memoryTaken(_ task: TaskID) -> Int64 {
        runs[task]?.progress?.peakMemoryBytes ?? state[task: task]?.unit?.memoryBytes ?? 0
    }

    /// Why the machine's memory, as it is now, forbids this task to start.
    func shortageObjection(to task: HeldTask) -> String? {
        memory.objection(to: task.id, bytes: runs.isEmpty ? 0 : task.unit?.heldMemoryBytes ?? 0, now: lastSeen)
    }
}
