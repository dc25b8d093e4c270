import Domain
import Engine
import Testing

/// What a record allows, and the promise of adaptive replication.
struct TrustTests {
    private let day: Int64 = 86_400
    private let host = Fixture.host(0)

    private func record(passing count: Int, at now: Timestamp) -> TrustRecord {
        (0..<count).reduce(TrustRecord(host: host, app: "test")) { record, _ in Trust.passed(record, now: now) }
    }

    private let rule = AdaptiveRule(checkRate: 0.1, window: 30)

    @Test func aHostIsProvenByAWindowOfCheckedResults() {
        let now = Timestamp(seconds: 1000)
        #expect(!Trust.isProven(nil, rule, now: now))
        #expect(!Trust.isProven(record(passing: 29, at: now), rule, now: now))
        #expect(Trust.isProven(record(passing: 30, at: now), rule, now: now))
        #expect(Trust.windowMax(record(passing: 3, at: now), now: now) == 3)
        #expect(record(passing: 12, at: now).passed == 12)
    }

    @Test func aFailureEndsIt() {
        let now = Timestamp(seconds: 1000)
        let failed = Trust.failed(record(passing: 1000, at: now), now: now)
        #expect(!Trust.isProven(failed, rule, now: now))
        #expect(Trust.windowMax(failed, now: now) == 0)
        #expect(failed.failed == 1)
        #expect(failed.passed == 1000)
        #expect(failed.lastFailedAt == now)
        let again = (0..<30).reduce(failed) { record, _ in Trust.passed(record, now: now) }
        #expect(Trust.isProven(again, rule, now: now))
    }

    @Test func evidenceHalvesInNinetyDays() {
        let start = Timestamp(seconds: 5)
        let record = record(passing: 16, at: start)
        for (days, expected) in [(0, 16.0), (90, 8), (180, 4), (45, 16 * 0.5.squareRoot()), (9000, 0)] {
            let later = start + TimeSpan(seconds: Double(Int64(days) * day))
            #expect(abs(Trust.evidence(record, now: later) - expected) < 1e-9)
        }
        #expect(Trust.evidence(record, now: Timestamp(seconds: 0)) == 16, "a clock set back makes nothing fresher")
        let short = AdaptiveRule(checkRate: 0.1, window: 12)
        #expect(Trust.isProven(record, short, now: start))
        #expect(!Trust.isProven(record, short, now: start + TimeSpan(seconds: Double(90 * day))), "too long away")
    }

    @Test func versionsShareTheRecord() {
        #expect(Trust.app("gamma-pulsar/3") == "gamma-pulsar")
        #expect(Trust.app("gamma-pulsar") == "gamma-pulsar")
    }

    // MARK: Draws

    @Test func drawsFallWithTheirRate() {
        #expect(!Trust.isDrawn(0, rate: 0))
        #expect(Trust.isDrawn(.max, rate: 1))
        #expect(Trust.isDrawn(0, rate: 1e-9))
        var random = TestGenerator(seed: 7)
        for rate in [0.01, 0.1, 0.5, 0.9] {
            let count = (0..<100_000).filter { _ in Trust.isDrawn(random.next(), rate: rate) }.count
            let expected = 100_000 * rate
            #expect(abs(Double(count) - expected) < 5 * (expected * (1 - rate)).squareRoot())
        }
    }

    static let rules = [0.01, 0.05, 0.1, 0.25, 1].flatMap { rate in
        [1, 10, 50, 200, 1000].map { AdaptiveRule(checkRate: rate, window: $0) }
    }

    /// Neither a constant share, nor bursts of any length that are begun again after each failure, beat the bound.
    @Test(arguments: rules) func noStrategyBeatsTheBound(rule: AdaptiveRule) {
        let bound = Trust.survivalBound(rule)
        let q = rule.checkRate
        let window = Double(rule.window)
        for step in 1...2000 {
            let share = Double(step) / 2000
            var survives = share * (1 - q)
            for _ in 0..<rule.window { survives *= 1 - q * share }
            #expect(survives <= bound * (1 + 1e-9))
        }
        guard q < 1 else { return }
        var best = 0.0
        for burst in 1...min(rule.window, 400) {
            var passes = 1.0
            for _ in 0..<burst { passes *= 1 - q }
            // Results forged until a burst gets through, a probation of a window for each that did not, and a window
            // until it is final.
            let forged = (1 / passes - 1) / q
            best = max(best, Double(burst) / (forged + window / passes))
        }
        #expect(best <= bound)
        if rule.window >= 200, q >= 0.05 { #expect(best >= 0.85 * bound, "the bound is near what can be reached") }
    }

    @Test func theBoundIsWhatTheDesignSays() {
        for (rate, allowance) in [(0.02, 0.02), (0.05, 0.04), (0.1, 0.08)] {
            let rule = AdaptiveRule(checkRate: rate, window: 200)
            let stated = (1 - rate) / (2.718281828 * rate * 200)
            #expect(abs(Trust.survivalBound(rule) / stated - 1) < allowance)
        }
        #expect(Trust.survivalBound(AdaptiveRule(checkRate: 1, window: 10)) == 0)
    }

    /// Whatever number k of his n last results a cheat forges, what survives the close is at most the promised share.
    @Test(arguments: rules) func theCloseKeepsThePromise(rule: AdaptiveRule) {
        for count in [1, 2, 3, 10, 50, 200, 1000] {
            let rate = Trust.closingRate(count, rule)
            #expect(rate >= rule.checkRate && rate <= 1)
            let both = rule.checkRate + (1 - rule.checkRate) * Trust.closingDraw(count, rule)
            #expect(abs(both - rate) < 1e-12)
            if count >= rule.window { #expect(rate == rule.checkRate, "a full window needs no more") }
            var survives = 1.0
            for forged in 1...count {
                survives *= 1 - rate
                #expect(Double(forged) * survives <= Trust.survivalBound(rule) * Double(count) + 1e-9)
            }
        }
    }

    // MARK: What a step means

    private func adaptive() -> Bench { Bench(Fixture.rule(quorum: 2, maxTotal: 4, acceptance: Fixture.adaptive)) }

    private func effects(_ bench: inout Bench, _ event: WorkUnitEvent) -> [TrustEffect] {
        let before = bench.aggregate
        bench.step(event)
        return Trust.effects(before, bench.aggregate)
    }

    @Test func aResultThatStandsAndIsConfirmed() {
        var bench = adaptive()
        bench.send(0)
        bench.report(0)
        let entered = effects(&bench, .checked(Fixture.task(0), .plausible, mayStand: true))
        #expect(entered == [.entered(Fixture.task(0), Fixture.assignment(0), .provisional)])
        #expect(bench.state == .provisional(Fixture.task(0)))
        #expect(bench.actions.isEmpty, "nothing is granted yet")
        let confirmed = effects(&bench, .confirmed(Fixture.task(0), reason: "stands"))
        #expect(confirmed == [.confirmed(Fixture.task(0), Fixture.assignment(0))])
        #expect(bench.state == .validated(canonical: Fixture.task(0)))
        #expect(bench.verdict(0)?.reason == "canonical: stands")
    }

    @Test func aResultThatStoodIsRefuted() {
        var bench = adaptive()
        bench.send(0)
        bench.report(0)
        bench.step(.checked(Fixture.task(0), .plausible, mayStand: true))
        #expect(
            effects(&bench, .recheck(Fixture.task(0))) == [.reopened(Fixture.task(0), Fixture.assignment(0))])
        #expect(bench.state == .active)
        bench.send(1)
        bench.report(1)
        let second = effects(&bench, .checked(Fixture.task(1), .plausible, mayStand: true))
        #expect(second == [.entered(Fixture.task(1), Fixture.assignment(1), .checking)], "two are compared")
        #expect(bench.state == .comparing)
        bench.compare(agreeing: [])
        bench.send(2)
        bench.report(2)
        bench.check(2)
        let before = bench.aggregate
        bench.compare(agreeing: [(1, 2)])
        #expect(
            Trust.effects(before, bench.aggregate) == [
                .failed(Fixture.task(0), Fixture.assignment(0)), .passed(Fixture.task(1), Fixture.assignment(1)),
                .passed(Fixture.task(2), Fixture.assignment(2)),
            ])
    }

    @Test func withoutStandingASecondResultIsAskedFor() {
        var bench = adaptive()
        #expect(bench.aggregate.tasks.count == 1)
        bench.send(0)
        bench.report(0)
        bench.check(0)
        #expect(bench.state == .active)
        #expect(bench.aggregate.tasks.count == 2)
    }

    @Test func aRefutedResultFailsWithoutAPlace() {
        var bench = adaptive()
        bench.send(0)
        bench.report(0)
        let refuted = effects(&bench, .checked(Fixture.task(0), .refuted(Fixture.difference, "false"), mayStand: true))
        #expect(refuted == [.failed(Fixture.task(0), Fixture.assignment(0))])
    }

    @Test(arguments: [AcceptanceRule.check, Fixture.adaptive]) func aProofIsEnough(acceptance: AcceptanceRule) {
        var bench = Bench(Fixture.rule(quorum: 2, maxTotal: 4, acceptance: acceptance))
        bench.send(0)
        bench.report(0)
        let proven = effects(&bench, .checked(Fixture.task(0), .proven))
        #expect(proven.contains(.passed(Fixture.task(0), Fixture.assignment(0))))
        #expect(bench.state == .validated(canonical: Fixture.task(0)))
        #expect(bench.verdict(0)?.reason == "canonical: proven by its check")
    }

    @Test func whatCannotBeProvenNeedsTheQuorum() {
        var bench = Bench(Fixture.rule(quorum: 2, maxTotal: 4, acceptance: .check))
        bench.send(0)
        bench.report(0)
        bench.check(0)
        #expect(bench.state == .active)
        bench.send(1)
        bench.report(1)
        bench.check(1)
        #expect(bench.state == .comparing)
    }

    @Test func aQuorumGivesEvidenceAndAQuorumOfOneNone() {
        var bench = Bench(Fixture.rule(quorum: 2, maxTotal: 4))
        bench.send(0, 1)
        bench.report(0, 1)
        bench.check(0, 1)
        let before = bench.aggregate
        bench.compare(agreeing: [(0, 1)])
        #expect(
            Trust.effects(before, bench.aggregate) == [
                .passed(Fixture.task(0), Fixture.assignment(0)), .passed(Fixture.task(1), Fixture.assignment(1)),
            ])
        var single = Bench(Fixture.rule(quorum: 1, maxTotal: 4))
        single.send(0)
        single.report(0)
        #expect(
            effects(&single, .checked(Fixture.task(0), .plausible)) == [
                .confirmed(Fixture.task(0), Fixture.assignment(0))
            ])
    }
}
