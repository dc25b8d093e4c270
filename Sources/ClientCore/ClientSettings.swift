import Domain
import Preferences

/// How this client works.
public struct ClientSettings: Hashable, Sendable {
    /// Tasks that run at once at most; `Allowance.cores` says how many of them may now.
    public var cores: Int
    public var idle: IdleSettings
    public var memory = MemorySettings()
    public var probes = ProbeSettings()
    /// Tasks that wait beyond the running ones, per core.
    public var bufferTasksPerCore: Int
    /// Seconds of work that are held per core, the running tasks included.
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
    /// What the worker knows, as "name/version".
    public var apps: [String]
    public var profile: HostProfile

    public init(cores: Int, apps: [String], profile: HostProfile) {
        self.cores = max(1, cores)
        idle = IdleSettings()
        bufferTasksPerCore = 1
        bufferSeconds = 60
        heldTasksPerCoreMax = 16
        checkpointSeconds = 60
        exitWhenIdleSeconds = nil
        contactSeconds = 3600
        stopGraceSeconds = 10
        self.apps = apps
        self.profile = profile
    }

    /// Takes over what the preferences say. `idle.always` and what only the command line knows stay.
    ///
    /// - Parameter machineCores: of the whole machine.
    public mutating func take(_ preferences: Preferences, machineCores: Int) {
        idle.preferences = preferences
        cores = preferences.mostCores(of: machineCores)
        bufferSeconds = preferences.bufferSeconds
        checkpointSeconds = preferences.checkpointSeconds
    }
}
