import Domain
import Plugins

/// Looks whether a result has the declared files; what is in them only another result, or the scientist's own rule, can
/// say.
struct ProgramValidator: ResultValidator {
    func check(_ result: Payload, unit: Payload, context: AppContext, challenge: UInt64) -> CheckVerdict {
        malformation(of: result, unit: unit, context: context).map { .malformed($0) } ?? .plausible
    }

    func malformation(of result: Payload, unit: Payload, context: AppContext) -> String? {
        guard let program = context.program else { return "the project names no program" }
        for section in result.sections {
            guard let declared = program.results.first(where: { $0.file == section.name }) else {
                let names = program.results.map(\.file).joined(separator: ", ")
                let found = PrintableText.clean(section.name)
                return "the file \(found) is none of those that the manifest declares: \(names)"
            }
            guard section.kind == .bytes else { return "the file \(section.name) has not the kind bytes" }
            if declared.joining == .csv, section.bytes.isEmpty {
                return "the table \(section.name) is empty; a header line is expected"
            }
        }
        let missing = program.results.first { !$0.isOptional && result[$0.file] == nil }
        return missing.map { "the file \($0.file) is missing" }
    }

    /// Byte by byte, every file.
    func compare(_ a: Payload, _ b: Payload, unit: Payload, context: AppContext) -> Agreement {
        for name in Set((a.sections + b.sections).map(\.name)).sorted() {
            guard let first = a[name], let second = b[name] else {
                return .different(
                    Difference(element: "\(name), which only one result has", distance: .infinity, tolerance: 0))
            }
            guard first != second else { continue }
            let shorter = min(first.bytes.count, second.bytes.count)
            let at = (0..<shorter).first { first.bytes[$0] != second.bytes[$0] } ?? shorter
            let line = first.bytes[..<at].count { $0 == UInt8(ascii: "\n") } + 1
            let count =
                (0..<shorter).count { first.bytes[$0] != second.bytes[$0] }
                + max(first.bytes.count, second.bytes.count) - shorter
            return .different(
                Difference(element: "\(name), byte \(at), line \(line)", distance: Double(count), tolerance: 0))
        }
        return .same
    }
}
