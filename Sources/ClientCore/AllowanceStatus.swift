import Domain
import Preferences

/// `Allowance` as `status` shows it.
public struct AllowanceStatus: Hashable, Sendable, Codable {
    public var inUse: Bool
    public var mayCompute: Bool
    public var mayUseNetwork: Bool
    /// Tasks at once.
    public var cores: Int
    /// Of one core for each task.
    public var cpuPercent: Int
    public var memoryBytes: Int64?
    public var objections: [Objection]

    public struct Objection: Hashable, Sendable, Codable {
        /// `computing` or `network`.
        public var against: String
        public var cause: String
        public var probe: String?
        public var reason: String
        public var sinceMs: Int64
        public var until: String
        public var endsAtMs: Int64?
    }

    init(_ allowance: Allowance, cores: Int) {
        inUse = allowance.isInUse
        mayCompute = allowance.mayCompute
        mayUseNetwork = allowance.mayUseNetwork
        self.cores = cores
        cpuPercent = allowance.cpuPercent
        memoryBytes = allowance.memoryBytes
        objections = allowance.objections.map {
            Objection(
                against: $0.cause.subject.rawValue, cause: $0.cause.rawValue, probe: $0.probe?.rawValue,
                reason: PrintableText.clean($0.reason), sinceMs: $0.since.milliseconds, until: $0.until,
                endsAtMs: $0.endsAt?.milliseconds)
        }
    }
}

/// A preference that the command line of the running client gives.
public struct PreferenceOptionStatus: Hashable, Sendable, Codable {
    public var path: String
    public var text: String
    public var option: String

    public init(_ option: PreferenceOption) {
        path = option.path
        text = option.text
        self.option = option.option
    }

    public var preference: PreferenceOption { PreferenceOption(path: path, text: text, option: option) }
}
