import Domain

extension WireAppSchemaMessage {
    public init(_ schema: AppSchema) {
        self.init()
        name = schema.name
        version = UInt32(clamping: schema.version)
        title = schema.title
        step = schema.step
        proves = schema.proves
        parameters = schema.parameters.map { WireParameterSchemaMessage($0) }
        inputs = schema.inputs.map { WireInputSchemaMessage($0) }
        results = schema.results.map { WireResultSchemaMessage($0) }
        switch schema.numericClass {
        case .exact: numericClass = "exact"
        case .tolerance(let relative, let absolute):
            numericClass = "tolerance"
            relativeTolerance = relative
            absoluteTolerance = absolute
        }
    }

    /// - Throws: `.outOfRange` with the field's name.
    public func domain() throws(WireError) -> AppSchema {
        try FieldRules.word(name, "apps.name", max: Limits.projectNameBytesMax)
        if parameters.count > Limits.parametersMax { throw .tooMany(field: "parameters", limit: Limits.parametersMax) }
        if inputs.count > Limits.inputsPerProjectMax {
            throw .tooMany(field: "inputs", limit: Limits.inputsPerProjectMax)
        }
        var parameterSchemas: [ParameterSchema] = []
        for parameter in parameters { parameterSchemas.append(try parameter.domain()) }
        var inputSchemas: [InputSchema] = []
        for input in inputs { inputSchemas.append(try input.domain()) }
        if results.count > Limits.workUnitSectionsMax {
            throw .tooMany(field: "results", limit: Limits.workUnitSectionsMax)
        }
        var resultSchemas: [ResultSchema] = []
        for result in results { resultSchemas.append(try result.domain()) }
        return AppSchema(
            name: name, version: Int(version), title: title, step: step, parameters: parameterSchemas,
            inputs: inputSchemas, results: resultSchemas, numericClass: try domainClass(), proves: proves)
    }

    private func domainClass() throws(WireError) -> NumericClass {
        switch numericClass {
        case "exact": return .exact
        case "tolerance":
            try FieldRules.number(
                relativeTolerance, "relative_tolerance", in: 0...Double.greatestFiniteMagnitude)
            try FieldRules.number(
                absoluteTolerance, "absolute_tolerance", in: 0...Double.greatestFiniteMagnitude)
            return .tolerance(relative: relativeTolerance, absolute: absoluteTolerance)
        default: throw .outOfRange(field: "numeric_class")
        }
    }
}

extension WireParameterSchemaMessage {
    public init(_ schema: ParameterSchema) {
        self.init()
        name = schema.name
        type = schema.kind.rawValue
        unit = schema.unit
        defaultText = schema.defaultValue.map { ParameterText.text(of: $0) } ?? ""
        if let bound = schema.minimum { minimum = bound }
        if let bound = schema.maximum { maximum = bound }
        choices = schema.choices
        description_p = schema.description
    }

    public func domain() throws(WireError) -> ParameterSchema {
        try FieldRules.word(name, "parameters.name")
        guard let kind = ParameterSchema.Kind(rawValue: type) else { throw .outOfRange(field: "\(name).type") }
        var value: ParameterValue?
        if !defaultText.isEmpty {
            value = ParameterText.value(of: defaultText, kind: kind)
            if value == nil { throw .outOfRange(field: "\(name).default_text") }
        }
        return ParameterSchema(
            name: name, kind: kind, unit: unit, defaultValue: value, minimum: hasMinimum ? minimum : nil,
            maximum: hasMaximum ? maximum : nil, choices: choices, description: description_p)
    }
}

extension WireInputSchemaMessage {
    public init(_ schema: InputSchema) {
        self.init()
        name = schema.name
        packing = schema.packing.rawValue
        columns = schema.columns
        description_p = schema.description
    }

    public func domain() throws(WireError) -> InputSchema {
        try FieldRules.word(name, "inputs.name", max: Limits.inputNameBytesMax)
        guard let packing = InputPacking(rawValue: packing) else { throw .outOfRange(field: "inputs.packing") }
        return InputSchema(name: name, packing: packing, columns: columns, description: description_p)
    }
}

extension WireResultSchemaMessage {
    public init(_ schema: ResultSchema) {
        self.init()
        name = schema.name
        kind = schema.kind
        description_p = schema.description
    }

    public func domain() throws(WireError) -> ResultSchema {
        try FieldRules.word(name, "results.name", max: Limits.sectionNameBytesMax)
        return ResultSchema(name: name, kind: kind, description: description_p)
    }
}

/// Default values as they would be written in a manifest: `2.5`, `[1.0, 2.0]`, `fast`; a text that is empty or starts
/// with a quotation mark stands in quotation marks.
enum ParameterText {
    static func text(of value: ParameterValue) -> String {
        switch value {
        case .integer(let number): "\(number)"
        case .real(let number): "\(number)"
        case .reals(let numbers): "[" + numbers.map { "\($0)" }.joined(separator: ", ") + "]"
        case .text(let text): text.isEmpty || text.hasPrefix("\"") ? "\"\(text)\"" : text
        }
    }

    /// - Returns: nil when the text is no value of that kind.
    static func value(of text: String, kind: ParameterSchema.Kind) -> ParameterValue? {
        switch kind {
        case .integer: return Int64(text).map { .integer($0) }
        case .real: return finite(text[...]).map { .real($0) }
        case .text:
            guard text.hasPrefix("\"") else { return .text(text) }
            guard text.utf8.count >= 2, text.hasSuffix("\"") else { return nil }
            return .text(String(text.dropFirst().dropLast()))
        case .reals:
            guard text.hasPrefix("["), text.hasSuffix("]") else { return nil }
            let parts = text.dropFirst().dropLast().split(separator: ",")
            let numbers = parts.compactMap { finite($0.drop { $0 == " " }) }
            return numbers.count == parts.count ? .reals(numbers) : nil
        }
    }

    private static func finite(_ text: Substring) -> Double? {
        guard let number = Double(text), number.isFinite else { return nil }
        return number
    }
}
