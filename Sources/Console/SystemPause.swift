import Domain
import Glibc

/// The machine's own clock.
public struct SystemPause: Pause {
    public init() {}

    public var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    public func wait(seconds: Double) {
        usleep(UInt32(min(max(seconds, 0), 3600) * 1e6))
    }
}

/// The time of day, for the ends of signed releases.
enum WallClock {
    static var now: Timestamp { Timestamp(seconds: Int64(time(nil))) }
}
