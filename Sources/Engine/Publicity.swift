import Domain

extension WorkUnitAggregate {
    /// Whether the verdicts and results of this unit may be told to everybody.
    ///
    /// As long as a task is out whose result would still be paid, whoever holds it could repeat what he reads instead
    /// of computing: so a unit stays secret until it has ended and none is. A task whose deadline has passed is waited
    /// for until the answer has been put together; what comes after that is not paid, see `TransitionReports`.
    public var isPublic: Bool {
        guard unit.state.isFinal else { return false }
        return !tasks.contains { task in
            switch task.state {
            case .sent: true
            case .expired: if case .validated = unit.state { true } else { false }
            case .unsent, .reported, .decided, .failed, .aborted, .notNeeded: false
            }
        }
    }
}
