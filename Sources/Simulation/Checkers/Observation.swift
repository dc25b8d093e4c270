import ClientCore
import Domain
import Storage
import Wire

/// What checkers see. They stand outside of both cores and believe neither: what the server has written is read from
/// the innermost store, what a client holds from its disk.
enum Observation {
    /// A unit as it stands after a commit, and as it stood after the one before; nil: it is new.
    case unit(WorkUnitAggregate, before: WorkUnitAggregate?)
    case granted(LedgerEntry)
    /// A task left for a host; the host's record as it was then.
    case sent(SchedulableTask, HostRecord, ServerCall)
    /// A reply leaves the server.
    case replied(HostID, WireSchedulerReply)
    /// A call was refused; rows that were written all the same.
    case refused(HostID, rowsWritten: Int)
    case serverDied

    /// A worker has left a complete result.
    case finished(host: Int, TaskID)
    case replyArrived(host: Int, WireSchedulerReply)
    /// A reply with tasks was taken in; what its client holds now, for so many cores.
    case tookTasks(host: Int, [HeldTask], cores: Int)
    /// The folder of a task with a complete result is removed.
    case dropped(host: Int, TaskID, Digest)
    case clientDied(Int)

    /// Now and then, between two events.
    case pause
    /// The time is over, or every unit has ended and nobody has anything more to say.
    case end
}

/// What the call asked for in which tasks were sent.
struct ServerCall {
    var queuedSeconds: Double
    var availability: Double
    var cores: Int
}

/// Holds one invariant. Small, and in a file of its own.
protocol Checker: AnyObject {
    /// What `Plant.caughtBy` and a violation name.
    var name: String { get }
    /// - Returns: what is wrong, in a line; nil when nothing is.
    func see(_ observation: Observation, _ world: World) throws -> String?
}

/// A broken invariant.
public struct Violation: Hashable, Sendable {
    public var checker: String
    public var text: String
    /// Events before it.
    public var step: Int
    /// Seconds of simulated time.
    public var seconds: Double
}

/// All checkers of a run, in a fixed order.
enum Checkers {
    static func all(_ options: SimOptions) -> [any Checker] {
        [
            QuorumChecker(), CreditChecker(), AcknowledgedChecker(), ClientKeepsChecker(), EndingChecker(),
            ReplicaChecker(), FeasibleChecker(), OverFetchChecker(), BoundsChecker(), RefusalChecker(),
            FirstReportChecker(),
            FinalityChecker(), TruthChecker(), LogChecker(),
        ]
    }
}
