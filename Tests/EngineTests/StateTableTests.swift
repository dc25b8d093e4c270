import Domain
import Engine
import Foundation
import Testing

/// The tables of `docs/state-machines.md` say what the code does: they are compared with every step of a walk through
/// all states of small units.
struct StateTableTests {
    static let observed: Observations = {
        var observed = Observations()
        for (quorum, initial, maxErrors) in [(1, 2, 1), (2, 2, 1), (2, 3, 2)] {
            let rule = Fixture.rule(quorum: quorum, initial: initial, maxTotal: 3, maxErrors: maxErrors)
            for checkEach in [true, false] {
                _ = Explorer().walk(rule, checkEach: checkEach) { observed.add($0) }
            }
        }
        for acceptance in [AcceptanceRule.check, Fixture.adaptive] {
            for (initial, maxErrors) in [(1, 1), (2, 2)] {
                let rule = Fixture.rule(
                    quorum: 2, initial: initial, maxTotal: 3, maxErrors: maxErrors, acceptance: acceptance)
                for checkEach in [true, false] {
                    _ = Explorer().walk(rule, checkEach: checkEach) { observed.add($0) }
                }
            }
        }
        return observed
    }()

    @Test func documentHasTheTableOfUnits() throws {
        try expectTable("units", StateTableTests.observed.unitTable)
    }

    @Test func documentHasTheTableOfTasks() throws {
        try expectTable("tasks", StateTableTests.observed.taskTable)
    }

    private func expectTable(_ name: String, _ expected: [String]) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/state-machines.md")
        let lines = try String(contentsOf: file, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex(of: "<!-- table: \(name) -->"))
        let end = try #require(lines[start...].firstIndex(of: "<!-- end -->"))
        let written = lines[(start + 1)..<end].map(String.init)
        if ProcessInfo.processInfo.environment["MILLRACE_RECORD"] == "1" {
            let recorded = lines[...start].map(String.init) + expected + lines[end...].map(String.init)
            try recorded.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
            return
        }
        #expect(written == expected, "docs/state-machines.md should have\n\(expected.joined(separator: "\n"))")
    }
}

/// What was seen to follow from each event in each state.
struct Observations {
    private struct Key: Hashable {
        var event: String
        var from: String
        var group: String
    }

    private struct Outcome: Hashable {
        var next: String
        var answer: String
    }

    private var units: [Key: Set<String>] = [:]
    private var tasks: [Key: Set<Outcome>] = [:]

    private static let groups = ["open", "validated", "assembled", "purged", "failed, cancelled"]
    private static let unitStates = [
        "ready", "active", "comparing", "provisional", "validated", "assembled", "purged", "failed", "cancelled",
    ]

    mutating func add(_ edge: Explorer.Edge) {
        let event = StateName.of(edge.event, in: edge.before)
        let from = edge.before.unit.state
        let to = edge.step.aggregate.unit.state
        let next = StateName.of(to)
        units[Key(event: event, from: short(from), group: ""), default: []].insert(from == to ? "" : next)
        let named = StateName.task(of: edge.event)
        for (old, new) in zip(edge.before.tasks, edge.step.aggregate.tasks) where named == nil || named == old.id {
            let outcome = Outcome(
                next: old == new ? "–" : "→ " + StateName.verdict(new.state),
                answer: edge.step.disposition.map { StateName.of($0) } ?? "")
            tasks[Key(event: event, from: StateName.of(old.state), group: group(from)), default: []].insert(outcome)
        }
    }

    var unitTable: [String] {
        var lines = ["| event | " + Observations.unitStates.joined(separator: " | ") + " |"]
        lines.append(String(repeating: "| --- ", count: Observations.unitStates.count + 1) + "|")
        for event in StateName.events {
            let cells = Observations.unitStates.map { state in
                guard let seen = units[Key(event: event, from: state, group: "")] else { return "" }
                let next = seen.subtracting([""]).sorted().map { "→ " + $0 }
                return next.isEmpty ? "–" : next.joined(separator: "<br>")
            }
            lines.append("| \(event) | " + cells.joined(separator: " | ") + " |")
        }
        return lines
    }

    var taskTable: [String] {
        var lines = ["| event | task | " + Observations.groups.map { "unit " + $0 }.joined(separator: " | ") + " |"]
        lines.append(String(repeating: "| --- ", count: Observations.groups.count + 2) + "|")
        for event in StateName.events {
            for task in StateName.tasks {
                let cells = Observations.groups.map { group in
                    cell(tasks[Key(event: event, from: task, group: group)] ?? [])
                }
                if cells.contains(where: { !$0.isEmpty }) {
                    lines.append("| \(event) | \(task) | " + cells.joined(separator: " | ") + " |")
                }
            }
        }
        return lines
    }

    /// For example `→ pending (accepted, late)`.
    private func cell(_ outcomes: Set<Outcome>) -> String {
        Set(outcomes.map(\.next)).sorted().map { next in
            let answers = outcomes.filter { $0.next == next && !$0.answer.isEmpty }.map(\.answer).sorted()
            return answers.isEmpty ? next : "\(next) (\(answers.joined(separator: ", ")))"
        }.joined(separator: "<br>")
    }

    private func short(_ state: WorkUnitState) -> String {
        if case .failed = state { "failed" } else { StateName.of(state) }
    }

    private func group(_ state: WorkUnitState) -> String {
        switch state {
        case .ready, .active, .comparing, .provisional: "open"
        case .validated: "validated"
        case .assembled: "assembled"
        case .purged: "purged"
        case .failed, .cancelled: "failed, cancelled"
        }
    }
}
