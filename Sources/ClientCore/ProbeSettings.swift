import Preferences

/// What the probes are told by the preferences.
public struct ProbeSettings: Hashable, Sendable {
    /// Never looked at; each reports once that it is switched off.
    public var off: Set<ProbeKind> = []
    /// Names of programs, as in `steam` or `game.exe`: compared with the command name and the base name of what was
    /// started, upper and lower case alike. At most `programsMax`.
    public var exclusivePrograms: [String] = []
    /// A file whose first line is `yes` or `no`, a reason behind it; nil: none.
    public var permissionFile: String?
    /// A program and its arguments, started without a shell: exit code 0 means yes, 1 no, the first line of its output
    /// is the reason. Empty: none. Where there is a file, too, both must say yes.
    public var permissionCommand: [String] = []
    /// The command's answer is good for so long.
    public var permissionKeepSeconds = 300.0
    /// The command is ended after so long.
    public var permissionCommandSeconds = 20.0

    public static let programsMax = 100

    public init() {}

    public init(_ preferences: Preferences) { take(preferences) }

    /// Takes over what the owner says; what is off stays off.
    mutating func take(_ preferences: Preferences) {
        exclusivePrograms = preferences.pauses.exclusivePrograms
        (permissionFile, permissionCommand) = (nil, [])
        guard let permission = preferences.permission else { return }
        switch permission.source {
        case .file(let path): permissionFile = path
        case .command(let words): permissionCommand = words
        }
        permissionKeepSeconds = permission.keepSeconds
        permissionCommandSeconds = permission.timeLimitSeconds
    }
}

/// How often a probe looks, in seconds. Those that are told of an event look at once, too.
public struct ProbePeriod: Hashable, Sendable {
    /// While tasks run: somebody who comes back must be noticed soon.
    public var computing: Double
    /// While nothing runs: a look more costs more than a moment of idle time.
    public var paused: Double

    /// A source of input that was not heard for so long, or the load, has fallen silent: the longest of their periods,
    /// and time for one that takes its time.
    public static let silentSeconds = 30.0

    public init(computing: Double, paused: Double) {
        self.computing = computing
        self.paused = paused
    }

    public func seconds(isComputing: Bool) -> Double { isComputing ? computing : paused }

    /// The next look of all probes that have this period: they look together, so that the processor wakes up once.
    ///
    /// - Parameter now: seconds of a clock that is never set and is the same in all processes.
    public func nextLook(after now: Double, isComputing: Bool) -> Double {
        let seconds = seconds(isComputing: isComputing)
        return ((now / seconds).rounded(.down) + 1) * seconds
    }
}

extension ProbeKind {
    public var period: ProbePeriod {
        switch self {
        // Announced by the X server, logind and the devices themselves where they can; this is the time between looks
        // that show that they still answer.
        case .userInput, .fullScreen: ProbePeriod(computing: 4, paused: 20)
        case .session: ProbePeriod(computing: 5, paused: 20)
        case .inputDevices: ProbePeriod(computing: 1, paused: 20)
        // The kernel keeps the access times of terminals in steps of eight seconds.
        case .terminals: ProbePeriod(computing: 2, paused: 20)
        case .otherLoad: ProbePeriod(computing: 1, paused: 10)
        case .exclusiveProgram: ProbePeriod(computing: 4, paused: 20)
        case .power, .temperature: ProbePeriod(computing: 5, paused: 20)
        // The kernel computes its averages anew every two seconds.
        case .pressure: ProbePeriod(computing: 2, paused: 20)
        case .permission: ProbePeriod(computing: 10, paused: 20)
        case .network: ProbePeriod(computing: 30, paused: 60)
        }
    }
}
