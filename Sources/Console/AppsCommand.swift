import Domain
import Manifest
import WorkerHost
import YAMLText

enum NearestWord {
    /// `; did you mean x?`, or nothing.
    static func text(_ word: String, in candidates: [String]) -> String {
        Nearest.word(to: word, in: candidates).map { "; did you mean \($0)?" } ?? ""
    }
}

/// `millrace apps [NAME]`.
public struct AppsCommand: Sendable {
    private let name: String?
    private let catalogue: AppCatalogue

    public init(name: String?, catalogue: AppCatalogue) {
        self.name = name
        self.catalogue = catalogue
    }

    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        if let name {
            let app = try catalogue.app(named: name)
            context.answer(Self.json(app), text: Self.text(app, width: context.tableWidth))
        } else {
            context.answer(
                .members([("apps", .list(catalogue.apps.map(Self.json)))]), text: list(width: context.tableWidth))
        }
        return 0
    }

    private func list(width: Int) -> String {
        var table = TextTable([.init("APP"), .init("VERSION", .right), .init("WHAT IT DOES", flexible: true)])
        for app in catalogue.apps { table.add([app.name, "\(app.version)", app.title]) }
        return table.text(width: width) + "\n`millrace apps NAME` shows parameters and inputs.\n"
    }

    static func text(_ app: AppSchema, width: Int) -> String {
        var text = "\(app.name) (version \(app.version)): \(Printable.clean(app.title))\n"
        text += "One step of split.steps_per_unit: \(Printable.clean(app.step)).\n"
        switch app.numericClass {
        case .exact: text += "Results are compared exactly.\n"
        case .tolerance(let relative, let absolute):
            text += "Results agree within \(relative) relative or \(absolute) absolute difference.\n"
        }
        text +=
            app.proves
            ? "Its check proves whole results: `validation.rule: check` is possible.\n"
            : "Its check cannot prove a whole result: a second one must agree, or its host must be trusted.\n"
        text += "\nParameters:\n"
        if app.parameters.isEmpty { text += "  none\n" }
        for parameter in app.parameters {
            let facts = [
                "\(parameter.kind.rawValue)\(parameter.unit.isEmpty ? "" : " in \(parameter.unit)")",
                parameter.rangeText, parameter.choices.joined(separator: " | "),
                parameter.defaultValue.map { "default \($0.manifestText)" } ?? "required",
            ].filter { !$0.isEmpty }
            text += "  \(parameter.name): " + facts.joined(separator: "; ") + "\n"
            text += "      \(Printable.clean(parameter.description))\n"
        }
        if app.program != nil { text += "  any others: for the program, in /input/parameters.json\n" }
        text += "\nInputs:\n"
        if app.inputs.isEmpty { text += app.program == nil ? "  none\n" : "  any that the manifest names\n" }
        for input in app.inputs {
            let columns = input.columns.isEmpty ? "" : " with the columns " + input.columns.joined(separator: ", ")
            text +=
                "  \(input.name): \(input.packing.rawValue)\(columns)\n      \(Printable.clean(input.description))\n"
        }
        if !app.results.isEmpty { text += "\nSections of a result (for validation.compare):\n" }
        for result in app.results {
            text += "  \(result.name): \(Printable.clean(result.kind))\n      \(Printable.clean(result.description))\n"
        }
        return text
    }

    static func json(_ app: AppSchema) -> JSONValue {
        var tolerance: JSONValue = .null
        if case .tolerance(let relative, let absolute) = app.numericClass {
            tolerance = .members([("relative", .real(relative)), ("absolute", .real(absolute))])
        }
        let parameters = app.parameters.map { parameter in
            JSONValue.members([
                ("name", .text(parameter.name)), ("type", .text(parameter.kind.rawValue)),
                ("unit", .optional(parameter.unit)), ("default", parameter.defaultValue.map(value) ?? .null),
                ("required", .flag(parameter.defaultValue == nil)),
                ("minimum", parameter.minimum.map { .real($0) } ?? .null),
                ("maximum", parameter.maximum.map { .real($0) } ?? .null),
                ("choices", .list(parameter.choices.map { .text($0) })), ("description", .text(parameter.description)),
            ])
        }
        let inputs = app.inputs.map { input in
            JSONValue.members([
                ("name", .text(input.name)), ("packing", .text(input.packing.rawValue)),
                ("columns", .list(input.columns.map { .text($0) })), ("description", .text(input.description)),
            ])
        }
        let results = app.results.map { result in
            JSONValue.members([
                ("name", .text(result.name)), ("type", .text(result.kind)), ("description", .text(result.description)),
            ])
        }
        return .members([
            ("name", .text(app.name)), ("version", .integer(Int64(app.version))), ("title", .text(app.title)),
            ("step", .text(app.step)), ("exact", .flag(app.numericClass == .exact)), ("tolerance", tolerance),
            ("proves", .flag(app.proves)), ("parameters", .list(parameters)), ("inputs", .list(inputs)),
            ("results", .list(results)),
        ])
    }

    private static func value(_ value: ParameterValue) -> JSONValue {
        switch value {
        case .integer(let value): .integer(value)
        case .real(let value): .real(value)
        case .text(let text): .text(text)
        case .reals(let values): .list(values.map { .real($0) })
        }
    }
}
