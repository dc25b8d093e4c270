/// When a host computes.
public enum VolunteerHabit: String, Hashable, Sendable, CaseIterable {
    /// About an hour, at about the same time of the day; one day of ten not at all.
    case anHourADay = "an hour a day"
    /// From about 18 to 23 hours, at the weekend from about 10.
    case evenings
    /// A machine in an office: from about 18 to 8 hours, and the whole weekend.
    case nights
    /// A day at a time, with an hour or so between.
    case always
    /// Three hours at a time, and nine between, with no order in them: each is drawn between 0 and twice that.
    case random

    /// Times in milliseconds in which it computes, one after the other, until `end`.
    func sessions(until end: Int64, _ draws: inout Draws) -> [Range<Int64>] {
        var sessions: [Range<Int64>] = []
        func add(_ from: Int64, _ to: Int64) {
            let begin = max(from, sessions.last.map { $0.upperBound + 60_000 } ?? 0)
            if begin < min(to, end) { sessions.append(begin..<min(to, end)) }
        }
        let usual = draws.whole(0...23 * hour)
        var at = draws.whole(0...hour)
        while at < end {
            switch self {
            case .anHourADay:
                let day = at / (24 * hour) * 24 * hour
                let from = day + usual + draws.whole(-hour / 2...hour / 2)
                if !draws.chance(oneIn: 10) { add(from, from + draws.whole(50 * minute...70 * minute)) }
                at = day + 24 * hour
            case .evenings, .nights:
                let day = at / (24 * hour)
                let isWeekend = day % 7 >= 5
                let from = day * 24 * hour + (isWeekend ? (self == .nights ? 0 : 10) : 18) * hour
                let length = self == .nights ? (isWeekend ? 24 : 14) : (isWeekend ? 13 : 5)
                let shift = draws.whole(-hour...hour)
                add(from + shift, from + Int64(length) * hour + draws.whole(-hour...hour))
                at = (day + 1) * 24 * hour
            case .always:
                let to = at + draws.whole(20 * hour...28 * hour)
                add(at, to)
                at = to + draws.whole(10 * minute...2 * hour)
            case .random:
                let to = at + draws.wait(mean: 3 * hour)
                add(at, to)
                at = to + draws.wait(mean: 9 * hour)
            }
        }
        return sessions
    }
}

private let minute: Int64 = 60_000
private let hour: Int64 = 3_600_000

/// Kinds of work units, by their seconds on a core of 4 GFLOP/s, their deadlines, and how many of a hundred are of it.
struct VolunteerUnits {
    var app: String
    var seconds: Double
    var deadlineSeconds: Double
    var share: Int

    static let nominalSpeed = 4e9
    var flops: Double { seconds * VolunteerUnits.nominalSpeed }

    static let all = [
        VolunteerUnits(app: "minutes", seconds: 300, deadlineSeconds: 12 * 3600, share: 30),
        VolunteerUnits(app: "half-hour", seconds: 1800, deadlineSeconds: 24 * 3600, share: 25),
        VolunteerUnits(app: "hours", seconds: 7200, deadlineSeconds: 3 * 86_400, share: 20),
        VolunteerUnits(app: "shift", seconds: 28_800, deadlineSeconds: 7 * 86_400, share: 15),
        VolunteerUnits(app: "day", seconds: 86_400, deadlineSeconds: 10 * 86_400, share: 10),
    ]

    static func drawn(_ draws: inout Draws) -> VolunteerUnits {
        var left = draws.index(below: all.reduce(0) { $0 + $1.share })
        for kind in all {
            left -= kind.share
            if left < 0 { return kind }
        }
        return all[0]
    }
}
