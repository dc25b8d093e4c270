/// What an app says of itself to those who do not link it: the manifest checker, the server, the client.
public struct AppSchema: Hashable, Sendable {
    public var name: String
    public var version: Int
    public var title: String
    /// What one step of `split.steps_per_unit` is, for example `one derivative ratio of one band`.
    public var step: String
    public var parameters: [ParameterSchema]
    public var inputs: [InputSchema]
    public var numericClass: NumericClass
    /// Whether the app's check can prove a whole result, so that one of them is enough.
    public var proves: Bool
    /// The sections of every result; empty: not said.
    public var results: [ResultSchema]

    public init(
        name: String, version: Int, title: String, step: String, parameters: [ParameterSchema],
        inputs: [InputSchema], results: [ResultSchema] = [], numericClass: NumericClass, proves: Bool = false
    ) {
        self.name = name
        self.version = version
        self.title = title
        self.step = step
        self.parameters = parameters
        self.inputs = inputs
        self.numericClass = numericClass
        self.proves = proves
        self.results = results
    }
}

/// One section of an app's results.
public struct ResultSchema: Hashable, Sendable {
    public var name: String
    /// What its elements are, for example `float64`.
    public var kind: String
    public var description: String

    public init(name: String, kind: String, description: String) {
        self.name = name
        self.kind = kind
        self.description = description
    }
}

/// How results of different machines may differ.
public enum NumericClass: Hashable, Sendable {
    /// Integers or hashes: results are equal by SHA-256.
    case exact
    /// Floating point: default tolerances for agreement.
    case tolerance(relative: Double, absolute: Double)
}

/// One parameter of an app, for checking and for documentation.
public struct ParameterSchema: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case integer, real, text, reals
    }

    public var name: String
    public var kind: Kind
    /// For example `Hz`; empty for a pure number.
    public var unit: String
    /// nil: the manifest must give it.
    public var defaultValue: ParameterValue?
    /// Inclusive bounds of a number, or of each of `reals`.
    public var minimum: Double?
    public var maximum: Double?
    /// Allowed words of a text; empty: any.
    public var choices: [String]
    public var description: String

    public init(
        name: String, kind: Kind, unit: String, defaultValue: ParameterValue?, minimum: Double?, maximum: Double?,
        choices: [String] = [], description: String
    ) {
        self.name = name
        self.kind = kind
        self.unit = unit
        self.defaultValue = defaultValue
        self.minimum = minimum
        self.maximum = maximum
        self.choices = choices
        self.description = description
    }
}

/// One input of an app.
public struct InputSchema: Hashable, Sendable {
    public var name: String
    public var packing: InputPacking
    /// Columns that a table must have.
    public var columns: [String]
    public var description: String

    public init(name: String, packing: InputPacking, columns: [String], description: String) {
        self.name = name
        self.packing = packing
        self.columns = columns
        self.description = description
    }
}
