import Domain

/// What the owner of a computer allows: every value, ready to be used. `EffectivePreferences` says where each is from.
public struct Preferences: Hashable, Sendable {
    /// Limits that hold while the computer is in use, or while it is not.
    public struct UseLimits: Hashable, Sendable {
        public var compute: Bool
        public var cores: CoreLimit
        /// 1 ... 100, of one core for each task.
        public var cpuPercent: Int
        /// 1 ... 100, of the machine's memory for all running tasks together.
        public var memoryPercent: Int

        public init(compute: Bool, cores: CoreLimit, cpuPercent: Int, memoryPercent: Int) {
            self.compute = compute
            self.cores = cores
            self.cpuPercent = cpuPercent
            self.memoryPercent = memoryPercent
        }
    }

    /// What forbids computing whether or not somebody is there.
    public struct Pauses: Hashable, Sendable {
        /// 0 ... 1, of all cores.
        public var otherLoad: Double
        public var exclusivePrograms: [String]
        public var inFullScreen: Bool
        public var onBattery: Bool
        /// 0 ... 100.
        public var chargeFloorPercent: Int
        /// Degrees Celsius.
        public var temperature: Double
        public var temperatureMargin: Double
        /// Percentage of ten seconds.
        public var memoryPressure: Int
        public var diskPressure: Int
    }

    public struct DiskLimits: Hashable, Sendable {
        /// nil: no limit.
        public var bytesMax: Int64?
        public var freeBytesMin: Int64

        /// Bytes that may still be taken, 0 and more.
        ///
        /// - Parameter free: bytes that the disk has left for us.
        /// - Parameter used: bytes that the client's folder has.
        public func room(free: Int64, used: Int64) -> Int64 {
            let byFree = max(0, free) - min(freeBytesMin, max(0, free))
            guard let bytesMax else { return byFree }
            return min(byFree, max(0, bytesMax - min(used, bytesMax)))
        }
    }

    public struct NetworkLimits: Hashable, Sendable {
        /// nil: no limit.
        public var downBytesPerSecond: Int64?
        public var upBytesPerSecond: Int64?
        /// Both directions together, from midnight to midnight.
        public var bytesPerDay: Int64?
        public var allowsMetered: Bool
    }

    /// Where the user's own word on price or carbon comes from.
    public struct Permission: Hashable, Sendable {
        public enum Source: Hashable, Sendable {
            case file(String)
            /// Program and arguments.
            case command([String])
        }

        public var source: Source
        public var timeLimitSeconds: Double
        public var keepSeconds: Double

        public init(source: Source, timeLimitSeconds: Double, keepSeconds: Double) {
            self.source = source
            self.timeLimitSeconds = timeLimitSeconds
            self.keepSeconds = keepSeconds
        }
    }

    public var idleSeconds: Double
    public var inUse: UseLimits
    public var notInUse: UseLimits
    public var pauses: Pauses
    public var disk: DiskLimits
    public var network: NetworkLimits
    public var computeWindows: WeeklyWindows
    public var networkWindows: WeeklyWindows
    /// nil: nobody is asked.
    public var permission: Permission?
    public var bufferSeconds: Double
    public var checkpointSeconds: Double
    /// nil: paused tasks stay in memory.
    public var keepInMemorySeconds: Double?
    /// Whether programs that scientists wrote are started.
    public var allowsPrograms: Bool
    public var shares: [ProjectShare]

    /// The preset `standard`.
    public static let standard = EffectivePreferences(written: nil).preferences

    /// A project's share, 0 ... 1000000.
    ///
    /// - Parameter url: as it was attached.
    public func share(ofProject url: String) -> Double {
        let url = ProjectShare.normalised(url)
        return shares.first { $0.url == url }?.share ?? ProjectShare.standard
    }

    /// Tasks that ever run at once.
    ///
    /// - Parameter machineCores: of the whole machine.
    public func mostCores(of machineCores: Int) -> Int {
        let limits = [inUse, notInUse].filter(\.compute).map { $0.cores.count(of: machineCores) }
        return limits.max() ?? 1
    }
}
