import Domain
import Manifest

/// `millrace lint [PATH]`.
public struct LintCommand: Sendable {
    private let path: String
    private let catalogue: AppCatalogue

    public init(path: String, catalogue: AppCatalogue) {
        self.path = path
        self.catalogue = catalogue
    }

    /// - Returns: 0 without faults, 1 with some.
    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        let folder = try ProjectFolder.open(path)
        let report = try Linter(folder: folder, catalogue: catalogue).report()
        context.answer(Self.json(report), text: Self.text(report, folder))
        return report.faults.isEmpty ? 0 : FaultKind.negative.rawValue
    }

    /// How many faults are shown: whoever has more mends these first.
    static let faultsShown = 100

    static func text(_ report: LintReport, _ folder: ProjectFolder) -> String {
        var text = report.faults.prefix(faultsShown).map { clean($0.text) + "\n" }.joined()
        let more = report.faults.count - faultsShown
        if more > 0 { text += "... and \(Amounts.count(UInt64(more), "more fault"))\n" }
        text += report.warnings.map { "\(warning($0))\n" }.joined()
        if let spec = report.spec {
            text += "\(Printable.clean(folder.manifestPath)): no fault in project \(spec.name)"
            text += report.warnings.isEmpty ? "\n" : ", \(Amounts.count(UInt64(report.warnings.count), "warning"))\n"
            text += "validation: \(AcceptanceText.promise(spec.replication, checkEach: spec.validation.checkEach))\n"
        } else {
            text += "\n\(Amounts.count(UInt64(report.faults.count), "fault"))\n"
        }
        return text
    }

    static func warning(_ fault: ManifestFault) -> String {
        var fault = fault
        fault.message = "warning: " + fault.message
        return clean(fault.text)
    }

    private static func clean(_ text: String) -> String {
        text.split(separator: "\n").map { Printable.clean(String($0)) }.joined(separator: "\n")
    }

    static func json(_ report: LintReport) -> JSONValue {
        .members([
            ("ok", .flag(report.faults.isEmpty)), ("project", report.spec.map { .text($0.name) } ?? .null),
            ("faults_total", .integer(Int64(report.faults.count))),
            ("faults", .list(report.faults.prefix(faultsShown).map(json))),
            ("warnings", .list(report.warnings.map(json))),
            ("validation", report.spec.map { AcceptanceText.json($0.replication) } ?? .null),
        ])
    }

    static func json(_ fault: ManifestFault) -> JSONValue {
        .members([
            ("file", .text(fault.file)), ("line", .integer(Int64(fault.line))),
            ("column", .integer(Int64(fault.column))), ("message", .text(fault.message)),
            ("expected", fault.expected.map { .text($0) } ?? .null),
            ("suggestion", fault.suggestion.map { .text($0) } ?? .null),
        ])
    }
}

/// A project that was looked at and found right.
struct CheckedProject {
    var folder: ProjectFolder
    var spec: ProjectSpec
    var app: AppSchema

    /// - Throws: `.badData` when there are faults; all of them have been shown by then.
    static func open(_ path: String, _ catalogue: AppCatalogue, _ context: CommandContext) throws(Fault)
        -> CheckedProject
    {
        let folder = try ProjectFolder.open(path)
        let report = try Linter(folder: folder, catalogue: catalogue).report()
        guard let spec = report.spec, let app = report.app else {
            context.remark(LintCommand.text(report, folder))
            let count = Amounts.count(UInt64(report.faults.count), "fault")
            let first = report.faults.first.map { ", the first at \($0.file):\($0.line):\($0.column): \($0.message)" }
            throw Fault(
                .badData, "the project has \(count)\(context.asJSON ? first ?? "" : "")",
                advice: "millrace lint \(Printable.clean(path)) shows them all.")
        }
        for warning in report.warnings { context.remark(LintCommand.warning(warning)) }
        return CheckedProject(folder: folder, spec: spec, app: app)
    }
}
