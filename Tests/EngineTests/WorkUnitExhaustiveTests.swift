import Domain
import Engine
import Testing

/// Every state and every event of small units.
struct WorkUnitExhaustiveTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var rule: ReplicationRule
        var checkEach: Bool

        var testDescription: String {
            "\(rule.acceptance), quorum \(rule.quorum), initial \(rule.initial), max total \(rule.maxTotal), "
                + "max errors \(rule.maxErrors), \(checkEach ? "checked" : "unchecked")"
        }
    }

    static let cases: [Case] = {
        var cases: [Case] = []
        for quorum in 1...2 {
            for maxTotal in quorum...3 {
                for initial in quorum...maxTotal {
                    for maxErrors in 1...2 {
                        for checkEach in [true, false] {
                            let rule = Fixture.rule(
                                quorum: quorum, initial: initial, maxTotal: maxTotal, maxErrors: maxErrors)
                            cases.append(Case(rule: rule, checkEach: checkEach))
                        }
                    }
                }
            }
        }
        for acceptance in [AcceptanceRule.check, Fixture.adaptive] {
            for maxTotal in 2...3 {
                for initial in 1...maxTotal {
                    for maxErrors in 1...2 {
                        for checkEach in [true, false] {
                            let rule = Fixture.rule(
                                quorum: 2, initial: initial, maxTotal: maxTotal, maxErrors: maxErrors,
                                acceptance: acceptance)
                            cases.append(Case(rule: rule, checkEach: checkEach))
                        }
                    }
                }
            }
        }
        return cases
    }()

    @Test(arguments: cases)
    func everyEventInEveryReachableStateKeepsTheLaws(_ example: Case) {
        var broken: [String] = []
        var edges = 0
        let states = Explorer().walk(example.rule, checkEach: example.checkEach) { edge in
            edges += 1
            if broken.count < 3, let violation = EdgeLaws.violation(edge) { broken.append(violation) }
        }
        #expect(broken.isEmpty, "\(broken.first ?? "")")
        #expect(edges > 10 * states.count)
        for state in states {
            if let violation = Liveness.violation(state) {
                Issue.record("\(violation) from \(state)")
                return
            }
        }
    }

    @Test func walkOfAnAdaptiveUnitReachesEveryKindOfEnd() {
        var ends: Set<String> = []
        let rule = Fixture.rule(quorum: 2, maxTotal: 3, maxErrors: 1, acceptance: Fixture.adaptive)
        for state in Explorer().walk(rule, checkEach: true, visit: { _ in }) {
            ends.insert(StateName.of(state.unit.state))
        }
        #expect(
            ends == [
                "ready", "active", "comparing", "provisional", "validated", "assembled", "purged",
                "failed (too many errors)", "failed (no agreement)", "cancelled",
            ])
    }

    @Test func walkReachesEveryKindOfEnd() {
        var ends: Set<String> = []
        let rule = Fixture.rule(quorum: 2, maxTotal: 3, maxErrors: 1)
        for state in Explorer().walk(rule, checkEach: true, visit: { _ in }) {
            ends.insert(StateName.of(state.unit.state))
        }
        #expect(
            ends == [
                "ready", "active", "comparing", "validated", "assembled", "purged", "failed (too many errors)",
                "failed (no agreement)", "cancelled",
            ])
    }
}

/// A unit ends whatever the world does, as long as it does something.
enum Liveness {
    static func violation(_ state: WorkUnitAggregate) -> String? {
        if state.unit.state.isFinal { return nil }
        let honest = drive(state, isHonest: true)
        guard honest.unit.state.isFinal else { return "does not end with honest hosts, but stays \(honest.unit.state)" }
        let silent = drive(state, isHonest: false)
        return silent.unit.state.isFinal ? nil : "does not end with silent hosts, but stays \(silent.unit.state)"
    }

    /// New volunteers take every task, and all agree; or nobody ever reports.
    private static func drive(_ start: WorkUnitAggregate, isHonest: Bool) -> WorkUnitAggregate {
        var state = start
        func step(_ event: WorkUnitEvent) {
            state = WorkUnitMachine.step(state, event, now: Fixture.overdue).aggregate
        }
        for round in 0..<40 where !state.unit.state.isFinal {
            switch WorkUnitMachine.validationWork(state) {
            case .check(let task): step(.checked(task, .plausible))
            case .compare(let tasks): step(.compared(Bench.comparisons(of: tasks) { _, _ in isHonest }))
            case nil:
                if let standing = state.unit.state.provisional {
                    step(isHonest ? .confirmed(standing, reason: "stands") : .recheck(standing))
                    continue
                }
                for task in state.tasks {
                    if task.state == .unsent {
                        step(.assigned(task.id, Fixture.assignment(1000 + 64 * round + task.id.ordinal)))
                    } else if let host = task.state.assignment?.host, case .sent = task.state {
                        step(isHonest ? .reported(task.id, host: host, Fixture.report()) : .deadlinePassed(task.id))
                    }
                }
            }
        }
        return state
    }
}
