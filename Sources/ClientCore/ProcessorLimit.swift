/// How processor time is bounded, for the status.
public struct ProcessorLimit: Hashable, Sendable, Codable {
    /// 1 ... 100, of the cores that running tasks occupy: at 50 two running tasks use one core in all.
    public var cpuPercent: Int
    /// In words: `none`, `control group, version 2`, `duty cycle` ...
    public var method: String
    /// What running tasks used of those cores; nil while none has run long enough.
    public var measuredPercent: Double?
    /// Seconds over which that was measured: a minute at most.
    public var measuredSeconds: Double

    public init(cpuPercent: Int, method: String, measuredPercent: Double?, measuredSeconds: Double) {
        self.cpuPercent = cpuPercent
        self.method = method
        self.measuredPercent = measuredPercent
        self.measuredSeconds = measuredSeconds
    }
}
