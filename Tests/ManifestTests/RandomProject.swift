import Domain
import Manifest

/// Right projects at random, and their YAML in one of many spellings.
enum RandomProject {
    static func make(_ random: inout Draw) -> ProjectSpec {
        let quorum = Int.random(in: 1...16, using: &random)
        let initial = Int.random(in: quorum...32, using: &random)
        let disk = Int64.random(in: 1 << 20...1 << 40, using: &random)
        return ProjectSpec(
            name: word("abcxyz0189", 1...64, &random), title: words(1...60, &random),
            description: (0...Int.random(in: 0...3, using: &random)).map { _ in words(1...80, &random) }
                .joined(separator: "\n"),
            scienceArea: words(1...20, &random),
            licence: ["MIT", "CC0-1.0", "ODbL-1.0"].randomElement(using: &random)!,
            app: "line-search", parameters: parameters(&random),
            inputs: [
                InputFile(name: "photons", path: "in/\(word("abc.-_", 1...20, &random))x.csv", packing: .table),
                InputFile(name: "mask", path: "mask", packing: .plain),
            ].shuffled(using: &random),
            split: SplitRule(stepsPerUnit: Int.random(in: 1...1_000_000_000, using: &random)),
            replication: ReplicationRule(
                quorum: quorum, initial: initial, maxTotal: Int.random(in: initial...32, using: &random),
                maxErrors: Int.random(in: 1...32, using: &random),
                deadline: TimeSpan(milliseconds: Int64.random(in: 1000...31_622_400_000, using: &random))),
            resources: ResourceRule(
                flopsPerStep: Bool.random(using: &random) ? nil : Double.random(in: 1...1e21, using: &random),
                flopsBoundFactor: Double.random(in: 1...1000, using: &random),
                memoryBytes: Int64.random(in: 1 << 20...1 << 40, using: &random), diskBytes: disk,
                outputBytes: Int64.random(in: 1...min(disk, Int64(Limits.resultBytesMax)), using: &random)),
            validation: ValidationRule(
                checkEach: Bool.random(using: &random),
                relativeTolerance: Bool.random(using: &random) ? nil : Double.random(in: 0...1, using: &random),
                absoluteTolerance: Bool.random(using: &random) ? nil : Double.random(in: 0...1e300, using: &random)),
            credit: CreditRule(factor: Double.random(in: 0...10, using: &random)))
    }

    private static func parameters(_ random: inout Draw) -> [Parameter] {
        var all = [Parameter(name: "frequency_max", value: .real(Double.random(in: 0...4096, using: &random)))]
        if Bool.random(using: &random) { all.append(Parameter(name: "harmonics", value: .integer(7))) }
        if Bool.random(using: &random) { all.append(Parameter(name: "window", value: .text("hamming"))) }
        if Bool.random(using: &random) {
            let ratios = (0..<Int.random(in: 1...40, using: &random)).map { _ in
                Double.random(in: -1...1, using: &random)
            }
            all.append(Parameter(name: "ratios", value: .reals(ratios)))
        }
        return all.shuffled(using: &random)
    }

    private static func word(_ letters: String, _ length: ClosedRange<Int>, _ random: inout Draw) -> String {
        let letters = Array(letters)
        return String((0..<Int.random(in: length, using: &random)).map { _ in letters.randomElement(using: &random)! })
    }

    /// Text that needs care in YAML, with a letter at both ends so that nothing is trimmed.
    private static func words(_ length: ClosedRange<Int>, _ random: inout Draw) -> String {
        "e" + word(": #*&!'\"\\[]{}|>%@`,é漢🜁-?~x", length, &random) + "e"
    }

    static func yaml(_ spec: ProjectSpec, _ random: inout Draw) -> String {
        var sections = [
            "name: \(spec.name)", "title: \(quote(spec.title, &random))",
            "description: " + describe(spec.description, &random), "science_area: \(quote(spec.scienceArea, &random))",
            "licence: \(spec.licence)", "app: \(spec.app)", "split: {steps_per_unit: \(spec.split.stepsPerUnit)}",
            "parameters:\n"
                + spec.parameters.map { "    \($0.name): \($0.value.manifestText)" }.joined(separator: "\n"),
            "inputs:\n"
                + spec.inputs.map { "- name: \($0.name)\n  file: \(quote($0.path, &random))" }.joined(separator: "\n"),
            """
            replication:
              quorum: \(spec.replication.quorum)
              initial: \(spec.replication.initial)
              max_total: \(spec.replication.maxTotal)   # a comment
              max_errors: \(spec.replication.maxErrors)
              deadline: \(spec.replication.deadline.seconds) s
            """,
            """
            resources:
              memory: \(spec.resources.memoryBytes)
              disk: \(spec.resources.diskBytes) B
              output: \(spec.resources.outputBytes)
              flops_bound_factor: \(spec.resources.flopsBoundFactor)
            """ + (spec.resources.flopsPerStep.map { "\n  flops_per_step: \($0)" } ?? ""),
            "validation:\n  check_each: \(spec.validation.checkEach)"
                + (spec.validation.relativeTolerance.map { "\n  relative_tolerance: \($0)" } ?? "")
                + (spec.validation.absoluteTolerance.map { "\n  absolute_tolerance: \($0)" } ?? ""),
            "credit:\n  factor: \(spec.credit.factor)",
        ]
        sections.shuffle(using: &random)
        let lineEnd = Bool.random(using: &random) ? "\n" : "\r\n"
        return sections.joined(separator: "\n\n").split(separator: "\n", omittingEmptySubsequences: false)
            .joined(separator: lineEnd)
    }

    private static func quote(_ text: String, _ random: inout Draw) -> String {
        Bool.random(using: &random)
            ? ManifestTemplate.quoted(text) : "'" + text.replacing("'", with: "''") + "'"
    }

    private static func describe(_ text: String, _ random: inout Draw) -> String {
        if Bool.random(using: &random) { return ManifestTemplate.quoted(text) }
        return "|\n" + text.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
    }
}
