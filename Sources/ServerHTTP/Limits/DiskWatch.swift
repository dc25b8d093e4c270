import Domain
import Engine
import Glibc
import ServerCore
import Synchronization

/// Free bytes for this user and the size of a file system.
public struct DiskSpace: Hashable, Sendable {
    public var free: Int64
    public var total: Int64

    public init(free: Int64, total: Int64) {
        self.free = free
        self.total = total
    }
}

/// What a disk still takes: a function of what it is told.
///
/// Below the reserve nothing comes in that can wait: uploads, submissions, new work units. Reports of small results go
/// on, for they bring units to their end; below an eighth of the reserve they wait, too, since the database must be
/// able to write what it has begun. What was refused is taken again when a little more than the bound is free.
package struct DiskReserve: Hashable, Sendable {
    package enum State: Int, Hashable, Sendable, Comparable {
        case ok, low, full

        package static func < (a: State, b: State) -> Bool { a.rawValue < b.rawValue }
    }

    let bytesMax: Int64
    let percent: Int64
    package private(set) var state = State.ok

    package init(limits: ServerLimits) {
        bytesMax = Int64(limits.diskReserveMiB) << 20
        percent = Int64(min(limits.diskReservePercent, 100))
    }

    /// The bytes that stay free on a disk of this size.
    package func bytes(total: Int64) -> Int64 { min(bytesMax, total / 100 * percent) }

    package mutating func update(_ space: DiskSpace) -> State {
        let reserve = bytes(total: space.total)
        let floor = reserve / 8
        /// With a margin on the way back, so that one file more or less does not change it all the time.
        func isBelow(_ bound: Int64, since: State) -> Bool { space.free < (state >= since ? bound + bound / 8 : bound) }
        state = isBelow(floor, since: .full) ? .full : isBelow(reserve, since: .low) ? .low : .ok
        return state
    }
}

/// Looks at the disk of the data directory whenever somebody asks: one call of the system, a microsecond or two. Only
/// calls go by what somebody saw within a hundredth of a second.
final class DiskWatch: Sendable {
    struct Reading: Hashable, Sendable {
        var state: DiskReserve.State
        var space: DiskSpace
        /// Bytes that stay free.
        var reserve: Int64

        /// For people: what is refused and why; nil when all is well.
        var trouble: String? {
            let free = "\(space.free >> 20) MiB free, \(reserve >> 20) MiB are the reserve"
            return switch state {
            case .ok: nil
            case .low: "disk low, \(free): uploads, submissions and splitting wait"
            case .full: "disk full, \(free): reports wait, too"
            }
        }
    }

    private let path: String
    private let probe: @Sendable (String) -> DiskSpace?
    private let reserve: Mutex<DiskReserve>
    /// What was seen last, and when.
    private let seen = Mutex<(reading: Reading, at: ContinuousClock.Instant)?>(nil)
    private let metrics: Metrics
    /// A disk does not empty itself in seconds.
    private static let retryAfterSeconds = 120
    /// For calls: far less than one may wait for the writer, where nobody looks again.
    private static let freshness = Duration.milliseconds(10)

    init(path: String, limits: ServerLimits, metrics: Metrics, probe: @escaping @Sendable (String) -> DiskSpace?) {
        self.path = path
        self.probe = probe
        self.metrics = metrics
        reserve = Mutex(DiskReserve(limits: limits))
    }

    /// - Returns: nil when the system does not tell; then nothing is refused.
    func reading() -> Reading? {
        let now = ContinuousClock.now
        guard let space = probe(path) else { return nil }
        let reading = reserve.withLock { reserve in
            Reading(state: reserve.update(space), space: space, reserve: reserve.bytes(total: space.total))
        }
        seen.withLock { seen in
            if seen.map({ $0.at < now }) ?? true { seen = (reading, now) }
        }
        return reading
    }

    private func recentReading() -> Reading? {
        let seen = seen.withLock { $0 }
        if let seen, seen.at.duration(to: .now) < DiskWatch.freshness { return seen.reading }
        return reading()
    }

    /// For what brings bytes and can wait. - Throws: `.diskReserve`.
    func requireReserve() throws(RequestRefusal) { try require(below: .low, reading()) }

    /// For what frees work. - Throws: `.diskReserve`.
    func requireFloor() throws(RequestRefusal) { try require(below: .full, recentReading()) }

    private func require(below state: DiskReserve.State, _ reading: Reading?) throws(RequestRefusal) {
        guard let reading, reading.state >= state else { return }
        metrics.refused("disk_reserve")
        var refusal = RequestRefusal(
            .diskReserve, "the server's disk is nearly full", advice: "keep what you have and try again later")
        refusal.retryAfterSeconds = DiskWatch.retryAfterSeconds
        throw refusal
    }
}
