import Domain

extension WorkUnitMachine {
    /// What the validator must do next, or nil.
    ///
    /// A function of the state alone, so that work is never lost by a restart: whoever asks again gets the same answer
    /// until the matching event has been taken. Single results are checked first, since a comparison of few is
    /// repeated when more come. A unit that has its canonical result has work as long as a task is in state reported.
    public static func validationWork(_ aggregate: WorkUnitAggregate) -> ValidationWork? {
        let state = aggregate.unit.state
        switch state {
        case .ready, .active, .comparing, .provisional, .validated, .assembled: break
        case .purged, .failed, .cancelled: return nil
        }
        var judged: [TaskID] = []
        for task in aggregate.tasks {
            guard case .reported(_, _, let check) = task.state else { continue }
            if check == .pending { return .check(task.id) }
            judged.append(task.id)
        }
        if state == .comparing { return .compare(judged) }
        if let canonical = state.canonical, let extra = judged.first { return .compare([canonical, extra]) }
        return nil
    }

    /// Whether `host` should go on with a task; `.notNeeded` for a task that is not this host's or is over.
    public static func need(for task: TaskID, at host: HostID, in aggregate: WorkUnitAggregate) -> TaskNeed {
        guard let record = aggregate.tasks.first(where: { $0.id == task }), record.state.assignment?.host == host else {
            return .notNeeded
        }
        switch record.state {
        case .expired where isPublished(aggregate.unit.state): return .notNeeded
        case .sent, .expired:
            switch aggregate.unit.state {
            case .ready, .active, .comparing: return .needed
            case .provisional, .validated, .assembled: return .optional
            case .purged, .failed, .cancelled: return .notNeeded
            }
        case .unsent, .reported, .decided, .failed, .aborted, .notNeeded: return .notNeeded
        }
    }

    private static func isPublished(_ state: WorkUnitState) -> Bool {
        if case .assembled = state { true } else { false }
    }
}
