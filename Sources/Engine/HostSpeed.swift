import Domain

/// How fast a host computes: for deadlines and estimates, never for credit.
public enum HostSpeed {
    /// FLOPs per second taken for a host of which nothing credible is known: slow, so that nothing is promised for it.
    public static let unknownFlopsPerSecond = 1e9
    /// What a core can credibly do; figures outside are cut to this.
    public static let credibleRange: ClosedRange<Double> = 1e6...1e13
    /// Weight of the newest task in the average: the last ten or so tasks count.
    public static let newestWeight = 0.2

    /// FLOPs per second of one core: measured on valid work, else by the client's benchmark, else the slow default.
    public static func perCore(_ host: HostRecord) -> Double {
        credible(host.measuredFlopsPerSecond) ?? credible(host.profile.benchmarkFlopsPerSecond)
            ?? unknownFlopsPerSecond
    }

    /// The average after one more valid task.
    ///
    /// Averaged is the time per operation, not the speed: run times are what deadlines need, and a slow task (a
    /// machine in use) must weigh more than a lucky one.
    /// - Parameter flops: the unit's own count. - Parameter wallSeconds: as the host measured it.
    /// - Returns: the old value when the measurement cannot be used.
    public static func updated(_ old: Double?, flops: Double, wallSeconds: Double) -> Double? {
        guard wallSeconds.isFinite, wallSeconds > 0, flops.isFinite, flops > 0 else { return old }
        let newest = min(max(flops / wallSeconds, credibleRange.lowerBound), credibleRange.upperBound)
        guard let old = credible(old) else { return newest }
        return 1 / ((1 - newestWeight) / old + newestWeight / newest)
    }

    /// Run time of a task on one core.
    public static func seconds(flops: Double, flopsPerSecond: Double) -> Double {
        flops / min(max(flopsPerSecond, credibleRange.lowerBound), credibleRange.upperBound)
    }

    /// A fraction of time that can be divided by: unknown (0, or not a number) is taken as 1, and no host as less
    /// than 1 %.
    public static func availability(_ reported: Double) -> Double {
        guard reported.isFinite, reported > 0 else { return 1 }
        return min(max(reported, 0.01), 1)
    }

    private static func credible(_ speed: Double?) -> Double? {
        guard let speed, speed.isFinite, speed > 0 else { return nil }
        return min(max(speed, credibleRange.lowerBound), credibleRange.upperBound)
    }
}
