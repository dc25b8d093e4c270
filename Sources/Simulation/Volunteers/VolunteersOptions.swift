/// A question about work fetch: do hosts with habits like those of people get what they can do, and do it in time?
///
/// The model (see also `VolunteerHabit` and `VolunteerUnits`):
/// - Each host has a habit, 1, 2 or 4 cores, a speed of 1 to 8 GFLOP/s, and a benchmark that is wrong by up to a third.
/// - Work of every size waits at all times, in a mix that is drawn for each call; who gets what is decided by
///   `Engine.Scheduler`.
/// - Run times differ by a quarter from what the work unit says. A machine that goes off loses nothing.
/// - The same hosts are simulated twice: with the scheduling of `ClientCore`, and with that of the client before it.
public struct VolunteersOptions: Hashable, Sendable {
    public var hosts = 500
    public var weeks = 2
    /// Hours of work that a host holds for each core.
    public var bufferHours = 2.0
    public var seed: UInt64 = 1

    public init() {}

    var end: Int64 { Int64(weeks) * 7 * 86_400_000 }
}

/// What hosts of one kind did under one policy.
public struct VolunteersTally: Hashable, Sendable {
    public var hosts = 0
    /// Tasks that left the server.
    public var sent = 0
    public var inTime = 0
    /// Their deadline passed while the host held them.
    public var missed = 0
    /// Given back at once, and later, before the deadline.
    public var declined = 0
    public var givenBack = 0
    /// Still held at the end, before their deadline.
    public var open = 0
    /// Tasks that take a day or more of computing at the host that they were sent to.
    public var longTasks = 0
    public var calls = 0
    /// Core hours in which hosts could compute, and those of them in which a core had nothing to do.
    public var coreHours = 0.0
    public var idleHours = 0.0
    /// Core hours spent on tasks that were not done in time.
    public var lostHours = 0.0
    /// The most work that was held beyond the buffer after a task was taken, for each core, in the longest held task.
    /// 1 is what cannot be avoided.
    public var overFetchMax = 0.0

    /// Of tasks that were kept and whose time has come.
    public var missedShare: Double { share(Double(missed), of: Double(inTime + missed)) }
    /// Of the core hours in which hosts could compute. Work is always waiting.
    public var idleShare: Double { share(idleHours, of: coreHours) }
    public var lostShare: Double { share(lostHours, of: coreHours) }

    private func share(_ part: Double, of whole: Double) -> Double { whole > 0 ? part / whole : 0 }

    static func += (sum: inout VolunteersTally, more: VolunteersTally) {
        sum.hosts += more.hosts
        sum.sent += more.sent
        sum.inTime += more.inTime
        sum.missed += more.missed
        sum.declined += more.declined
        sum.givenBack += more.givenBack
        sum.open += more.open
        sum.longTasks += more.longTasks
        sum.calls += more.calls
        sum.coreHours += more.coreHours
        sum.idleHours += more.idleHours
        sum.lostHours += more.lostHours
        sum.overFetchMax = max(sum.overFetchMax, more.overFetchMax)
    }
}

/// What both policies made of the same hosts.
public struct VolunteersReport: Hashable, Sendable {
    public var options: VolunteersOptions
    public var lines: [Line] = []

    public struct Line: Hashable, Sendable {
        public var policy: VolunteersPolicy
        /// nil: all habits.
        public var habit: VolunteerHabit?
        public var tally: VolunteersTally
    }

    public subscript(policy: VolunteersPolicy, habit: VolunteerHabit?) -> VolunteersTally {
        lines.first { $0.policy == policy && $0.habit == habit }?.tally ?? VolunteersTally()
    }

    /// What must not be, under the policy of `ClientCore`; empty when all is as promised.
    public var broken: [String] {
        var broken: [String] = []
        if self[.planned, nil].overFetchMax > 1.000001 { broken.append("a host held more than its buffer and a task") }
        if self[.planned, .anHourADay].longTasks > 0 {
            broken.append("a host that computes for an hour a day got a task of a day")
        }
        return broken
    }

    /// A table for a person.
    public var text: String {
        let head = [
            "policy", "habit", "hosts", "sent", "in time", "missed", "missed %", "declined", "given back", "idle %",
            "lost %", "over-fetch", "day tasks", "calls",
        ]
        let rows = lines.map { line -> [String] in
            let tally = line.tally
            return [
                line.policy.rawValue, line.habit?.rawValue ?? "all", "\(tally.hosts)", "\(tally.sent)",
                "\(tally.inTime)", "\(tally.missed)", percent(tally.missedShare), "\(tally.declined)",
                "\(tally.givenBack)", percent(tally.idleShare), percent(tally.lostShare),
                FleetReport.decimals(tally.overFetchMax, 2), "\(tally.longTasks)", "\(tally.calls)",
            ]
        }
        let all = [head] + rows
        let widths = head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        let lines = all.map { row in
            zip(row, widths).enumerated().map { column, cell in
                let pad = String(repeating: " ", count: cell.1 - cell.0.count)
                return column < 2 ? cell.0 + pad : pad + cell.0
            }.joined(separator: "  ")
        }
        return (lines + broken.map { "BROKEN: \($0)" }).joined(separator: "\n")
    }

    private func percent(_ share: Double) -> String { FleetReport.decimals(100 * share, 2) }
}
