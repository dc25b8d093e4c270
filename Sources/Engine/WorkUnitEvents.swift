import Domain

/// Something that happened to a work unit. Events may come late, twice, or against each other; none is an error.
public enum WorkUnitEvent: Hashable, Sendable {
    /// The scheduler gave a task to a host.
    case assigned(TaskID, Assignment)
    /// A host reported a result. `mayStand`: the host's record lets its result stand alone for now, and the draw has
    /// passed it by; it matters only to adaptive units, and only where no check precedes.
    case reported(TaskID, host: HostID, TaskReport, mayStand: Bool = false)
    /// A host reported that it has no result.
    case taskFailed(TaskID, host: HostID, TaskError)
    /// The timer of a task ran out.
    case deadlinePassed(TaskID)
    /// The validator looked at a single result. `mayStand` as above.
    case checked(TaskID, CheckOutcome, mayStand: Bool = false)
    /// The validator compared results pair by pair: the answer to `ValidationWork.compare`.
    case compared([PairComparison])
    /// The canonical result went into the answer.
    case assembled
    /// The scientist or the admin cancelled the batch.
    case cancelled
    /// The window of the result that stands has passed; the text says how, for the verdict.
    case confirmed(TaskID, reason: String)
    /// The result that stands is to be computed again: its host failed a check, or it was drawn.
    case recheck(TaskID)
    /// The tick asks whether this unit still has somebody to wait for; see `WorkUnitMachine.waitMax`.
    case waitedInVain
}

/// What the check of a single result said.
public enum CheckOutcome: Hashable, Sendable {
    /// Not even a result of this kind; the text says why.
    case malformed(String)
    /// A claim was recomputed and is false.
    case refuted(Difference, String)
    /// Nothing wrong was found; the quorum decides.
    case plausible
    /// A mathematical check covers the whole claim.
    case proven
}

/// Whether two results agree. The order of the two does not matter.
public struct PairComparison: Hashable, Sendable {
    public var first: TaskID
    public var second: TaskID
    /// The first difference; nil when the two agree.
    public var difference: Difference?

    public init(first: TaskID, second: TaskID, difference: Difference?) {
        self.first = first
        self.second = second
        self.difference = difference
    }
}

/// What the shell must do in the same transaction that saves the aggregate, in order.
public enum WorkUnitAction: Hashable, Sendable {
    /// Append the ledger entry and raise the sums of host and volunteer. At most once per task, ever.
    case grantCredit(TaskID, Assignment, Credit)
    /// Raise the counts of the host; with a report of a valid result also its measured speed.
    case countVerdict(TaskID, Assignment, HostCount, TaskReport?)
    /// The unit will not be computed any more. Once per unit.
    case unitEnded
}

/// Which count of a host a verdict raises.
public enum HostCount: Hashable, Sendable, CaseIterable {
    case valid, invalid, error
    /// The task ended without blame or merit: given back, inconclusive, or too late to compare.
    case none
}

/// What the receipt says of a report.
public enum ReportDisposition: Hashable, Sendable, CaseIterable {
    /// New and kept.
    case accepted
    /// Something was reported for this task before; the first report counts.
    case duplicate
    /// Came after the deadline; kept and used all the same.
    case late
    /// Nothing is kept: the unit is gone, or the task was never this host's.
    case notNeeded
}

/// What follows from one event.
public struct WorkUnitStep: Hashable, Sendable {
    /// The new state. Equal to the old one, with no actions, when the event was a duplicate or does not apply.
    public var aggregate: WorkUnitAggregate
    public var actions: [WorkUnitAction]
    /// The answer to `reported` and `taskFailed`; nil for other events.
    public var disposition: ReportDisposition?

    public init(aggregate: WorkUnitAggregate, actions: [WorkUnitAction], disposition: ReportDisposition?) {
        self.aggregate = aggregate
        self.actions = actions
        self.disposition = disposition
    }
}

/// What the validator must do next for a unit.
public enum ValidationWork: Hashable, Sendable {
    /// Check this single result and send `checked`.
    case check(TaskID)
    /// Compare every pair of these results and send all of them in one `compared`.
    case compare([TaskID])
}

/// Whether a host should go on with a task that it holds.
public enum TaskNeed: Hashable, Sendable, CaseIterable {
    /// Its result is waited for.
    case needed
    /// The unit has its canonical result. A task that has not started may be dropped; a result still earns credit.
    case optional
    /// A result would earn nothing: drop the task.
    case notNeeded
}
