import Domain

/// What the validator says, and what the engine makes of it.
extension WorkUnitTransition {
    static let provenReason = "canonical: proven by its check"

    mutating func check(_ id: TaskID, _ outcome: CheckOutcome, mayStand: Bool) {
        guard let at = place(of: id), case .reported(let assignment, let report, .pending) = tasks[at].state else {
            return
        }
        switch outcome {
        case .malformed(let reason):
            decide(at, .invalid, reason: reason)
            settle()
        case .refuted(let difference, let reason):
            decide(at, .invalid, difference: difference, reason: reason)
            settle()
        case .plausible:
            tasks[at].state = .reported(assignment, report, check: .plausible)
            resultBecamePlausible(mayStand: mayStand)
        case .proven:
            tasks[at].state = .reported(assignment, report, check: .proven)
            resultBecamePlausible(mayStand: mayStand)
        }
    }

    /// One more result may count towards the quorum.
    ///
    /// With quorum 1 it decides alone: either the check proved it, or the project asked for no second opinion. With a
    /// larger quorum a proven result counts as a plausible one: the scientist has asked for that many volunteers, and
    /// a proof covers what a result claims, while only a second result shows what the first left out.
    ///
    /// Where single results are trusted, a proof is enough. In an adaptive unit the only result of a host that has
    /// proved itself may stand provisionally; a second one, from wherever, takes it into a comparison.
    mutating func resultBecamePlausible(mayStand: Bool) {
        guard isOpen else { return }
        let candidates = plausiblePlaces
        let rule = unit.replication
        if rule.acceptance.trustsSingle, let proven = candidates.first(where: isProven) {
            accept(canonical: proven, candidates: candidates, comparisons: [])
        } else if rule.quorum == 1, let only = candidates.first {
            accept(canonical: only, candidates: candidates, comparisons: [])
        } else if candidates.count >= rule.quorum {
            unit.state = .comparing
        } else if case .adaptive = rule.acceptance, mayStand, candidates.count == 1, unit.state == .active, canRecheck {
            unit.state = .provisional(tasks[candidates[0]].id)
            for at in tasks.indices where tasks[at].state == .unsent { tasks[at].state = .notNeeded }
        } else {
            if unit.state.provisional != nil { unit.state = .active }
            settle()
        }
    }

    /// Whether a task is left for a second result: what cannot be computed again must not stand.
    private var canRecheck: Bool {
        tasks.count < unit.replication.maxTotal
            || tasks.contains { $0.state == .unsent || $0.state == .notNeeded }
    }

    private func isProven(_ at: Int) -> Bool {
        if case .reported(_, _, .proven) = tasks[at].state { true } else { false }
    }

    // MARK: A result that stands provisionally

    /// Its window has passed: it is the canonical result.
    mutating func confirm(_ id: TaskID, _ reason: String) {
        guard unit.state == .provisional(id), let at = place(of: id) else { return }
        unit.state = .validated(canonical: id)
        decide(at, .valid, reason: "canonical: \(reason)")
        actions.append(.unitEnded)
    }

    /// Somebody else computes it again; the result counts towards the quorum like any other.
    mutating func recheck(_ id: TaskID) {
        guard unit.state == .provisional(id) else { return }
        unit.state = .active
        settle()
    }

    mutating func compare(_ comparisons: [PairComparison]) {
        switch unit.state {
        case .comparing: compareOpen(comparisons)
        case .validated(let canonical), .assembled(let canonical): compareExtra(comparisons, canonical)
        case .ready, .active, .provisional, .purged, .failed, .cancelled: break
        }
    }

    /// Looks for a quorum. A comparison that does not cover every plausible result is stale (one came while it ran):
    /// it is dropped, and the unit's validation work names them all again. That ends, since tasks are bounded.
    private mutating func compareOpen(_ comparisons: [PairComparison]) {
        let places = plausiblePlaces
        let members = places.compactMap { at in
            tasks[at].state.assignment.map { Quorum.Member(task: tasks[at].id, volunteer: $0.volunteer) }
        }
        guard Quorum.covers(members, comparisons) else { return }
        switch Quorum.decide(members, comparisons, quorum: unit.replication.quorum) {
        case .agreed(let canonical, _):
            guard let at = place(of: canonical) else { return }
            accept(canonical: at, candidates: places, comparisons: comparisons)
        case .undecided:
            unit.state = .active
            settle()
        }
    }

    /// The unit has its canonical result. Every compared result is judged by that one alone, as late results will be.
    private mutating func accept(canonical at: Int, candidates: [Int], comparisons: [PairComparison]) {
        let canonical = tasks[at].id
        let wasProven = isProven(at)
        unit.state = .validated(canonical: canonical)
        var partners: [TaskID] = []
        for other in candidates where other != at {
            guard let pair = Quorum.comparison(of: canonical, and: tasks[other].id, in: comparisons) else { continue }
            if pair.difference == nil { partners.append(tasks[other].id) }
        }
        for place in candidates where place != at { judge(place, comparisons, canonical) }
        let reason =
            if let first = partners.first {
                partners.count == 1
                    ? "canonical: agrees with \(first)"
                    : "canonical: agrees with \(first) and \(partners.count - 1) more"
            } else if wasProven {
                Self.provenReason
            } else {
                unit.checkEach ? "canonical: passed its check, quorum 1" : "canonical: quorum 1"
            }
        decide(at, .valid, comparedWith: partners.first, reason: reason)
        for at in tasks.indices where tasks[at].state == .unsent { tasks[at].state = .notNeeded }
        actions.append(.unitEnded)
    }

    /// Results that came after the unit had its canonical one.
    private mutating func compareExtra(_ comparisons: [PairComparison], _ canonical: TaskID) {
        for at in plausiblePlaces { judge(at, comparisons, canonical) }
    }

    private mutating func judge(_ at: Int, _ comparisons: [PairComparison], _ canonical: TaskID) {
        guard let pair = Quorum.comparison(of: canonical, and: tasks[at].id, in: comparisons) else { return }
        guard let difference = pair.difference else {
            return decide(at, .valid, comparedWith: canonical, reason: "agrees with the canonical result \(canonical)")
        }
        let reason =
            "differs from the canonical result \(canonical) at \(difference.element): "
            + "distance \(difference.distance), allowed \(difference.tolerance)"
        decide(at, .invalid, comparedWith: canonical, difference: difference, reason: reason)
    }
}
