import Domain
import Preferences

/// How this client works.
public struct ClientSettings: Hashable, Sendable {
    /// Tasks that run at once at most; `Allowance.cores` says how many of them may now.
    public var cores: Int
    public var idle: IdleSettings
    public var memory = MemorySettings()
    public var probes = ProbeSettings()
    /// Seconds of work that are held per core, the running tasks included; see `WorkBuffer`.
    public var bufferSeconds: Double
    /// Tasks held at most per core, whatever the seconds say.
    public var heldTasksPerCoreMax: Int
    public var checkpointSeconds: Double
    /// The client ends when it holds nothing and was given nothing for this long; nil: never.
    public var exitWhenIdleSeconds: Double?
    /// A call to the server at least this often, to learn of cancelled tasks.
    public var contactSeconds: Double
    /// Workers that were asked to stop are killed after this.
    public var stopGraceSeconds: Double
    /// Nothing is computed after a start until the user says so.
    public var startsPaused: Bool
    /// One task for each core, then the client ends; without work it ends at once.
    public var once: Bool
    /// How long a single round waits for a server that does not answer, in seconds: without a result to report, ...
    public var onceCallSeconds = 600.0
    /// ... and with one, which would be lost with a folder that goes with the job.
    public var onceReportSeconds = 3600.0
    /// The client ends after so long, and takes only tasks that it can finish until then; nil: it has no end.
    public var walltimeSeconds: Double?
    /// What becomes of unfinished tasks then.
    public var atWalltime: AtWalltime
    /// So long before the end workers write their checkpoints, and what is left to say is told to the server.
    public var closingSeconds: Double
    /// What the worker knows, as "name/version".
    public var apps: [String]
    /// Platforms of scientists' programs that this computer can start in its sandbox, in order of preference.
    public var programPlatforms: [String] = []
    /// Why it can start none, in words; nil: it can.
    public var programsLacking: String?
    public var profile: HostProfile

    public init(cores: Int, apps: [String], profile: HostProfile) {
        self.cores = max(1, cores)
        idle = IdleSettings()
        bufferSeconds = 60
        heldTasksPerCoreMax = 16
        checkpointSeconds = 60
        exitWhenIdleSeconds = nil
        contactSeconds = 3600
        stopGraceSeconds = 10
        startsPaused = false
        once = false
        walltimeSeconds = nil
        atWalltime = .keep
        closingSeconds = 60
        self.apps = apps
        self.profile = profile
    }

    /// Takes over what the preferences say. `idle.always` and what only the command line knows stay.
    ///
    /// - Parameter machineCores: of the whole machine.
    public mutating func take(_ preferences: Preferences, machineCores: Int) {
        idle.preferences = preferences
        probes.take(preferences)
        memory.pressureMax = Double(preferences.pauses.memoryPressure)
        cores = preferences.mostCores(of: machineCores)
        bufferSeconds = preferences.bufferSeconds
        checkpointSeconds = preferences.checkpointSeconds
    }
}

/// What becomes of unfinished tasks when the time of a batch job is over, or when it is told to stop.
public enum AtWalltime: String, Hashable, Sendable, CaseIterable {
    /// They stay in the client's folder, and the next job on it goes on from their checkpoints. Right where the folder
    /// is shared or outlives the job, as home folders under Slurm do. What nobody comes back for expires at the server.
    case keep
    /// The server is told at once, and gives them to others. Right where the folder goes with the job.
    case giveBack
}
