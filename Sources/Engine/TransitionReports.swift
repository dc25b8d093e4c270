import Domain

/// What hosts say: results and failures, in time, late, twice, or of tasks that were never theirs.
extension WorkUnitTransition {
    mutating func report(_ id: TaskID, host: HostID, _ report: TaskReport, mayStand: Bool) {
        guard let at = place(of: id), let assignment = tasks[at].state.assignment, assignment.host == host else {
            disposition = .notNeeded
            return
        }
        switch tasks[at].state {
        case .sent, .expired:
            keep(at, assignment, report, mayStand: mayStand)
        case .reported, .decided, .failed:
            // The same report again, another result, or a result after a failure: the first report counts.
            disposition = .duplicate
        case .aborted, .unsent, .notNeeded:
            disposition = .notNeeded
        }
    }

    /// A first result of a task that is or was out.
    private mutating func keep(_ at: Int, _ assignment: Assignment, _ report: TaskReport, mayStand: Bool) {
        let timely: ReportDisposition = now > assignment.deadline ? .late : .accepted
        let isExpired = if case .expired = tasks[at].state { true } else { false }
        switch unit.state {
        case .assembled where isExpired:
            // The results of the unit are public: nobody can tell this one from a copy.
            disposition = .notNeeded
            tasks[at].state = .reported(assignment, report, check: .pending)
            decide(at, .tooLate, reason: "came after its deadline, when the results of its unit were public")
        case .ready, .active, .comparing, .provisional:
            disposition = timely
            tasks[at].state = .reported(assignment, report, check: unit.checkEach ? .pending : .plausible)
            if unit.checkEach { settle() } else { resultBecamePlausible(mayStand: mayStand) }
        case .validated, .assembled:
            // Kept and compared with the canonical result: honest work that came second is paid all the same.
            disposition = timely
            tasks[at].state = .reported(assignment, report, check: unit.checkEach ? .pending : .plausible)
        case .purged:
            disposition = .notNeeded
            tasks[at].state = .reported(assignment, report, check: .pending)
            decide(at, .tooLate, reason: "the results it could be compared with are deleted")
        case .failed, .cancelled:
            disposition = .notNeeded
        }
    }

    mutating func fail(_ id: TaskID, host: HostID, _ error: TaskError) {
        guard let at = place(of: id), let assignment = tasks[at].state.assignment, assignment.host == host else {
            disposition = .notNeeded
            return
        }
        var error = error
        error.message = Text.bounded(error.message)
        switch tasks[at].state {
        case .sent:
            disposition = now > assignment.deadline ? .late : .accepted
            tasks[at].state = .failed(assignment, error)
            let count: HostCount = error.code == .givenBack ? .none : .error
            actions.append(.countVerdict(id, assignment, count, nil))
            settle()
        case .expired where isOpen || unit.state.canonical != nil:
            // The host was counted when the deadline passed; the unit still learns that it is a failing one.
            disposition = .late
            tasks[at].state = .failed(assignment, error)
            settle()
        case .reported, .decided, .failed:
            disposition = .duplicate
        case .expired, .aborted, .unsent, .notNeeded:
            disposition = .notNeeded
        }
    }
}
