import Domain
import Engine

/// Walks every state that a small unit can reach, by every event that can happen in it.
///
/// Volunteers are alike, so a task is always given to the lowest one that has none yet (and once to one that has, which
/// must change nothing). Times and texts steer nothing; states that differ only in them count as one, so that the state
/// space is finite and closes.
struct Explorer {
    struct Edge {
        var before: WorkUnitAggregate
        var event: WorkUnitEvent
        var step: WorkUnitStep
    }

    var volunteers = 3

    /// Calls `visit` for every edge, and returns every state.
    func walk(
        _ rule: ReplicationRule, checkEach: Bool, visit: (Edge) -> Void
    ) -> [WorkUnitAggregate] {
        let start = WorkUnitMachine.create(Fixture.unit(rule, checkEach: checkEach))
        var seen: Set<[UInt8]> = [Explorer.key(start)]
        var states = [start]
        var at = 0
        while at < states.count {
            let state = states[at]
            at += 1
            for (event, now) in events(in: state) {
                let step = WorkUnitMachine.step(state, event, now: now)
                visit(Edge(before: state, event: event, step: step))
                guard step.aggregate != state else { continue }
                if seen.insert(Explorer.key(step.aggregate)).inserted { states.append(step.aggregate) }
            }
            if let purged = Explorer.purged(state), seen.insert(Explorer.key(purged)).inserted {
                states.append(purged)
            }
        }
        return states
    }

    // MARK: Events

    private func events(in state: WorkUnitAggregate) -> [(WorkUnitEvent, Timestamp)] {
        var events: [(WorkUnitEvent, Timestamp)] = [
            (.assembled, Fixture.timely), (.cancelled, Fixture.timely),
            (.waitedInVain, Fixture.overdue), (.waitedInVain, Fixture.abandoned),
            (.reported(Fixture.task(60), host: Fixture.host(0), Fixture.report()), Fixture.timely),
        ]
        let holders = Set(state.tasks.compactMap { $0.state.assignment?.host })
        let free = (0..<volunteers).first { !holders.contains(Fixture.host($0)) }
        let taken = (0..<volunteers).first { holders.contains(Fixture.host($0)) }
        for task in state.tasks {
            for volunteer in [free, taken] {
                if let volunteer { events.append((.assigned(task.id, Fixture.assignment(volunteer)), Fixture.timely)) }
            }
            events.append((.deadlinePassed(task.id), Fixture.overdue))
            let outcomes: [CheckOutcome] = [
                .malformed("not a result"), .refuted(Fixture.difference, "false claim"), .plausible, .proven,
            ]
            for outcome in outcomes { events.append((.checked(task.id, outcome), Fixture.timely)) }
            events.append((.checked(task.id, .plausible, mayStand: true), Fixture.timely))
            events.append((.confirmed(task.id, reason: "stands"), Fixture.timely))
            events.append((.recheck(task.id), Fixture.timely))
            let own = task.state.assignment?.host ?? Fixture.host(0)
            let other = Fixture.host(own == Fixture.host(0) ? 1 : 0)
            events.append((.reported(task.id, host: other, Fixture.report()), Fixture.timely))
            events.append((.taskFailed(task.id, host: other, Fixture.error()), Fixture.timely))
            for now in [Fixture.timely, Fixture.overdue] {
                events.append((.reported(task.id, host: own, Fixture.report(1)), now))
                events.append((.taskFailed(task.id, host: own, Fixture.error()), now))
            }
            events.append((.reported(task.id, host: own, Fixture.report(2)), Fixture.timely))
            events.append((.reported(task.id, host: own, Fixture.report(1), mayStand: true), Fixture.timely))
            events.append((.taskFailed(task.id, host: own, Fixture.error(.givenBack)), Fixture.timely))
        }
        return events + comparisons(in: state).map { (.compared($0), Fixture.timely) }
    }

    /// Every outcome that a comparison of the results at hand can have, and one that knows nothing.
    private func comparisons(in state: WorkUnitAggregate) -> [[PairComparison]] {
        let tasks = state.tasks.filter { $0.state.report != nil }.map(\.id)
        let pairs = tasks.count * (tasks.count - 1) / 2
        var all: [[PairComparison]] = [[]]
        guard pairs > 0 else { return all }
        for outcome in 0..<(1 << pairs) {
            var bit = 0
            all.append(
                Bench.comparisons(of: tasks) { _, _ in
                    defer { bit += 1 }
                    return outcome >> bit & 1 == 1
                })
        }
        return all
    }

    // MARK: States

    /// What the purger makes of an assembled unit with nothing left to judge.
    private static func purged(_ state: WorkUnitAggregate) -> WorkUnitAggregate? {
        guard case .assembled(let canonical) = state.unit.state else { return nil }
        let isJudged = !state.tasks.contains { if case .reported = $0.state { true } else { false } }
        var purged = state
        purged.unit.state = .purged(canonical: canonical)
        return isJudged ? purged : nil
    }

    /// What of a state can steer what follows, in a few bytes.
    private static func key(_ state: WorkUnitAggregate) -> [UInt8] {
        var key: [UInt8] = []
        func add(_ name: String, _ number: Int = 63) {
            key.append(UInt8(truncatingIfNeeded: name.utf8.first ?? 0))
            key.append(UInt8(truncatingIfNeeded: name.utf8.count))
            key.append(UInt8(truncatingIfNeeded: number))
        }
        add(StateName.of(state.unit.state), (state.unit.state.canonical ?? state.unit.state.provisional)?.ordinal ?? 63)
        for task in state.tasks {
            add(StateName.verdict(task.state), Int(task.state.assignment?.volunteer.rawValue ?? 63))
            switch task.state {
            case .reported(_, _, .proven): key.append(1)
            case .failed(_, let error): key.append(UInt8(error.code.rawValue))
            case .decided(_, _, let verdict):
                key.append(UInt8(verdict.comparedWith?.ordinal ?? 63))
                key.append(verdict.difference == nil ? 0 : 1)
            case .unsent, .sent, .reported, .expired, .aborted, .notNeeded: break
            }
        }
        return key
    }
}
