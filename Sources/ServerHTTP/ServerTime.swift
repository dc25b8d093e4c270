import Domain
import Synchronization

/// The store's time: the wall clock, made so that it never runs backwards and never stands still.
///
/// A wall clock may be set back, also after it ran ahead for a while. Then time goes on from the last value by the
/// monotonic clock, ahead of the wall clock until the server is started anew. A time that waited for the wall clock
/// would stop every deadline meanwhile. Read the wall clock first: a pause between the two then does no harm.
public struct ServerTime: Sendable {
    private var last: (time: Timestamp, monotonic: Duration)?

    public init() {}

    /// - Parameters:
    ///   - wall: what the machine's clock says.
    ///   - monotonic: the time since some moment, by a clock that nobody sets.
    /// - Returns: at least as much later than the last value as the monotonic clock has gone on.
    public mutating func now(wall: Timestamp, monotonic: Duration) -> Timestamp {
        guard let last else {
            self.last = (wall, monotonic)
            return wall
        }
        let passed = max(.zero, monotonic - last.monotonic)
        let whole = Int64(passed / .milliseconds(1))
        let steady = Timestamp(milliseconds: last.time.milliseconds + whole)
        if wall >= steady {
            self.last = (wall, max(monotonic, last.monotonic))
            return wall
        }
        // What is left of a millisecond counts next time: otherwise many short steps would stand still after all.
        self.last = (steady, last.monotonic + .milliseconds(whole))
        return steady
    }
}

/// The one `ServerTime` of a server, for all its threads.
final class SteadyClock: Sendable {
    private let wall: @Sendable () -> Timestamp
    private let start = ContinuousClock.now
    private let time = Mutex(ServerTime())

    /// - Parameter wall: what the machine's clock says.
    init(wall: @escaping @Sendable () -> Timestamp) { self.wall = wall }

    func now() -> Timestamp {
        time.withLock { time in
            let moment = wall()
            return time.now(wall: moment, monotonic: start.duration(to: .now))
        }
    }
}
