import Domain
import Engine
import Testing

/// Creation, assignment, reports, failures and deadlines: the rows of hosts and timers.
struct WorkUnitReportTests {
    @Test func newUnitHasItsInitialTasksUnsent() {
        let bench = Bench(Fixture.rule(quorum: 2, initial: 3, maxTotal: 5))
        #expect(bench.state == .ready)
        #expect(bench.aggregate.tasks == (0..<3).map { TaskRecord(id: Fixture.task($0), state: .unsent) })
        #expect(bench.work == nil)
    }

    @Test(arguments: [
        Fixture.rule(quorum: 0, maxTotal: 3), Fixture.rule(quorum: 3, initial: 2, maxTotal: 3),
        Fixture.rule(quorum: 3, maxTotal: 2), Fixture.rule(quorum: 1, initial: 4, maxTotal: 3),
        Fixture.rule(quorum: 1, maxTotal: 33), Fixture.rule(quorum: 1, maxTotal: 3, maxErrors: 0),
    ])
    func impossibleRuleGivesAnUnusableUnit(_ rule: ReplicationRule) {
        let bench = Bench(rule)
        guard case .failed(.unusable(let reason)) = bench.state else {
            Issue.record("the unit is \(bench.state)")
            return
        }
        #expect(reason.contains("expected"))
        #expect(bench.aggregate.tasks.isEmpty)
    }

    @Test func assignmentSendsATaskOnceAndNeverTwoToAVolunteer() {
        var bench = Bench(Fixture.rule(quorum: 2, maxTotal: 4))
        bench.send(0)
        #expect(bench.state == .active)
        #expect(bench.task(0) == .sent(Fixture.assignment(0)))
        let before = bench.aggregate
        bench.step(.assigned(Fixture.task(0), Fixture.assignment(5)))
        #expect(bench.aggregate == before)
        var secondHost = Fixture.assignment(0)
        secondHost.host = HostID(rawValue: 999)
        bench.step(.assigned(Fixture.task(1), secondHost))
        #expect(bench.aggregate == before)
        #expect(bench.actions.isEmpty)
    }

    @Test func volunteerWhoFailedGetsNoSecondTaskOfTheUnit() {
        var bench = Bench(Fixture.rule(quorum: 1, maxTotal: 4))
        bench.send(0)
        bench.step(.taskFailed(Fixture.task(0), host: Fixture.host(0), Fixture.error()))
        bench.step(.assigned(Fixture.task(1), Fixture.assignment(0)))
        #expect(bench.task(1) == .unsent)
    }

    @Test func reportIsAcceptedOnceAndTheFirstCounts() {
        var bench = Bench(Fixture.rule(quorum: 2, maxTotal: 4))
        bench.send(0)
        bench.report(0)
        #expect(bench.last?.disposition == .accepted)
        #expect(bench.work == .check(Fixture.task(0)))
        let before = bench.aggregate
        for byte in [UInt8(1), 2] {
            let step = bench.step(.reported(Fixture.task(0), host: Fixture.host(0), Fixture.report(byte)))
            #expect(step.disposition == .duplicate)
            #expect(step.aggregate == before)
            #expect(step.actions.isEmpty)
        }
        let failure = bench.step(.taskFailed(Fixture.task(0), host: Fixture.host(0), Fixture.error()))
        #expect(failure.disposition == .duplicate)
        #expect(failure.aggregate == before)
    }

    @Test func uncheckedUnitTakesResultsAsPlausible() {
        var bench = Bench(Fixture.rule(quorum: 2, maxTotal: 4), checkEach: false)
        bench.send(0, 1)
        bench.report(0)
        #expect(bench.task(0) == .reported(Fixture.assignment(0), Fixture.report(), check: .plausible))
        #expect(bench.work == nil)
        bench.report(1)
        #expect(bench.work == .compare([Fixture.task(0), Fixture.task(1)]))
    }

    @Test func strangersAndUnknownTasksAreNotNeeded() {
        var bench = Bench(Fixture.rule(quorum: 1, maxTotal: 4))
        bench.send(0)
        let before = bench.aggregate
        let elsewhere = TaskID(unit: WorkUnitID(batch: BatchID(rawValue: 9), index: 0), ordinal: 0)
        for (task, host) in [(Fixture.task(0), 1), (Fixture.task(1), 0), (Fixture.task(9), 0), (elsewhere, 0)] {
            let report = bench.step(.reported(task, host: Fixture.host(host), Fixture.report()))
            #expect(report.disposition == .notNeeded)
            let failure = bench.step(.taskFailed(task, host: Fixture.host(host), Fixture.error()))
            #expect(failure.disposition == .notNeeded)
        }
        #expect(bench.aggregate == before)
    }

    @Test func expiredTaskIsReplacedAndItsLateResultStillCounts() {
        var bench = Bench(Fixture.rule(quorum: 2, maxTotal: 3))
        bench.send(0, 1)
        bench.step(.deadlinePassed(Fixture.task(0)), now: Fixture.timely)
        #expect(bench.task(0) == .sent(Fixture.assignment(0)))
        bench.step(.deadlinePassed(Fixture.task(0)), now: Fixture.overdue)
        #expect(bench.task(0) == .expired(Fixture.assignment(0)))
        #expect(bench.counts(of: 0) == [.error])
        #expect(bench.task(2) == .unsent)
        let late = bench.step(
            .reported(Fixture.task(0), host: Fixture.host(0), Fixture.report()), now: Fixture.overdue)
        #expect(late.disposition == .late)
        bench.report(1)
        bench.check(0, 1)
        bench.compare(agreeing: [(0, 1)])
        #expect(bench.state == .validated(canonical: Fixture.task(0)))
        #expect(bench.task(2) == .notNeeded)
        #expect(bench.paid.sorted() == [0, 1])
    }

    @Test func failedTasksAreReplacedUntilThereAreTooMany() {
        var bench = Bench(Fixture.rule(quorum: 1, maxTotal: 10, maxErrors: 3))
        for ordinal in 0..<3 {
            #expect(!bench.state.isFinal)
            bench.send(ordinal)
            bench.step(.taskFailed(Fixture.task(ordinal), host: Fixture.host(ordinal), Fixture.error()))
            #expect(bench.last?.disposition == .accepted)
            #expect(bench.counts(of: ordinal) == [.error])
        }
        #expect(bench.state == .failed(.tooManyErrors))
        #expect(bench.actions.filter { $0 == .unitEnded }.count == 1)
    }

    @Test func tasksGivenBackAreNoErrorsButAreBounded() {
        var bench = Bench(Fixture.rule(quorum: 1, maxTotal: 4, maxErrors: 1))
        for ordinal in 0..<4 {
            #expect(!bench.state.isFinal)
            bench.send(ordinal)
            bench.step(.taskFailed(Fixture.task(ordinal), host: Fixture.host(ordinal), Fixture.error(.givenBack)))
            #expect(bench.counts(of: ordinal) == [.none])
        }
        #expect(bench.state == .failed(.noAgreement))
    }

    @Test func unitWithoutReportsEndsWhenItsTasksAreUsedUp() {
        var bench = Bench(Fixture.rule(quorum: 1, maxTotal: 3, maxErrors: 1))
        for ordinal in 0..<3 {
            bench.send(ordinal)
            bench.step(.deadlinePassed(Fixture.task(ordinal)), now: Fixture.overdue)
        }
        #expect(bench.state == .failed(.noAgreement))
        bench.report(1)
        #expect(bench.last?.disposition == .notNeeded)
    }

    @Test func unitEndsAsSoonAsAQuorumIsOutOfReach() {
        var bench = Bench(Fixture.rule(quorum: 2, maxTotal: 2, maxErrors: 5))
        bench.send(0, 1)
        bench.step(.taskFailed(Fixture.task(0), host: Fixture.host(0), Fixture.error()))
        #expect(bench.state == .failed(.noAgreement))
        #expect(bench.task(1) == .aborted(Fixture.assignment(1)))
        #expect(WorkUnitMachine.need(for: Fixture.task(1), at: Fixture.host(1), in: bench.aggregate) == .notNeeded)
    }

    @Test func cancelledUnitAbortsWhatIsOutAndJudgesNothing() {
        var bench = Bench(Fixture.rule(quorum: 2, initial: 3, maxTotal: 5))
        bench.send(0, 1)
        bench.report(0)
        bench.step(.cancelled)
        #expect(bench.state == .cancelled)
        #expect(bench.outcome(0) == .inconclusive)
        #expect(bench.task(1) == .aborted(Fixture.assignment(1)))
        #expect(bench.task(2) == .notNeeded)
        bench.report(1)
        #expect(bench.last?.disposition == .notNeeded)
        #expect(bench.paid.isEmpty)
    }

    @Test func hostWithoutTheAppSaysNothingAboutTheUnit() {
        var bench = Bench(Fixture.rule(quorum: 1, maxTotal: 8, maxErrors: 1))
        for ordinal in 0..<5 {
            bench.send(ordinal)
            bench.step(
                .taskFailed(Fixture.task(ordinal), host: Fixture.host(ordinal), Fixture.error(.unknownApp)))
            #expect(bench.state == .active)
        }
        bench.send(5)
        bench.step(.taskFailed(Fixture.task(5), host: Fixture.host(5), Fixture.error()))
        #expect(bench.state == .failed(.tooManyErrors))
    }

    // MARK: Nobody else comes

    @Test func unitToWhichNobodyElseComesEndsAndSaysSo() {
        var bench = Bench(Fixture.rule(quorum: 2, maxTotal: 3))
        bench.send(0)
        bench.report(0)
        bench.check(0)
        bench.step(.waitedInVain, now: Fixture.timely + WorkUnitMachine.waitMin)
        #expect(bench.state == .active)
        bench.step(
            .waitedInVain, now: Fixture.timely + WorkUnitMachine.waitMin + TimeSpan(milliseconds: 1))
        #expect(bench.state == .failed(.noAgreement))
        #expect(bench.task(1) == .notNeeded)
        #expect(bench.verdict(0)?.outcome == .inconclusive)
        #expect(bench.verdict(0)?.reason == "no further volunteer came for this work unit in 30.0 days")
    }

    @Test func unitWaitsForItsTurnForWhatIsOutAndForItsValidator() {
        var ready = Bench(Fixture.rule(quorum: 2, maxTotal: 3))
        ready.step(.waitedInVain, now: Fixture.abandoned)
        #expect(ready.state == .ready)
        var out = Bench(Fixture.rule(quorum: 2, maxTotal: 3))
        out.send(0)
        out.step(.waitedInVain, now: Fixture.abandoned)
        #expect(out.state == .active)
        out.report(0)
        out.step(.waitedInVain, now: Fixture.abandoned)
        #expect(out.state == .active)
    }

    @Test func longDeadlineMeansALongWait() {
        var rule = Fixture.rule(quorum: 2, maxTotal: 3)
        #expect(WorkUnitMachine.waitMax(rule) == TimeSpan(seconds: 30 * 86_400))
        rule.deadline = TimeSpan(seconds: 10 * 86_400)
        #expect(WorkUnitMachine.waitMax(rule) == TimeSpan(seconds: 100 * 86_400))
    }

    @Test func longMessagesAreCutAtACharacter() {
        var bench = Bench(Fixture.rule(quorum: 1, maxTotal: 2))
        bench.send(0)
        var error = Fixture.error()
        error.message = String(repeating: "é", count: 4000)
        bench.step(.taskFailed(Fixture.task(0), host: Fixture.host(0), error))
        guard case .failed(_, let kept) = bench.task(0) else {
            Issue.record("the task is \(bench.task(0))")
            return
        }
        #expect(kept.message.utf8.count == 4096)
        #expect(kept.message.allSatisfy { $0 == "é" })
    }

    @Test func clockThatGoesBackLeavesTheTimeOfTheLastChange() {
        var bench = Bench(Fixture.rule(quorum: 2, maxTotal: 3))
        bench.step(.assigned(Fixture.task(0), Fixture.assignment(0)), now: Fixture.overdue)
        bench.step(.assigned(Fixture.task(1), Fixture.assignment(1)), now: Fixture.timely)
        #expect(bench.aggregate.unit.updatedAt == Fixture.overdue)
        #expect(bench.aggregate.unit.revision == 0)
    }
}
