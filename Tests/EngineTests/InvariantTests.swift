import Domain
import Engine
import Testing

/// The check of stored units finds what no sequence of events could have made.
struct InvariantTests {
    private func validated() -> WorkUnitAggregate {
        var bench = Bench(Fixture.rule(quorum: 2, initial: 3, maxTotal: 5))
        bench.send(0, 1, 2)
        bench.report(0, 1)
        bench.check(0, 1)
        bench.compare(agreeing: [(0, 1)])
        return bench.aggregate
    }

    private func active() -> WorkUnitAggregate {
        var bench = Bench(Fixture.rule(quorum: 2, maxTotal: 5))
        bench.send(0, 1)
        bench.report(0)
        return bench.aggregate
    }

    private func expect(
        _ aggregate: WorkUnitAggregate, _ words: String?, _ change: (inout WorkUnitAggregate) -> Void,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var changed = aggregate
        change(&changed)
        let found = WorkUnitMachine.invariantViolation(changed)
        if let words {
            #expect(found?.contains(words) == true, "found \(found ?? "nothing")", sourceLocation: sourceLocation)
            #expect(found?.hasPrefix("work unit 3.7: ") == true, sourceLocation: sourceLocation)
        } else {
            #expect(found == nil, sourceLocation: sourceLocation)
        }
    }

    @Test func soundUnitsPass() {
        expect(validated(), nil) { _ in }
        expect(active(), nil) { _ in }
        expect(WorkUnitMachine.create(Fixture.unit(Fixture.rule(quorum: 0, maxTotal: 1))), nil) { _ in }
    }

    @Test func brokenOpenUnitsAreFound() {
        let assignment = Fixture.assignment(0)
        expect(active(), "quorum is 0") { $0.unit.replication.quorum = 0 }
        expect(active(), "has 1 tasks") { $0.tasks.removeLast() }
        expect(active(), "is in place 0") { $0.tasks.swapAt(0, 1) }
        expect(active(), "more than one task") { $0.tasks[1].state = .sent(assignment) }
        expect(active(), "is ready") { $0.unit.state = .ready }
        expect(active(), "is comparing 0") { $0.unit.state = .comparing }
        expect(active(), "is given up") { $0.tasks[1].state = .notNeeded }
        expect(active(), "waits for nothing") { unit in
            for at in 0..<2 { unit.tasks[at].state = .expired(Fixture.assignment(at)) }
        }
        expect(active(), "no task was sent") { unit in
            for at in 0..<2 { unit.tasks[at].state = .unsent }
        }
        expect(active(), "too many errors") { unit in
            unit.unit.replication.maxErrors = 1
            unit.tasks[0].state = .failed(assignment, Fixture.error())
        }
    }

    @Test func brokenEndedUnitsAreFound() {
        let canonical = Fixture.task(0)
        expect(validated(), "is valid without agreeing") { $0.unit.state = .validated(canonical: Fixture.task(2)) }
        expect(validated(), "has no valid result") { $0.tasks[0].state = .expired(Fixture.assignment(0)) }
        expect(validated(), "1 agreeing volunteers") { $0.tasks[1].state = .expired(Fixture.assignment(1)) }
        expect(validated(), "may still be sent") { $0.tasks[2].state = .unsent }
        expect(validated(), "was aborted") { $0.tasks[2].state = .aborted(Fixture.assignment(2)) }
        expect(validated(), "is valid without a canonical") { $0.unit.state = .cancelled }
        expect(validated(), "will never be judged") { unit in
            unit.unit.state = .purged(canonical: canonical)
            unit.tasks[2].state = .reported(Fixture.assignment(2), Fixture.report(), check: .plausible)
        }
        expect(active(), "is still out") { unit in
            unit.unit.state = .failed(.noAgreement)
            unit.tasks[0].state = .expired(Fixture.assignment(0))
        }
    }
}
