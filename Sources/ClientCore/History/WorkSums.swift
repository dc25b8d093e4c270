/// What a host has done for a project, in sums: since it attached, or in some days.
public struct WorkSums: Hashable, Sendable, Codable {
    /// Results and failures that the server has taken.
    public var results: Int64
    public var failures: Int64
    /// Of the results, by the project's verdict.
    public var valid: Int64
    public var invalid: Int64
    /// Of workers, 0 or more.
    public var cpuSeconds: Double
    /// Final credit; less than 0 for days in which credit was taken back.
    public var microcobblestones: Int64

    public init(
        results: Int64 = 0, failures: Int64 = 0, valid: Int64 = 0, invalid: Int64 = 0, cpuSeconds: Double = 0,
        microcobblestones: Int64 = 0
    ) {
        self.results = results
        self.failures = failures
        self.valid = valid
        self.invalid = invalid
        self.cpuSeconds = cpuSeconds
        self.microcobblestones = microcobblestones
    }

    /// Since the host attached, as a status tells it.
    public init(_ project: ClientStatus.Project) {
        let micro = (project.creditCobblestones * 1e6).rounded()
        self.init(
            results: Int64(project.reportedResults), failures: Int64(project.reportedFailures),
            valid: project.validTasks, invalid: project.invalidTasks, cpuSeconds: project.workerCPUSeconds,
            microcobblestones: abs(micro) < 9e18 ? Int64(micro) : 0)
    }

    public var cobblestones: Double { Double(microcobblestones) / 1e6 }

    /// Whether its figures can be: hostile or damaged files hold others.
    var isSound: Bool {
        cpuSeconds.isFinite && abs(cpuSeconds) < 1e15
            && [results, failures, valid, invalid, microcobblestones].allSatisfy { abs($0 / 2) < Int64.max / 8 }
    }

    public static func + (a: WorkSums, b: WorkSums) -> WorkSums {
        WorkSums(
            results: a.results &+ b.results, failures: a.failures &+ b.failures, valid: a.valid &+ b.valid,
            invalid: a.invalid &+ b.invalid, cpuSeconds: a.cpuSeconds + b.cpuSeconds,
            microcobblestones: a.microcobblestones &+ b.microcobblestones)
    }

    public static func += (a: inout WorkSums, b: WorkSums) { a = a + b }

    /// What came since an earlier look. A counter that fell was begun anew, or lost a little in a crash: what it lost
    /// was counted before, so nothing is counted now. Credit may fall, since the server alone keeps it.
    func growth(since old: WorkSums) -> WorkSums {
        WorkSums(
            results: max(0, results &- old.results), failures: max(0, failures &- old.failures),
            valid: max(0, valid &- old.valid), invalid: max(0, invalid &- old.invalid),
            cpuSeconds: max(0, cpuSeconds - old.cpuSeconds),
            microcobblestones: microcobblestones &- old.microcobblestones)
    }
}
