import Domain
import Synchronization

/// Holds the transfers of a client to what its owner allows: rates, bytes of a day, and whether the network may be used
/// at all. Shared by all of its transports and threads.
///
/// A rate is kept by lanes: one exchange at a time fetches, one sends, with three quarters of the rate; calls to a
/// scheduler, one at a time, have the last quarter, so that no long transfer keeps a report from its deadline. What
/// went faster than its rate makes the next one in its lane wait, so that many small ones keep to it, too. A new
/// rate holds from the next exchange on; closing ends what is being fetched or sent, but for calls. A blob that takes
/// more than a minute gives way to what waits, and goes on where it stopped.
package final class TransferGovernor: Sendable {
    package struct Limits: Hashable, Sendable {
        /// nil: no limit.
        package var downBytesPerSecond: Int64?
        package var upBytesPerSecond: Int64?
        package var bytesPerDay: Int64?

        package init(
            downBytesPerSecond: Int64? = nil, upBytesPerSecond: Int64? = nil, bytesPerDay: Int64? = nil
        ) {
            self.downBytesPerSecond = downBytesPerSecond
            self.upBytesPerSecond = upBytesPerSecond
            self.bytesPerDay = bytesPerDay
        }
    }

    /// What an exchange does, as far as rates go.
    package enum Kind: Hashable, Sendable { case call, download, upload }

    /// Bytes per second of one exchange; nil: no limit.
    package struct Rates: Hashable, Sendable {
        package var down: Int64?
        package var up: Int64?

        package init(down: Int64? = nil, up: Int64? = nil) {
            self.down = down
            self.up = up
        }
    }

    private struct State {
        var limits = Limits()
        var isOpen = true
        var day: Int64 = 0
        var bytes: Int64 = 0
    }

    private let state = Mutex(State())
    private let lanes: [Kind: TransferLane] = [.call: .init(), .download: .init(), .upload: .init()]

    /// How long one exchange has a lane that others want.
    private let turnSeconds: Double
    private static let patienceTurns = 4.0

    /// - Parameter turnSeconds: how long one exchange has a lane that others want.
    package init(turnSeconds: Double = 60) {
        self.turnSeconds = turnSeconds
    }

    package func set(_ limits: Limits, isOpen: Bool) {
        state.withLock {
            $0.limits = limits
            $0.isOpen = isOpen
        }
    }

    /// Begins to count anew when it is another day.
    ///
    /// - Parameter bytes: what was counted of that day before, by an earlier process.
    package func begin(day: Int64, bytes: Int64 = 0) {
        state.withLock {
            guard $0.day != day else { return }
            $0.day = day
            $0.bytes = bytes
        }
    }

    /// What was sent and fetched of the present day.
    package var usage: (day: Int64, bytes: Int64) { state.withLock { ($0.day, $0.bytes) } }

    package func count(_ bytes: Int) {
        state.withLock { $0.bytes += Int64(max(0, bytes)) }
    }

    /// Whether bytes may move now.
    package var mayGoOn: Bool {
        state.withLock { state in state.isOpen && state.limits.bytesPerDay.map { state.bytes < $0 } ?? true }
    }

    /// Why bytes may not move now.
    package var fault: Fault {
        Fault(
            .interrupted, "the preferences allow no transfers now", advice: "`millrace-client status` says why.")
    }

    package func rates(of kind: Kind) -> Rates {
        let limits = state.withLock { $0.limits }
        switch kind {
        case .call:
            return Rates(
                down: limits.downBytesPerSecond.map { max(1, $0 / 4) },
                up: limits.upBytesPerSecond.map { max(1, $0 / 4) })
        // What goes the other way is a head of a few hundred bytes.
        case .download: return Rates(down: limits.downBytesPerSecond.map { max(1, $0 / 4 * 3) })
        case .upload: return Rates(up: limits.upBytesPerSecond.map { max(1, $0 / 4 * 3) })
        }
    }

    /// Takes the lane for an exchange with a rate, and waits for it: in order, but not for ever. The caller's thread
    /// must leave it.
    ///
    /// - Returns: nil when there is no rate, or when those before have not come to an end for `patienceTurns` turns: a
    ///   server that hardly answers must not keep all others from their bytes, and uses little of the rate itself.
    func enter(_ kind: Kind, _ rates: Rates) -> TransferLane? {
        guard rates.down != nil || rates.up != nil, let lane = lanes[kind] else { return nil }
        return lane.enter(patienceSeconds: Self.patienceTurns * turnSeconds) ? lane : nil
    }

    /// Whether an exchange that can be taken up again should leave its lane to others.
    func shouldGiveWay(_ lane: TransferLane) -> Bool {
        lane.heldSeconds > turnSeconds && lane.isWanted
    }
}
