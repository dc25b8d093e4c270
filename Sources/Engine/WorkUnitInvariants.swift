import Domain

extension WorkUnitMachine {
    /// What always holds of a unit; the first law that is broken, in words, or nil.
    ///
    /// For tests, and for the store's own check: it finds rows that no sequence of events could have made.
    public static func invariantViolation(_ aggregate: WorkUnitAggregate) -> String? {
        if case .failed(.unusable) = aggregate.unit.state, aggregate.tasks.isEmpty { return nil }
        let found =
            identityViolation(aggregate)
            ?? (aggregate.unit.state.isFinal
                ? finalViolation(aggregate) : openViolation(aggregate)) ?? canonicalViolation(aggregate)
        return found.map { "work unit \(aggregate.unit.id): \($0)" }
    }

    private static func identityViolation(_ aggregate: WorkUnitAggregate) -> String? {
        let unit = aggregate.unit
        if let fault = fault(in: unit.replication) { return fault }
        if aggregate.tasks.count < unit.replication.initial || aggregate.tasks.count > unit.replication.maxTotal {
            return "has \(aggregate.tasks.count) tasks, expected "
                + "\(unit.replication.initial) to \(unit.replication.maxTotal)"
        }
        for (at, task) in aggregate.tasks.enumerated() where task.id != TaskID(unit: unit.id, ordinal: at) {
            return "task \(task.id) is in place \(at)"
        }
        var volunteers: Set<VolunteerID> = []
        for task in aggregate.tasks {
            guard let assignment = task.state.assignment else { continue }
            if !volunteers.insert(assignment.volunteer).inserted {
                return "volunteer \(assignment.volunteer) has more than one task"
            }
        }
        return nil
    }

    /// An open unit waits for something that will come: a host, a timer, or the validator.
    private static func openViolation(_ aggregate: WorkUnitAggregate) -> String? {
        let census = TaskCensus(aggregate.tasks)
        let rule = aggregate.unit.replication
        // What was not needed while a result stood is taken up again only when it is wanted.
        let isAdaptive = if case .adaptive = rule.acceptance { true } else { false }
        for task in aggregate.tasks {
            switch task.state {
            case .notNeeded where isAdaptive: break
            case .aborted, .notNeeded: return "is open, and task \(task.id) is given up"
            case .decided(_, _, let verdict) where verdict.outcome != .invalid || verdict.comparedWith != nil:
                return "is open, and task \(task.id) has the verdict \(verdict.outcome)"
            case .unsent, .sent, .reported, .decided, .failed, .expired: break
            }
        }
        switch aggregate.unit.state {
        case .ready:
            return census.unsent == aggregate.tasks.count ? nil : "is ready, and a task was sent"
        case .comparing:
            return census.plausible >= rule.quorum ? nil : "is comparing \(census.plausible) results"
        case .provisional(let standing):
            let isThere = aggregate.tasks.contains { task in
                if case .reported(_, _, let check) = task.state {
                    task.id == standing && check != .pending
                } else {
                    false
                }
            }
            if !isAdaptive { return "stands provisionally, and is not adaptive" }
            if census.unsent > 0 { return "stands provisionally, and a task may still be sent" }
            return isThere && census.plausible == 1 ? nil : "stands provisionally on \(census.plausible) results"
        default:
            if census.unsent == aggregate.tasks.count { return "is active, and no task was sent" }
            if census.outstanding == 0 { return "is active, and waits for nothing" }
            if census.errors >= rule.maxErrors, census.pending == 0 { return "is active after too many errors" }
            return nil
        }
    }

    private static func finalViolation(_ aggregate: WorkUnitAggregate) -> String? {
        let state = aggregate.unit.state
        for task in aggregate.tasks {
            let fault: String? =
                switch task.state {
                case .unsent: "may still be sent"
                case .sent: state.canonical == nil ? "is still out" : nil
                case .aborted: state.canonical == nil ? nil : "was aborted although the unit has a result"
                case .reported: takesComparisons(state) ? nil : "will never be judged"
                case .decided(_, _, let verdict): verdictFault(verdict, state)
                case .failed, .expired, .notNeeded: nil
                }
            if let fault { return "has ended, and task \(task.id) \(fault)" }
        }
        return nil
    }

    private static func takesComparisons(_ state: WorkUnitState) -> Bool {
        switch state {
        case .validated, .assembled: true
        case .ready, .active, .comparing, .provisional, .purged, .failed, .cancelled: false
        }
    }

    private static func verdictFault(_ verdict: Verdict, _ state: WorkUnitState) -> String? {
        switch verdict.outcome {
        case .valid: state.canonical == nil ? "is valid without a canonical result" : nil
        case .invalid: nil
        case .inconclusive: state.canonical == nil ? nil : "is inconclusive although the unit has a result"
        case .tooLate:
            switch state {
            case .assembled, .purged: nil
            default: "is too late before the results of the unit were public"
            }
        }
    }

    /// A canonical result rests on a quorum of agreeing results of different volunteers.
    private static func canonicalViolation(_ aggregate: WorkUnitAggregate) -> String? {
        guard let canonical = aggregate.unit.state.canonical else { return nil }
        var volunteers: Set<VolunteerID> = []
        var isDecided = false
        for task in aggregate.tasks {
            guard case .decided(let assignment, _, let verdict) = task.state, verdict.outcome == .valid else {
                continue
            }
            volunteers.insert(assignment.volunteer)
            if task.id == canonical { isDecided = true }
            if task.id != canonical, verdict.comparedWith != canonical {
                return "task \(task.id) is valid without agreeing with the canonical result"
            }
        }
        if !isDecided { return "has the canonical task \(canonical), which has no valid result" }
        // A proof, or a window that has passed, takes the place of the others.
        let rule = aggregate.unit.replication
        let quorum = rule.acceptance.trustsSingle ? 1 : rule.quorum
        return volunteers.count >= quorum ? nil : "has \(volunteers.count) agreeing volunteers of a quorum of \(quorum)"
    }
}
