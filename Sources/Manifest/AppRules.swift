import Domain
import YAMLText

/// Checks parameters and inputs against what the app says of itself.
struct AppRules {
    let app: AppSchema
    let parametersPlace: Place
    let inputsPlace: Place

    /// - Returns: the parameters that are right, in the order of the text, and the names of those that are wrong, or
    ///   required and missing.
    func parameters(
        _ entries: [YAMLEntry], _ faults: inout FaultList
    ) -> (right: [Parameter], broken: Set<String>) {
        var parameters: [Parameter] = []
        var seen: Set<String> = []
        for entry in entries.prefix(Limits.parametersMax) {
            let names = app.parameters.map(\.name)
            var wanted = entry.key
            if !names.contains(wanted), takes(wanted, among: entries) {
                if seen.insert(wanted).inserted, let parameter = freeParameter(entry, &faults) {
                    parameters.append(parameter)
                }
                continue
            }
            if !names.contains(wanted) {
                let nearest = Nearest.word(to: entry.key, in: names)
                let list = names.isEmpty ? "no parameters" : "one of " + names.joined(separator: ", ")
                faults.add(
                    entry.keyPlace, "the app \(app.name) has no parameter `\(YAMLNode.short(entry.key))`",
                    expected: list, suggestion: nearest)
                guard let nearest, !entries.contains(where: { $0.key == nearest }) else { continue }
                wanted = nearest
            }
            guard let schema = app.parameters.first(where: { $0.name == wanted }) else { continue }
            guard seen.insert(wanted).inserted else { continue }
            if schema.kind == .reals, case .sequence(let nodes) = entry.value.value,
                addElementFaults(of: nodes, schema, &faults)
            {
                continue
            }
            do throws(ValueFault) {
                parameters.append(Parameter(name: wanted, value: try ParameterReader(schema: schema).read(entry.value)))
            } catch {
                let place = entry.value.isEmpty ? entry.keyPlace : entry.value.place
                faults.add(
                    place, "`parameters.\(wanted)`: \(error.message)", expected: error.expected,
                    suggestion: error.suggestion)
            }
        }
        if entries.count > Limits.parametersMax {
            faults.add(parametersPlace, "\(entries.count) parameters", expected: "at most \(Limits.parametersMax)")
        }
        for schema in app.parameters where schema.defaultValue == nil && !seen.contains(schema.name) {
            faults.add(
                parametersPlace, "the required parameter `parameters.\(schema.name)` is missing",
                expected: ParameterReader(schema: schema).expected)
        }
        let required = app.parameters.filter { $0.defaultValue == nil }.map(\.name)
        return (parameters, seen.union(required).subtracting(parameters.map(\.name)))
    }

    /// How many wrong elements of one list are reported.
    private static let elementFaultsMax = 20

    /// - Returns: whether there was a wrong element; each is a fault at its own place.
    private func addElementFaults(of nodes: [YAMLNode], _ schema: ParameterSchema, _ faults: inout FaultList) -> Bool {
        let reader = ParameterReader(schema: schema)
        var count = 0
        for node in nodes where count < Self.elementFaultsMax {
            do throws(ValueFault) { _ = try reader.number(node) } catch {
                count += 1
                faults.add(
                    node.place, "`parameters.\(schema.name)`: \(error.message)", expected: error.expected,
                    suggestion: error.suggestion)
            }
        }
        return count > 0
    }

    /// - Returns: the inputs that are right, each with the place of its file name.
    func inputs(_ sections: [SectionValues], _ faults: inout FaultList) -> [(file: InputFile, place: Place)] {
        if app.program != nil { return freeInputs(sections, &faults) }
        var inputs: [(file: InputFile, place: Place)] = []
        var seen: Set<String> = []
        for section in sections {
            guard case .text(let name)? = section.values["name"] else { continue }
            guard let schema = app.inputs.first(where: { $0.name == name }) else {
                let names = app.inputs.map(\.name)
                let nearest = Nearest.word(to: name, in: names)
                faults.add(
                    section.place(of: "name"), "the app \(app.name) has no input `\(name)`",
                    expected: names.isEmpty ? "no inputs" : "one of " + names.joined(separator: ", "),
                    suggestion: nearest)
                if let nearest, !sections.contains(where: { $0.values["name"] == .text(nearest) }) {
                    seen.insert(nearest)
                }
                continue
            }
            guard seen.insert(name).inserted else {
                faults.add(section.place(of: "name"), "the input `\(name)` is given twice", expected: "each input once")
                continue
            }
            var packing = schema.packing
            if case .packing(let given)? = section.values["packing"], given != packing {
                // The same bytes, on another way.
                let isFitting = given == .raw && packing == .plain
                if !isFitting {
                    faults.add(
                        section.place(of: "packing"), "the app \(app.name) reads `\(name)` as \(packing.rawValue)",
                        expected: packing == .plain ? "plain or raw" : packing.rawValue)
                }
                packing = given
            }
            guard case .text(let path)? = section.values["file"] else { continue }
            inputs.append((InputFile(name: name, path: path, packing: packing), section.place(of: "file")))
        }
        let unnamed = sections.contains { $0.broken.contains("name") || $0.values["name"] == nil }
        for schema in app.inputs where !seen.contains(schema.name) && !unnamed {
            let columns = schema.columns.isEmpty ? "" : " with the columns " + schema.columns.joined(separator: ", ")
            faults.add(
                inputsPlace, "the input `\(schema.name)` is missing; the app \(app.name) needs it",
                expected: "an element of `inputs` with `name: \(schema.name)` and a file\(columns)")
        }
        return inputs
    }
}

/// Reads one parameter by its schema.
struct ParameterReader {
    let schema: ParameterSchema

    func read(_ node: YAMLNode) throws(ValueFault) -> ParameterValue {
        switch (schema.kind, node.value) {
        case (.reals, .sequence(let nodes)):
            var values: [Double] = []
            for node in nodes { values.append(try number(node)) }
            guard !values.isEmpty else { throw ValueFault(message: "an empty list stands here", expected: expected) }
            return .reals(values)
        case (.integer, .scalar(let text, let quoted)) where !node.isEmpty:
            if quoted { throw inQuotes(node) }
            guard let value = Quantities.integer(text) else {
                throw ValueFault(message: "\(node.found) is no whole number", expected: expected)
            }
            try check(Double(value), node)
            return .integer(value)
        case (.real, .scalar): return .real(try number(node))
        case (.text, .scalar(let text, _)) where !node.isEmpty:
            guard text.utf8.count <= Limits.messageBytesMax else {
                throw ValueFault(message: "the text is too long", expected: "at most \(Limits.messageBytesMax) bytes")
            }
            guard schema.choices.isEmpty || schema.choices.contains(text) else {
                throw ValueFault(
                    message: "\(node.found) is none of the valid words", expected: expected,
                    suggestion: Nearest.word(to: text, in: schema.choices))
            }
            return .text(text)
        default: throw ValueFault(message: "\(node.found) stands here", expected: expected)
        }
    }

    func number(_ node: YAMLNode) throws(ValueFault) -> Double {
        if case .scalar(_, quoted: true) = node.value { throw inQuotes(node) }
        guard case .scalar(let text, quoted: false) = node.value, let value = Quantities.real(text) else {
            if case .scalar(let text, _) = node.value, Quantities.isTooLarge(text) { throw outOfRange(node) }
            throw ValueFault(message: "\(node.found) is no number", expected: expected)
        }
        try check(value, node)
        return value
    }

    private func check(_ value: Double, _ node: YAMLNode) throws(ValueFault) {
        guard value >= schema.minimum ?? -.infinity, value <= schema.maximum ?? .infinity else {
            throw outOfRange(node)
        }
    }

    private func outOfRange(_ node: YAMLNode) -> ValueFault {
        ValueFault(message: "\(node.found) is out of range", expected: expected)
    }

    private func inQuotes(_ node: YAMLNode) -> ValueFault {
        ValueFault(message: "\(node.found) is text in quotes", expected: expected + ", without quotes")
    }

    /// What would be right, for people.
    var expected: String {
        let kind =
            switch schema.kind {
            case .integer: "a whole number"
            case .real: "a number"
            case .text: schema.choices.isEmpty ? "a text" : "one of " + schema.choices.joined(separator: ", ")
            case .reals: "a list of numbers such as [1, 2.5]"
            }
        let unit = schema.unit.isEmpty ? "" : " in \(schema.unit)"
        let range = schema.rangeText
        return kind + unit + (range.isEmpty ? "" : ", " + range)
    }
}

extension ParameterSchema {
    /// For example `0 to 256`, `at least 1`, or nothing.
    public var rangeText: String {
        func short(_ value: Double) -> String {
            value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
        }
        return switch (minimum, maximum) {
        case (let low?, let high?): "\(short(low)) to \(short(high))"
        case (let low?, nil): "at least \(short(low))"
        case (nil, let high?): "at most \(short(high))"
        case (nil, nil): ""
        }
    }
}

extension ProjectSpec {
    /// Every parameter of the app in the schema's order: the manifest's value, else the app's default.
    ///
    /// The manifest was checked against the same schema, so that none is missing.
    public func resolvedParameters(_ schema: AppSchema) -> [Parameter] {
        schema.parameters.compactMap { wanted in
            let given = parameters.first { $0.name == wanted.name }?.value
            return (given ?? wanted.defaultValue).map { Parameter(name: wanted.name, value: $0) }
        }
    }
}
