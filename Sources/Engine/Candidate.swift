import Domain

/// An unsent task with what the scheduler must know of its unit.
public struct Candidate: Hashable, Sendable {
    public var id: TaskID
    /// `name/version`; a bare name, as older servers stored it, is any version.
    public var app: String
    /// Floating-point operations: estimate, and bound at which the host stops the task.
    public var flops: Double
    public var flopsBound: Double
    public var memoryBytes: Int64
    public var diskBytes: Int64
    public var outputBytesMax: Int64
    /// From sending to report.
    public var deadlineSpan: TimeSpan
    /// Of a unit that a program of the project's own computes.
    public var program: ProgramNeed?

    public init(
        id: TaskID, app: String, flops: Double, flopsBound: Double, memoryBytes: Int64, diskBytes: Int64,
        outputBytesMax: Int64, deadlineSpan: TimeSpan, program: ProgramNeed? = nil
    ) {
        self.id = id
        self.app = app
        self.flops = flops
        self.flopsBound = flopsBound
        self.memoryBytes = memoryBytes
        self.diskBytes = diskBytes
        self.outputBytesMax = outputBytesMax
        self.deadlineSpan = deadlineSpan
        self.program = program
    }
}

/// The program that a task needs, and where it runs.
public struct ProgramNeed: Hashable, Sendable {
    /// For people, for example `solver 1.0`.
    public var title: String
    /// Platforms for which it is released and not withdrawn or expired; empty: clients may not start it at all.
    public var platforms: [String]

    public init(title: String, platforms: [String]) {
        self.title = title
        self.platforms = platforms
    }

    /// For example `solver 1.0 (x86_64-linux, any)`.
    var words: String { platforms.isEmpty ? title : "\(title) (\(platforms.joined(separator: ", ")))" }

    func runs(on platforms: Set<String>) -> Bool { self.platforms.contains { platforms.contains($0) } }
}

/// A host as the scheduler sees it.
public struct HostView: Hashable, Sendable {
    public var id: HostID
    public var volunteer: VolunteerID
    public var cores: Int
    public var memoryBytes: Int64
    /// Free disk as the host said, less what tasks that it holds may still write.
    public var diskFreeBytes: Int64
    /// Of one core; see `HostSpeed`.
    public var flopsPerSecond: Double
    /// Fraction of the time in which the host computes, over 0 ... 1.
    public var availability: Double
    /// Apps its worker knows, as `name/version`.
    public var apps: [String]
    /// Platforms of programs that it starts in its sandbox, `x86_64-linux`, `any`, `wasm`; empty: none at all.
    public var programPlatforms: [String]
    /// Tasks in state sent at this host.
    public var inProgress: Int
    /// Tasks sent to it in the last 24 hours; 0 when the caller does not count them.
    public var sentLastDay: Int
    /// Tasks it may get in 24 hours; see `HostQuota`.
    public var dailyQuota: Int
    /// Units of which this volunteer holds or held a task. Candidates of these are skipped.
    public var heldUnits: [WorkUnitID]

    public init(
        id: HostID, volunteer: VolunteerID, cores: Int, memoryBytes: Int64, diskFreeBytes: Int64,
        flopsPerSecond: Double, availability: Double, apps: [String], programPlatforms: [String] = [], inProgress: Int,
        sentLastDay: Int, dailyQuota: Int, heldUnits: [WorkUnitID]
    ) {
        self.id = id
        self.volunteer = volunteer
        self.cores = cores
        self.memoryBytes = memoryBytes
        self.diskFreeBytes = diskFreeBytes
        self.flopsPerSecond = flopsPerSecond
        self.availability = availability
        self.apps = apps
        self.programPlatforms = programPlatforms
        self.inProgress = inProgress
        self.sentLastDay = sentLastDay
        self.dailyQuota = dailyQuota
        self.heldUnits = heldUnits
    }

    /// The view of a stored host: speed by `HostSpeed`, quota by `HostQuota`, disk less `reservedDiskBytes`.
    /// - Parameter availability: as the request says; 0 means unknown and is taken as 1.
    public init(
        _ host: HostRecord, availability: Double, apps: [String], programPlatforms: [String] = [], inProgress: Int,
        sentLastDay: Int = 0, reservedDiskBytes: Int64 = 0, heldUnits: [WorkUnitID] = []
    ) {
        let profile = host.profile
        self.init(
            id: host.id, volunteer: host.volunteer, cores: max(profile.cores, 1),
            memoryBytes: max(profile.memoryBytes, 0),
            diskFreeBytes: max(profile.diskFreeBytes, 0) - max(reservedDiskBytes, 0),
            flopsPerSecond: HostSpeed.perCore(host), availability: HostSpeed.availability(availability), apps: apps,
            programPlatforms: programPlatforms, inProgress: inProgress, sentLastDay: sentLastDay,
            dailyQuota: HostQuota.tasksPerDay(host),
            heldUnits: heldUnits)
    }
}

/// What a host asks for.
public struct WorkRequest: Hashable, Sendable {
    /// At most this many tasks; 0: none.
    public var tasks: Int
    /// No more tasks once every core has new work for this many seconds; 0: only `tasks` counts.
    public var seconds: Double
    /// Work already queued on each core, in seconds of computing.
    public var queuedSeconds: Double

    public init(tasks: Int, seconds: Double, queuedSeconds: Double) {
        self.tasks = tasks
        self.seconds = seconds
        self.queuedSeconds = queuedSeconds
    }
}

/// What the scheduler gives.
public struct Choice: Hashable, Sendable {
    public var tasks: [ChosenTask]
    /// Why there is not more, in a fixed order of reasons; empty when what was asked for was given.
    public var refusals: [Refusal]

    public init(tasks: [ChosenTask], refusals: [Refusal]) {
        self.tasks = tasks
        self.refusals = refusals
    }
}

/// A task that the host will get.
public struct ChosenTask: Hashable, Sendable {
    public var id: TaskID
    /// Run time on one core of this host, pauses not counted.
    public var estimatedSeconds: Double
    /// Who has it, and until when: goes into `WorkUnitEvent.assigned`.
    public var assignment: Assignment

    public init(id: TaskID, estimatedSeconds: Double, assignment: Assignment) {
        self.id = id
        self.estimatedSeconds = estimatedSeconds
        self.assignment = assignment
    }
}

/// Why a host gets no task, or not as many as it asked for.
public struct Refusal: Hashable, Sendable {
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        // Of the host as a whole.
        case inProgressLimit, dailyQuota
        // Of single tasks.
        case sameVolunteer, unknownApp, notReleased, program, bounds, memory, disk, output, deadline
        /// They wait for others, as a secret lot, the project's rules, or this host's record will have it.
        case company
        /// Everything that waits was given, or nothing waits.
        case noTasks
    }

    public var reason: Reason
    /// How many tasks it kept from this host; 0 for reasons that are not of single tasks.
    public var count: Int
    /// For people, for example `3 tasks need 4.0 GB of memory, this host offers 2.0 GB`.
    public var text: String

    public init(reason: Reason, count: Int, text: String) {
        self.reason = reason
        self.count = count
        self.text = text
    }
}
