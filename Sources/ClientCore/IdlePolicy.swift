import Domain

/// When the machine counts as idle.
public struct IdleSettings: Hashable, Sendable {
    /// Compute whatever the probes say: servers, and machines given to the project.
    public var always = false
    /// Without keyboard and pointer for this long.
    public var userQuietSeconds = 180.0
    /// Others may use this fraction of all cores.
    public var otherLoadMax = 0.25
    /// A load over the bound counts after this long: a moment of work by others is no reason to stop.
    public var loadSustainSeconds = 2.0
    /// The load must stay under the bound for this long.
    public var loadQuietSeconds = 60.0
    /// A reading older than this is no reading.
    public var staleSeconds = 10.0
    /// After a pause of this length workers write a checkpoint and leave the memory.
    public var checkpointAfterSeconds = 600.0

    public init() {}
}

/// Decides from probe readings whether to compute: pauses at the first objection, goes on when all have been quiet.
public struct IdlePolicy: Hashable, Sendable {
    public enum Mode: Hashable, Sendable {
        case computing(since: Timestamp)
        case paused(Pause)
    }

    /// Why nothing is computed, as data.
    public struct Pause: Hashable, Sendable {
        /// nil: no reading has come yet.
        public var probe: ProbeKind?
        /// For example `keyboard or pointer were used 3 s ago`.
        public var reason: String
        public var since: Timestamp
        /// What would have to change.
        public var until: String
    }

    private let settings: IdleSettings
    private let cores: Int
    public internal(set) var mode: Mode
    /// The last reading of each probe, in the order of `ProbeKind`.
    public internal(set) var readings: [ProbeReading] = []
    var overloadSince: Timestamp?
    var loadBlockedUntil: Timestamp?

    /// - Parameter cores: of the whole machine.
    public init(settings: IdleSettings, cores: Int, now: Timestamp) {
        self.settings = settings
        self.cores = max(1, cores)
        mode =
            settings.always
            ? .computing(since: now)
            : .paused(
                Pause(
                    probe: nil, reason: "the machine was not looked at yet", since: now,
                    until: "the first readings are here"))
    }

    public var isComputing: Bool {
        if case .computing = mode { return true }
        return false
    }

    /// Takes readings in, and decides. Without new readings it decides anew by their age.
    public mutating func update(_ new: [ProbeReading], now: Timestamp) {
        for reading in new { take(reading) }
        guard !settings.always else { return }
        guard Self.awaited.isSubset(of: readings.map(\.kind)) else { return }
        let objection = readings.compactMap { self.objection(of: $0, now: now) }.first
        switch (mode, objection) {
        case (.computing, nil): break
        case (.paused, nil): mode = .computing(since: now)
        case (.computing, let pause?): mode = .paused(pause)
        case (.paused(let old), var pause?):
            // The pause began when it began, whoever objects now.
            pause.since = old.since
            mode = .paused(pause)
        }
    }

    /// Nothing is computed before these have been heard; the others may come later or never.
    private static let awaited: Set<ProbeKind> = [.userInput, .otherLoad]

    private mutating func take(_ reading: ProbeReading) {
        readings.removeAll { $0.kind == reading.kind }
        readings.append(reading)
        let order = ProbeKind.allCases
        readings.sort { order.firstIndex(of: $0.kind)! < order.firstIndex(of: $1.kind)! }
        guard case .busy(let busy) = reading.value else { return }
        if busy > loadMaxCores {
            let since = overloadSince ?? reading.at
            overloadSince = since
            if (reading.at - since).seconds >= settings.loadSustainSeconds {
                loadBlockedUntil = reading.at + TimeSpan(seconds: settings.loadQuietSeconds)
            }
        } else {
            overloadSince = nil
        }
    }

    private var loadMaxCores: Double { settings.otherLoadMax * Double(cores) }

    private func objection(of reading: ProbeReading, now: Timestamp) -> Pause? {
        let age = (now - reading.at).seconds
        switch reading.value {
        case .unavailable: return nil
        case _ where age > settings.staleSeconds:
            return Pause(
                probe: reading.kind, reason: "no reading of \(reading.kind.rawValue) for \(Int(age)) s", since: now,
                until: "it can be read again")
        case .idle(let milliseconds):
            let idle = Double(milliseconds) / 1000 + age
            guard idle < settings.userQuietSeconds else { return nil }
            return Pause(
                probe: .userInput, reason: "keyboard or pointer were used \(Int(idle)) s ago", since: now,
                until: "they were not used for \(Int(settings.userQuietSeconds)) s")
        case .busy(let busy):
            guard let until = loadBlockedUntil, now < until else { return nil }
            guard busy > loadMaxCores else {
                let quiet = settings.loadQuietSeconds - (until - now).seconds
                return Pause(
                    probe: .otherLoad, reason: "other programs were busy until \(Int(max(0, quiet))) s ago", since: now,
                    until: "they were quiet for \(Int((until - now).seconds.rounded(.up))) s more")
            }
            return Pause(
                probe: .otherLoad, reason: "other programs use \(tenths(busy)) cores", since: now,
                until: "they used at most \(tenths(loadMaxCores)) for \(Int(settings.loadQuietSeconds)) s")
        // Nothing reads these yet.
        case .program, .fullScreen, .power, .temperature, .pressure, .metered, .permission: return nil
        }
    }

    private func tenths(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
