import Bytes
import Domain
import Engine

/// One host of the model. Its sessions follow from its seed: session number `k` begins when the one before has ended,
/// and every core of the host sees the same ones.
struct FleetHost {
    var seed: UInt64
    var volunteer: Int32
    var cores: Int32
    /// FLOPs a second of a core, as it is.
    var speed: Double
    /// Fraction of the time that it is on.
    var availability: Double
    /// Seconds.
    var onMean: Double
    var offMean: Double
    var joinedAt: Double
    var leavesAt: Double
    /// What the server has measured.
    var measured: Double?
    var held: Int32 = 0
    var valid: Int32 = 0
    var errors: Int32 = 0
    var invalid: Int32 = 0
    var hadTask = false
    var isParked = false
    var lanes: [FleetLane]

    /// - Parameter now: seconds; it joins within the first day of that.
    init(place: Int, _ options: FleetOptions, _ draws: inout Draws, now: Double) {
        seed = draws.word()
        volunteer = Int32(place / 4 * 3 + min(place % 4, 2))
        let kind = draws.index(below: 20)
        cores = kind < 4 ? 1 : kind < 10 ? 2 : kind < 17 ? 4 : 8
        let fast = draws.unit()
        speed = 1e9 * (1 + 7 * fast * fast)
        let habit = draws.index(below: 10)
        let spread = draws.unit()
        switch habit {
        case 0..<3: (availability, onMean) = (0.95, 5 * 86_400)
        case 3..<7: (availability, onMean) = (0.3 + 0.3 * spread, 8 * 3600)
        default: (availability, onMean) = (0.1 + 0.2 * spread, 2 * 3600)
        }
        offMean = onMean * (1 - availability) / availability
        joinedAt = now + 86_400 * draws.unit()
        leavesAt = joinedAt + 2 * Double(options.lifeDays) * 86_400 * draws.unit()
        let lane = FleetLane(freeAt: joinedAt, session: 0, sessionStart: joinedAt)
        lanes = [FleetLane](repeating: lane, count: Int(cores))
    }

    /// FLOPs a second over all cores and all time.
    var capacity: Double { speed * availability * Double(cores) }

    private func sessionLengths(_ number: Int32) -> (on: Double, off: Double) {
        var generator = SeededGenerator(seed: seed &+ UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_7F4A_7C15)
        return (2 * onMean * generator.nextUnit() + 1, 2 * offMean * generator.nextUnit())
    }

    /// When a core will have computed for so many seconds, beginning when it is free; the lane moves there.
    mutating func compute(_ seconds: Double, on lane: Int) -> Double {
        var left = seconds
        var at = lanes[lane].freeAt
        while true {
            let (on, off) = sessionLengths(lanes[lane].session)
            let end = lanes[lane].sessionStart + on
            if at < end {
                let usable = end - at
                if left <= usable {
                    lanes[lane].freeAt = at + left
                    return at + left
                }
                left -= usable
            }
            lanes[lane].session += 1
            lanes[lane].sessionStart = end + off
            at = max(at, end + off)
        }
    }

    /// The scheduler's view.
    func view(_ id: Int) -> HostView {
        HostView(
            id: HostID(rawValue: Int64(id) + 1), volunteer: VolunteerID(rawValue: Int64(volunteer) + 1),
            cores: Int(cores), memoryBytes: 8 << 30, diskFreeBytes: 100 << 30,
            flopsPerSecond: measured ?? speed, availability: availability, apps: FleetHost.apps,
            inProgress: Int(held), sentLastDay: 0,
            dailyQuota: HostQuota.tasksPerDay(
                valid: Int64(valid), invalid: Int64(invalid), errors: Int64(errors), cores: Int(cores)),
            heldUnits: [])
    }

    static let apps = ["fleet"]
}

/// A core: what it will have done when, and where in the host's sessions that is.
struct FleetLane {
    var freeAt: Double
    var session: Int32
    var sessionStart: Double
}
