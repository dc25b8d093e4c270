import Domain
import Manifest
import Testing

/// `validation.rule` and what belongs to it.
struct AcceptanceTests {
    private func rule(_ lines: String) -> ReplicationRule? { Fixtures.spec(Fixtures.manifest(lines))?.replication }

    @Test func theRuleIsReadWithItsDefaults() {
        #expect(rule("")?.acceptance == .quorum)
        #expect(rule("validation: {rule: quorum}")?.initial == 2)
        let adaptive = rule("validation: {rule: adaptive}")
        #expect(adaptive?.acceptance == .adaptive(AdaptiveRule(checkRate: 0.1, window: 200)))
        #expect(adaptive?.initial == 1, "a single result can be enough")
        #expect(adaptive?.quorum == 2)
        let given = rule("validation: {rule: adaptive, check_rate: 0.25, window: 40}\nreplication: {initial: 2}")
        #expect(given?.acceptance == .adaptive(AdaptiveRule(checkRate: 0.25, window: 40)))
        #expect(given?.initial == 2)
    }

    @Test func aCheckNeedsAnAppThatProves() {
        let text = Fixtures.manifest("validation: {rule: check}")
        #expect(Fixtures.faults(text).map(\.message).contains { $0.contains("cannot prove") })
        var apps = Fixtures.apps
        for at in apps.indices { apps[at].proves = true }
        guard case .success(let spec, let warnings) = ManifestParser.parse(text, file: "project.yaml", apps: apps)
        else {
            Issue.record("faults")
            return
        }
        #expect(spec.replication.acceptance == .check)
        #expect(spec.replication.initial == 1)
        #expect(warnings.isEmpty)
        let unchecked = Fixtures.manifest("validation: {rule: check, check_each: false}")
        guard case .faults(let faults) = ManifestParser.parse(unchecked, file: "project.yaml", apps: apps) else {
            Issue.record("no fault")
            return
        }
        #expect(faults.map(\.message).contains { $0.contains("check_each") })
    }

    @Test(arguments: ["check", "adaptive"]) func aQuorumOfOneIsAFault(rule: String) {
        let faults = Fixtures.faults(Fixtures.manifest("replication: {quorum: 1}\nvalidation: {rule: \(rule)}"))
        #expect(faults.contains { $0.message.contains("`replication.quorum` is 1") })
    }

    @Test func whatHasNoEffectIsAWarning() {
        let text = Fixtures.manifest("validation: {check_rate: 0.5, window: 3}")
        guard case .success(_, let warnings) = ManifestParser.parse(text, file: "project.yaml", apps: Fixtures.apps)
        else {
            Issue.record("faults")
            return
        }
        #expect(warnings.count == 2)
        #expect(warnings.allSatisfy { $0.message.contains("no effect with the rule quorum") })
    }

    @Test func aMisspeltRuleIsSuggested() {
        let faults = Fixtures.faults(Fixtures.manifest("validation: {rule: adaptve}"))
        #expect(faults.count == 1)
        #expect(faults.first?.suggestion == "adaptive")
        #expect(faults.first?.expected == "one of quorum, check or adaptive")
    }
}
