import Domain

/// One step in the making: the aggregate being changed, and what has been found to do so far.
///
/// The event handlers are in `TransitionReports.swift` (what hosts say) and `TransitionVerdicts.swift` (what the
/// validator says); all of them end in `settle`, which keeps the promise that an open unit waits for something.
struct WorkUnitTransition {
    var unit: WorkUnitRecord
    var tasks: [TaskRecord]
    let now: Timestamp
    var actions: [WorkUnitAction] = []
    var disposition: ReportDisposition?

    init(_ aggregate: WorkUnitAggregate, now: Timestamp) {
        unit = aggregate.unit
        tasks = aggregate.tasks
        self.now = now
    }

    var isOpen: Bool { !unit.state.isFinal }

    /// The place of a task of this unit; nil for a number that is not one.
    func place(of id: TaskID) -> Int? {
        guard id.unit == unit.id, id.ordinal < tasks.count, tasks[id.ordinal].id == id else { return nil }
        return id.ordinal
    }

    func finished(from before: WorkUnitAggregate) -> WorkUnitStep {
        var after = WorkUnitAggregate(unit: unit, tasks: tasks)
        if after != before, now > after.unit.updatedAt { after.unit.updatedAt = now }
        return WorkUnitStep(aggregate: after, actions: actions, disposition: disposition)
    }

    // MARK: Assignment and time

    mutating func assign(_ id: TaskID, _ assignment: Assignment) {
        guard isOpen, let at = place(of: id), tasks[at].state == .unsent else { return }
        // One volunteer, one task of a unit, in whatever state: otherwise one person could make up a quorum.
        guard !tasks.contains(where: { $0.state.assignment?.volunteer == assignment.volunteer }) else { return }
        tasks[at].state = .sent(assignment)
        if unit.state == .ready { unit.state = .active }
    }

    mutating func expire(_ id: TaskID) {
        guard let at = place(of: id), case .sent(let assignment) = tasks[at].state else { return }
        // A timer that fires early (the clock was set back since) changes nothing; its owner will ask again.
        guard now >= assignment.deadline else { return }
        tasks[at].state = .expired(assignment)
        actions.append(.countVerdict(id, assignment, .error, nil))
        settle()
    }

    /// Ends a unit that was begun and to which nobody else has come for longer than anybody should wait.
    ///
    /// Only units in state active: one that is ready waits its turn in the queue, however long that is, and one that is
    /// comparing waits for the validator. `updatedAt` is the last time that anything happened to the unit.
    mutating func giveUpWaiting() {
        guard unit.state == .active else { return }
        let census = TaskCensus(tasks)
        let longest = WorkUnitMachine.waitMax(unit.replication)
        guard census.unsent > 0, census.sent == 0, census.pending == 0, now - unit.updatedAt > longest else { return }
        end(
            .failed(.noAgreement),
            reason: "no further volunteer came for this work unit in \(Text.duration(longest.seconds))")
    }

    // MARK: The end of a unit

    mutating func assemble() {
        guard case .validated(let canonical) = unit.state else { return }
        unit.state = .assembled(canonical: canonical)
    }

    mutating func cancel() {
        guard isOpen else { return }
        end(.cancelled, reason: "the unit was cancelled")
    }

    /// Ends the unit without a canonical result: nothing is sent any more, nothing that is out is waited for.
    mutating func end(_ state: WorkUnitState, reason: String) {
        unit.state = state
        for at in tasks.indices {
            switch tasks[at].state {
            case .unsent: tasks[at].state = .notNeeded
            case .sent(let assignment): tasks[at].state = .aborted(assignment)
            case .reported: decide(at, .inconclusive, reason: reason)
            case .decided, .failed, .expired, .aborted, .notNeeded: break
            }
        }
        actions.append(.unitEnded)
    }

    // MARK: Verdicts

    /// Records the verdict on a reported result, with the count and the credit that follow from it.
    mutating func decide(
        _ at: Int, _ outcome: Verdict.Outcome, comparedWith: TaskID? = nil, difference: Difference? = nil,
        reason: String
    ) {
        guard case .reported(let assignment, let report, _) = tasks[at].state else { return }
        let verdict = Verdict(
            outcome: outcome, decidedAt: now, comparedWith: comparedWith, difference: difference,
            reason: Text.bounded(reason))
        tasks[at].state = .decided(assignment, report, verdict)
        let count: HostCount =
            switch outcome {
            case .valid: .valid
            case .invalid: .invalid
            case .inconclusive, .tooLate: .none
            }
        actions.append(.countVerdict(tasks[at].id, assignment, count, report))
        if outcome == .valid, unit.credit > .zero {
            actions.append(.grantCredit(tasks[at].id, assignment, unit.credit))
        }
    }
}
