import Domain
import Engine
import Testing

/// Checks, comparisons, and what follows the canonical result: the rows of the validator.
struct WorkUnitVerdictTests {
    private func reported(_ rule: ReplicationRule, _ count: Int) -> Bench {
        var bench = Bench(rule)
        for ordinal in 0..<count {
            bench.send(ordinal)
            bench.report(ordinal)
        }
        return bench
    }

    @Test(arguments: [CheckOutcome.plausible, .proven])
    func quorumOfOneIsDecidedByTheCheck(_ outcome: CheckOutcome) {
        var bench = reported(Fixture.rule(quorum: 1, maxTotal: 3), 1)
        bench.check(0, as: outcome)
        #expect(bench.state == .validated(canonical: Fixture.task(0)))
        #expect(bench.paid == [0])
        #expect(bench.verdict(0)?.comparedWith == nil)
        #expect(bench.verdict(0)?.reason.contains(outcome == .proven ? "proven" : "quorum 1") == true)
    }

    @Test func provenResultStillNeedsTheQuorumThatWasAskedFor() {
        var bench = reported(Fixture.rule(quorum: 2, maxTotal: 3), 2)
        bench.check(0, as: .proven)
        #expect(bench.state == .active)
        bench.check(1)
        #expect(bench.work == .compare([Fixture.task(0), Fixture.task(1)]))
    }

    @Test func malformedResultIsInvalidAndAnErrorOfTheUnit() {
        var bench = reported(Fixture.rule(quorum: 1, maxTotal: 5, maxErrors: 2), 1)
        bench.check(0, as: .malformed("truncated"))
        #expect(bench.outcome(0) == .invalid)
        #expect(bench.verdict(0)?.reason == "truncated")
        #expect(bench.counts(of: 0) == [.invalid])
        #expect(bench.task(1) == .unsent)
        bench.send(1)
        bench.report(1)
        bench.check(1, as: .malformed("truncated"))
        #expect(bench.state == .failed(.tooManyErrors))
    }

    @Test func refutedResultIsInvalidButNoErrorOfTheUnit() {
        var bench = reported(Fixture.rule(quorum: 1, maxTotal: 3, maxErrors: 1), 1)
        bench.check(0, as: .refuted(Fixture.difference, "claimed 41.2, recomputed as 3.1"))
        #expect(bench.outcome(0) == .invalid)
        #expect(bench.verdict(0)?.difference == Fixture.difference)
        #expect(bench.counts(of: 0) == [.invalid])
        #expect(bench.task(1) == .unsent)
        #expect(bench.paid.isEmpty)
    }

    @Test func secondCheckOfAResultChangesNothing() {
        var bench = reported(Fixture.rule(quorum: 2, maxTotal: 3), 2)
        bench.check(0)
        let before = bench.aggregate
        bench.check(0, as: .malformed("no"))
        #expect(bench.aggregate == before)
    }

    @Test func agreeingResultsAreValidAndTheOddOneIsNot() {
        var bench = reported(Fixture.rule(quorum: 2, initial: 3, maxTotal: 5), 3)
        bench.check(0, 1, 2)
        bench.compare(agreeing: [(1, 2)])
        #expect(bench.state == .validated(canonical: Fixture.task(1)))
        #expect(bench.outcome(0) == .invalid)
        #expect(bench.verdict(0)?.difference == Fixture.difference)
        #expect(bench.verdict(0)?.comparedWith == Fixture.task(1))
        #expect(bench.verdict(1)?.comparedWith == Fixture.task(2))
        #expect(bench.verdict(2)?.comparedWith == Fixture.task(1))
        #expect(bench.paid.sorted() == [1, 2])
        #expect(bench.counts(of: 0) == [.invalid])
    }

    @Test func disagreementMakesOneMoreTaskAtATimeAndThenFails() {
        var bench = reported(Fixture.rule(quorum: 2, maxTotal: 4, maxErrors: 1), 2)
        for ordinal in 2..<4 {
            for earlier in 0..<ordinal { bench.check(earlier) }
            bench.compare(agreeing: [])
            #expect(bench.state == .active)
            #expect(bench.aggregate.tasks.count == ordinal + 1)
            bench.send(ordinal)
            bench.report(ordinal)
        }
        bench.check(3)
        bench.compare(agreeing: [])
        #expect(bench.state == .failed(.noAgreement))
        #expect((0..<4).allSatisfy { bench.outcome($0) == .inconclusive })
        #expect(bench.counts(of: 2) == [.none])
        #expect(bench.paid.isEmpty)
    }

    @Test func campsOfEqualSizeWaitForAnother() {
        var bench = reported(Fixture.rule(quorum: 2, initial: 4, maxTotal: 5), 4)
        bench.check(0, 1, 2, 3)
        bench.compare(agreeing: [(0, 1), (2, 3)])
        #expect(bench.state == .active)
        bench.send(4)
        bench.report(4)
        bench.check(4)
        bench.compare(agreeing: [(0, 1), (2, 3), (2, 4), (3, 4)])
        #expect(bench.state == .validated(canonical: Fixture.task(2)))
        #expect(bench.paid.sorted() == [2, 3, 4])
        #expect(bench.outcome(0) == .invalid)
    }

    @Test func staleComparisonIsDroppedAndAskedForAgain() {
        var bench = reported(Fixture.rule(quorum: 2, initial: 3, maxTotal: 5), 2)
        bench.check(0, 1)
        let old = Bench.comparisons(of: [Fixture.task(0), Fixture.task(1)]) { _, _ in true }
        bench.send(2)
        bench.report(2)
        bench.check(2)
        let before = bench.aggregate
        bench.step(.compared(old))
        #expect(bench.aggregate == before)
        #expect(bench.work == .compare([Fixture.task(0), Fixture.task(1), Fixture.task(2)]))
    }

    @Test func resultsAtHandAreJudgedBeforeErrorsEndTheUnit() {
        var bench = reported(Fixture.rule(quorum: 2, initial: 3, maxTotal: 5, maxErrors: 1), 2)
        bench.send(2)
        bench.check(0)
        bench.step(.taskFailed(Fixture.task(2), host: Fixture.host(2), Fixture.error()))
        #expect(bench.state == .active)
        bench.check(1)
        bench.compare(agreeing: [(0, 1)])
        #expect(bench.state == .validated(canonical: Fixture.task(0)))
    }

    @Test func errorsEndTheUnitWhenTheResultsAtHandDisagree() {
        var bench = reported(Fixture.rule(quorum: 2, initial: 3, maxTotal: 5, maxErrors: 1), 2)
        bench.send(2)
        bench.check(0, 1)
        bench.step(.taskFailed(Fixture.task(2), host: Fixture.host(2), Fixture.error()))
        #expect(bench.state == .comparing)
        bench.compare(agreeing: [])
        #expect(bench.state == .failed(.tooManyErrors))
        #expect(bench.outcome(0) == .inconclusive)
    }

    @Test(arguments: [true, false])
    func resultAfterTheCanonicalOneIsComparedWithIt(_ agrees: Bool) {
        var bench = Bench(Fixture.rule(quorum: 2, initial: 3, maxTotal: 5))
        bench.send(0, 1, 2)
        bench.report(0, 1)
        bench.check(0, 1)
        bench.compare(agreeing: [(0, 1)])
        #expect(bench.task(2) == .sent(Fixture.assignment(2)))
        #expect(WorkUnitMachine.need(for: Fixture.task(2), at: Fixture.host(2), in: bench.aggregate) == .optional)
        #expect(!bench.aggregate.isPublic, "a task is out")
        bench.step(.deadlinePassed(Fixture.task(2)), now: Fixture.overdue)
        #expect(!bench.aggregate.isPublic, "it is still waited for")
        bench.step(.reported(Fixture.task(2), host: Fixture.host(2), Fixture.report()), now: Fixture.overdue)
        #expect(bench.last?.disposition == .late)
        #expect(bench.aggregate.isPublic)
        bench.step(.assembled)
        #expect(bench.work == .check(Fixture.task(2)))
        bench.check(2)
        #expect(bench.work == .compare([Fixture.task(0), Fixture.task(2)]))
        bench.compare(agreeing: agrees ? [(0, 2)] : [])
        #expect(bench.outcome(2) == (agrees ? .valid : .invalid))
        #expect(bench.paid.sorted() == (agrees ? [0, 1, 2] : [0, 1]))
        #expect(bench.work == nil)
        #expect(bench.state == .assembled(canonical: Fixture.task(0)))
    }

    @Test(arguments: [true, false])
    func resultAfterTheAnswerIsPaidOnlyWhenItsDeadlineHasNotPassed(_ isExpired: Bool) {
        var bench = Bench(Fixture.rule(quorum: 2, initial: 3, maxTotal: 5))
        bench.send(0, 1, 2)
        bench.report(0, 1)
        bench.check(0, 1)
        bench.compare(agreeing: [(0, 1)])
        bench.step(.assembled)
        #expect(!bench.aggregate.isPublic)
        if isExpired {
            bench.step(.deadlinePassed(Fixture.task(2)), now: Fixture.overdue)
            #expect(bench.aggregate.isPublic)
            #expect(WorkUnitMachine.need(for: Fixture.task(2), at: Fixture.host(2), in: bench.aggregate) == .notNeeded)
        }
        bench.step(.reported(Fixture.task(2), host: Fixture.host(2), Fixture.report()), now: Fixture.overdue)
        #expect(bench.last?.disposition == (isExpired ? .notNeeded : .late))
        #expect(bench.outcome(2) == (isExpired ? .tooLate : nil))
        #expect(bench.work == (isExpired ? nil : .check(Fixture.task(2))))
        #expect(bench.paid.sorted() == [0, 1])
    }

    @Test func resultAfterThePurgeIsTooLate() {
        var bench = Bench(Fixture.rule(quorum: 1, initial: 2, maxTotal: 2))
        bench.send(0, 1)
        bench.report(0)
        bench.check(0)
        bench.step(.assembled)
        bench.aggregate.unit.state = .purged(canonical: Fixture.task(0))
        bench.report(1)
        #expect(bench.last?.disposition == .notNeeded)
        #expect(bench.outcome(1) == .tooLate)
        #expect(bench.counts(of: 1) == [.none])
        #expect(bench.paid == [0])
    }

    @Test func unitWithoutCreditPaysNothing() {
        let unit = Fixture.unit(Fixture.rule(quorum: 1, maxTotal: 1), checkEach: false, credit: .zero)
        var aggregate = WorkUnitMachine.create(unit)
        aggregate =
            WorkUnitMachine.step(
                aggregate, .assigned(Fixture.task(0), Fixture.assignment(0)), now: Fixture.timely
            ).aggregate
        let step = WorkUnitMachine.step(
            aggregate, .reported(Fixture.task(0), host: Fixture.host(0), Fixture.report()), now: Fixture.timely)
        #expect(step.aggregate.unit.state == .validated(canonical: Fixture.task(0)))
        #expect(
            step.actions == [
                .countVerdict(Fixture.task(0), Fixture.assignment(0), .valid, Fixture.report()), .unitEnded,
            ])
    }
}
