/// A question about capacity: how long will so many hosts take for a project of a given size?
///
/// The model (see also `FleetHost`):
/// - Speed of a core: 1 to 8 GFLOP/s, slow ones more often. Cores given to the project: 1, 2, 4 or 8.
/// - Availability: three of ten hosts are on nearly always (5 days at a time, 95 %), four are day machines (8 hours at
///   a time, 30 to 60 %), three are on occasionally (2 hours at a time, 10 to 30 %). Lengths of sessions are uniform
///   between 0 and twice their mean.
/// - A host stays for 0 to twice `lifeDays`, then leaves for good with whatever it holds; a new one takes its place.
/// - Run times differ by 10 % from the estimate; one task of fifty takes three times as long.
/// - One task of a hundred fails, one result of a thousand is wrong.
/// - Calls always succeed while a host is on. Data transfer takes no time.
public struct FleetOptions: Hashable, Sendable {
    public var hosts = 100_000
    /// The project is made so large that a fleet which never waits and never errs would take so long.
    public var days = 365
    /// Hours that a unit takes on a core of 4 GFLOP/s.
    public var unitHours = 24
    public var deadlineDays = 14
    public var quorum = 2
    public var maxTotal = 8
    public var lifeDays = 300
    public var seed: UInt64 = 1

    public init() {}

    static let nominalSpeed = 4e9

    var unitFlops: Double { Double(unitHours) * 3600 * FleetOptions.nominalSpeed }
    /// Seconds.
    var deadline: Double { Double(deadlineDays) * 86_400 }
}

/// What a run of the model found.
public struct FleetReport: Hashable, Sendable {
    public var options: FleetOptions
    public var units = 0
    public var unitsFailed = 0
    /// Units that had not ended when the model gave up, after three times the days.
    public var unitsOpen = 0
    public var tasksSent = 0
    /// Tasks without a result at their deadline.
    public var tasksMissed = 0
    public var tasksFailed = 0
    public var resultsWrong = 0
    /// Results that came when the unit had ended, or after their deadline.
    public var resultsLate = 0
    /// Seconds until the last unit had ended.
    public var makespan = 0.0
    /// Seconds until 99 of 100 units had ended.
    public var nearlyAll = 0.0
    /// Seconds that the same work takes when every core computes useful replicas in every second that it is on.
    public var lowerBound = 0.0
    /// FLOPs of all results that a quorum was made of.
    public var usefulFlops = 0.0
    /// FLOPs of what was computed beside that: failures, wrong, late, superfluous results, work that left with hosts.
    public var wastedFlops = 0.0
    /// Hosts that never got a task: too slow or too rarely on for the deadline.
    public var hostsUnused = 0
    /// Hosts that were there at one time or another.
    public var hostsEver = 0
    public var events = 0

    init(_ options: FleetOptions) {
        self.options = options
    }

    /// Results and failures per unit.
    public var replication: Double { units > 0 ? Double(tasksSent) / Double(units) : 0 }
    /// Of all FLOPs.
    public var wastedShare: Double {
        usefulFlops + wastedFlops > 0 ? wastedFlops / (usefulFlops + wastedFlops) : 0
    }
    /// Of all tasks sent.
    public var missedShare: Double { tasksSent > 0 ? Double(tasksMissed) / Double(tasksSent) : 0 }

    /// A few lines for a person.
    public var text: String {
        """
        units              \(units) validated, \(unitsFailed) failed, \(unitsOpen) open
        tasks              \(tasksSent) sent, \(FleetReport.decimals(replication, 3)) a unit (quorum \(options.quorum))
        makespan           \(days(makespan)) days; 99 % after \(days(nearlyAll))
        lower bound        \(days(lowerBound)) days: \(percent(lowerBound, of: makespan)) % of the makespan
        deadline misses    \(tasksMissed), \(percent(Double(tasksMissed), of: Double(tasksSent))) % of the tasks
        failed, wrong      \(tasksFailed) tasks, \(resultsWrong) results
        late results       \(resultsLate)
        wasted FLOPs       \(FleetReport.decimals(100 * wastedShare, 2)) %
        hosts              \(hostsEver) in all; \(hostsUnused) never got a task that they could finish in time
        events             \(events)
        """
    }

    private func days(_ seconds: Double) -> String { FleetReport.decimals(seconds / 86_400, 1) }
    private func percent(_ part: Double, of whole: Double) -> String {
        FleetReport.decimals(whole > 0 ? 100 * part / whole : 0, 2)
    }

    static func decimals(_ value: Double, _ count: Int) -> String {
        var scale = 1
        for _ in 0..<count { scale *= 10 }
        let whole = Int((value * Double(scale)).rounded())
        let rest = String(whole % scale)
        return count == 0
            ? "\(whole)" : "\(whole / scale).\(String(repeating: "0", count: count - rest.count))\(rest)"
    }
}
