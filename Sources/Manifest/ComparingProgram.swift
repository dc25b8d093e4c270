import Domain
import YAMLText

/// The scientist's own comparing program: `validation.compare_program` and what belongs to it.
struct ComparingProgram {
    static let keys = [
        ManifestKey(
            "validation.compare_program", .path, .otherwise("none"),
            "Your own program that compares two results, in place of the app's own way; it runs in a sandbox on the "
                + "server: docs/comparators.md."),
        ManifestKey(
            "validation.compare_arguments", .lines(bytesMax: ProgramRule.argumentBytesMax), .otherwise("none"),
            "Arguments of that program, in front of the two folders."),
        ManifestKey(
            "validation.compare_time", .duration(ProgramRule.timeouts), .otherwise("20 s"),
            "Time after which one comparison by that program counts as failed."),
    ]

    var file: InputFile
    var rule: ProgramRule
    /// Where the path stands.
    var place: Place

    /// - Returns: nil when there is none, or none that is right.
    static func read(_ top: SectionValues, _ faults: inout FaultList) -> ComparingProgram? {
        guard let section = top.sections["validation"] else { return nil }
        let given = ["compare_arguments", "compare_time"].filter { section.places[$0] != nil }
        guard section.places["compare_program"] != nil else {
            for leaf in given {
                faults.add(
                    section.place(of: leaf), "`validation.\(leaf)` without `validation.compare_program`",
                    expected: "the program as well, or no such key")
            }
            return nil
        }
        let place = section.place(of: "compare_program")
        if section.places["compare"] != nil {
            faults.add(
                place, "`validation.compare_program` beside `validation.compare`", expected: "one of the two")
        }
        guard case .text(let path)? = section.values["compare_program"] else { return nil }
        var rule = ProgramRule(program: String(path.split(separator: "/").last ?? ""))
        if case .lines(let arguments)? = section.values["compare_arguments"] { rule.arguments = arguments }
        if case .span(let time)? = section.values["compare_time"] { rule.timeoutSeconds = time.seconds }
        do throws(Fault) { try rule.check() } catch {
            faults.add(place, "`validation.compare_program`: \(error.message)", expected: error.advice)
            return nil
        }
        let file = InputFile(name: InputFile.comparingProgram, path: path, packing: .plain)
        return ComparingProgram(file: file, rule: rule, place: place)
    }
}
