import Domain
import YAMLText

/// Fills in defaults, applies the rules that tie keys together, and makes the `ProjectSpec`.
struct SpecBuilder {
    let top: SectionValues

    // MARK: - Values with their defaults

    /// The value of a key, or its fixed default; nil when it has none, or when it is wrong.
    private func value(_ path: String) -> KeyValue? {
        let parts = path.split(separator: ".").map(String.init)
        let section = parts.count == 2 ? top.sections[parts[0]] : top
        let leaf = parts[parts.count - 1]
        if let given = section?.values[leaf] { return given }
        if section?.broken.contains(leaf) ?? top.broken.contains(parts[0]) { return nil }
        guard let key = ManifestKeys.all.first(where: { $0.path == path }), case .standard(let text) = key.presence
        else { return nil }
        let node = YAMLNode(place: .start, value: .scalar(text, quoted: false))
        return try? ValueReader(apps: []).read(node, as: key.kind)
    }

    private func text(_ path: String) -> String? {
        if case .text(let text)? = value(path) { text } else { nil }
    }

    private func integer(_ path: String) -> Int64? {
        if case .integer(let value)? = value(path) { value } else { nil }
    }

    private func real(_ path: String) -> Double? {
        if case .real(let value)? = value(path) { value } else { nil }
    }

    private func isGiven(_ section: String, _ leaf: String) -> Bool {
        top.sections[section]?.places[leaf] != nil
    }

    private func isBroken(_ section: String, _ leaf: String) -> Bool {
        top.broken.contains(section) || top.sections[section]?.broken.contains(leaf) ?? false
    }

    private var quorum: Int64? { integer("replication.quorum") }
    private var rule: String? { text("validation.rule") }
    private var trustsSingle: Bool { rule == AcceptanceWords.check || rule == AcceptanceWords.adaptive }
    private var initial: Int64? {
        if isGiven("replication", "initial") { return integer("replication.initial") }
        return trustsSingle ? 1 : quorum
    }
    private var maxTotal: Int64? {
        isGiven("replication", "max_total") ? integer("replication.max_total") : initial.map { max(8, $0) }
    }

    private func place(_ section: String, _ leaves: [String]) -> Place {
        guard let values = top.sections[section] else { return top.place(of: section) }
        return leaves.lazy.compactMap { values.places[$0] }.first ?? values.place
    }

    // MARK: - Rules between keys

    func checkRules(_ app: AppSchema?, _ faults: inout FaultList) {
        checkReplication(&faults)
        checkAcceptance(app, &faults)
        if let output = integer("resources.output"), let disk = integer("resources.disk"), output > disk {
            faults.add(
                place("resources", ["output", "disk"]),
                "`resources.output` (\(output) bytes) is larger than `resources.disk` (\(disk) bytes)",
                expected: "an output that fits on the disk space of the task")
        }
        checkTolerances(app, &faults)
    }

    private func checkReplication(_ faults: inout FaultList) {
        if let quorum, let initial, initial < quorum, !trustsSingle {
            faults.add(
                place("replication", ["initial", "quorum"]),
                "`replication.initial` is \(initial), less than `replication.quorum`, \(quorum)",
                expected: "at least as many tasks as must agree")
        }
        if let maxTotal {
            if let initial, isGiven("replication", "initial"), maxTotal < initial {
                faults.add(
                    place("replication", ["max_total", "initial"]),
                    "`replication.max_total` is \(maxTotal), less than `replication.initial`, \(initial)",
                    expected: "at least `initial`")
            } else if let quorum, maxTotal < quorum {
                faults.add(
                    place("replication", ["max_total", "quorum"]),
                    "`replication.max_total` is \(maxTotal), less than `replication.quorum`, \(quorum)",
                    expected: "at least `quorum`")
            }
        }
        if quorum == 1, !trustsSingle, case .flag(false)? = value("validation.check_each") {
            faults.warn(
                place("replication", ["quorum"]),
                "`replication.quorum` is 1 and `validation.check_each` is false: any result is believed",
                expected: "a quorum of 2 or more, or check_each: true")
        }
    }

    private func checkAcceptance(_ app: AppSchema?, _ faults: inout FaultList) {
        if rule == AcceptanceWords.check, let app, !app.proves {
            faults.add(
                place("validation", ["rule"]),
                "`validation.rule` is check, and the check of the app \(app.name) cannot prove a result",
                expected: "quorum or adaptive")
        }
        if rule == AcceptanceWords.check, case .flag(false)? = value("validation.check_each") {
            faults.add(
                place("validation", ["check_each", "rule"]),
                "`validation.rule` is check, and `validation.check_each` is false", expected: "check_each: true")
        }
        if trustsSingle, quorum == 1 {
            faults.add(
                place("replication", ["quorum"]),
                "`replication.quorum` is 1: where a single result is not enough, one more must agree with it",
                expected: "a quorum of 2 or more")
        }
        for leaf in ["check_rate", "window"] where isGiven("validation", leaf) && !isBroken("validation", leaf) {
            guard let rule, rule != AcceptanceWords.adaptive else { continue }
            faults.warn(
                place("validation", [leaf]), "`validation.\(leaf)` has no effect with the rule \(rule)",
                expected: "rule: adaptive")
        }
    }

    private func acceptance() -> AcceptanceRule? {
        switch rule {
        case AcceptanceWords.quorum: return .quorum
        case AcceptanceWords.check: return .check
        case AcceptanceWords.adaptive:
            guard let rate = real("validation.check_rate"), let window = integer("validation.window") else {
                return nil
            }
            return .adaptive(AdaptiveRule(checkRate: rate, window: Int(window)))
        default: return nil
        }
    }

    private func checkTolerances(_ app: AppSchema?, _ faults: inout FaultList) {
        guard let app, app.numericClass == .exact else { return }
        for leaf in ["relative_tolerance", "absolute_tolerance"] where isGiven("validation", leaf) {
            guard !isBroken("validation", leaf) else { continue }
            faults.add(
                place("validation", [leaf]), "`validation.\(leaf)`: the app \(app.name) compares results exactly",
                expected: "no tolerance")
        }
    }

    // MARK: - The result

    /// - Returns: nil when a value is missing: then there is a fault, too.
    func spec(_ parameters: [Parameter], _ inputs: [InputFile]) -> ProjectSpec? {
        guard let name = text("name"), let title = text("title"), let description = text("description"),
            let area = text("science_area"), let licence = text("licence"), let app = text("app"),
            let steps = integer("split.steps_per_unit"), let replication = replication(),
            let resources = resources(), case .flag(let checkEach)? = value("validation.check_each"),
            let multiplier = real("credit.factor")
        else { return nil }
        return ProjectSpec(
            name: name, title: title, description: description, scienceArea: area, licence: licence, app: app,
            parameters: parameters, inputs: inputs, split: SplitRule(stepsPerUnit: Int(steps)),
            replication: replication, resources: resources,
            validation: ValidationRule(
                checkEach: checkEach, relativeTolerance: real("validation.relative_tolerance"),
                absoluteTolerance: real("validation.absolute_tolerance")),
            credit: CreditRule(factor: multiplier), spread: spread())
    }

    private func spread() -> SpreadRule {
        func isSet(_ leaf: String) -> Bool { value("replication.\(leaf)") == .flag(true) }
        return SpreadRule(
            networks: isSet("distinct_networks"), teams: isSet("distinct_teams"),
            sameHardware: isSet("same_hardware"))
    }

    private func replication() -> ReplicationRule? {
        guard let quorum, let initial, let maxTotal, let maxErrors = integer("replication.max_errors"),
            case .span(let deadline)? = value("replication.deadline"), let acceptance = acceptance()
        else { return nil }
        return ReplicationRule(
            quorum: Int(quorum), initial: Int(initial), maxTotal: Int(maxTotal), maxErrors: Int(maxErrors),
            deadline: deadline, acceptance: acceptance)
    }

    private func resources() -> ResourceRule? {
        guard let multiplier = real("resources.flops_bound_factor"), let memory = integer("resources.memory"),
            let disk = integer("resources.disk"), let output = integer("resources.output")
        else { return nil }
        return ResourceRule(
            flopsPerStep: real("resources.flops_per_step"), flopsBoundFactor: multiplier, memoryBytes: memory,
            diskBytes: disk, outputBytes: output)
    }
}
