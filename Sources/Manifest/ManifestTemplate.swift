import Domain

/// The commented manifest that `millrace init` writes: every key with its default, unit and range, by the same table
/// that the parser uses.
public enum ManifestTemplate {
    /// - Parameter name: the project's name; it is not checked here.
    public static func text(name: String, app: AppSchema) -> String {
        var lines = [
            "# A project for Millrace. Check it with `millrace lint`, try one work unit with `millrace dry-run`,",
            "# send it with `millrace submit`. Keys that begin with `#` show their default.",
            "",
        ]
        var given: [String: String] = [
            "name": name, "title": quoted("\(app.title): \(name)"),
            "description": quoted("What is computed here, and what for: volunteers read this before they join."),
            "science_area": "unknown", "licence": "CC-BY-4.0", "app": app.name,
            "split.steps_per_unit": "1",
        ]
        if app.program != nil { given.merge(ProgramTemplate.given) { $1 } }
        for key in ManifestKeys.all {
            switch key.path {
            case let path where path.hasPrefix("program") && app.program == nil: break
            case "program.fuel" where app.program != .wasm: break
            case "program.results": lines += ProgramTemplate.results
            case "parameters" where app.program != nil: lines += ProgramTemplate.parameters
            case "inputs" where app.program != nil: lines += ProgramTemplate.inputs
            case "parameters": lines += [""] + parameters(app)
            case "inputs": lines += [""] + inputs(app)
            case let path where path.contains("[]"): break
            case "validation.check_rate", "validation.window":
                // They mean nothing for the rule that is written, and `lint` would say so of its own template.
                lines += entry(key, given).map { $0.hasPrefix("  #") ? $0 : "  # " + $0.dropFirst(2) }
            case "split.steps_per_unit":
                lines += entry(key, given) + ["  # A step of this app: \(app.step)."]
            case "validation.relative_tolerance", "validation.absolute_tolerance":
                if app.numericClass != .exact { lines += entry(key, given) }
            default: lines += entry(key, given)
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func entry(_ key: ManifestKey, _ given: [String: String]) -> [String] {
        let indent = key.section.isEmpty ? "" : "  "
        let leaf = key.leaf
        if key.kind == .section { return ["", "# \(key.description)", "\(leaf):"] }
        var comment = "\(indent)# \(key.description)"
        let facts = [key.kind.unit, key.kind.range].filter { !$0.isEmpty }
        if !facts.isEmpty { comment += " (\(facts.joined(separator: "; ")))" }
        if let value = given[key.path] { return [comment, "\(indent)\(leaf): \(value)"] }
        return switch key.presence {
        case .standard(let text): [comment, "\(indent)\(leaf): \(text)"]
        case .required: [comment, "\(indent)\(leaf):"]
        case .otherwise(let text): [comment, "\(indent)# \(leaf): \(text)"]
        }
    }

    private static func parameters(_ app: AppSchema) -> [String] {
        guard !app.parameters.isEmpty else { return [] }
        var lines = ["# Parameters of the app \(app.name).", "parameters:"]
        for parameter in app.parameters {
            let facts = [parameter.unit, parameter.rangeText, parameter.choices.joined(separator: ", ")]
            let known = facts.filter { !$0.isEmpty }.joined(separator: "; ")
            lines.append("  # \(parameter.description)\(known.isEmpty ? "" : " (\(known))")")
            if let value = parameter.defaultValue {
                lines.append("  \(parameter.name): \(value.manifestText)")
            } else {
                lines.append("  # Required: \(ParameterReader(schema: parameter).expected).")
                lines.append("  \(parameter.name):")
            }
        }
        return lines
    }

    private static func inputs(_ app: AppSchema) -> [String] {
        guard !app.inputs.isEmpty else { return [] }
        var lines = ["# The files that every work unit needs, relative to this folder.", "inputs:"]
        for input in app.inputs {
            lines.append("  # \(input.description)")
            if !input.columns.isEmpty { lines.append("  # Columns: \(input.columns.joined(separator: ", ")).") }
            lines.append("  - name: \(input.name)")
            lines.append("    file: \(inputPath(input))")
            lines.append("    packing: \(input.packing.rawValue)")
        }
        return lines
    }

    /// Where the template says that an input lies.
    public static func inputPath(_ input: InputSchema) -> String {
        "input/\(input.name)" + (input.packing == .table ? ".csv" : "")
    }

    /// A project's name made of any text, for example of a folder's name; nil when no letter or digit is left.
    public static func name(from text: String) -> String? {
        ValueReader.repairedName(text, Limits.projectNameBytesMax)
    }

    /// A double-quoted YAML scalar.
    public static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
