import Domain

/// What splitter, validator and assembler know of the project.
public struct AppContext: Hashable, Sendable {
    public var project: String
    public var title: String
    /// The app's parameters, defaults filled in.
    public var parameters: [String: ParameterValue]
    public var inputs: InputSet
    public var stepsPerUnit: Int
    /// From the manifest; nil: the app's own count.
    public var flopsPerStep: Double?
    /// From the manifest; nil: the app's own.
    public var relativeTolerance: Double?
    public var absoluteTolerance: Double?
    /// What computes, where that is a program of the project's own.
    public var program: ProjectProgram?

    public init(
        project: String, title: String, parameters: [String: ParameterValue], inputs: InputSet, stepsPerUnit: Int,
        flopsPerStep: Double?, relativeTolerance: Double?, absoluteTolerance: Double?, program: ProjectProgram? = nil
    ) {
        self.project = project
        self.title = title
        self.parameters = parameters
        self.inputs = inputs
        self.stepsPerUnit = stepsPerUnit
        self.flopsPerStep = flopsPerStep
        self.relativeTolerance = relativeTolerance
        self.absoluteTolerance = absoluteTolerance
        self.program = program
    }
}

/// A work unit before it has a number, a signature and a container.
public struct UnitDraft: Hashable, Sendable {
    /// For people, for example `200-208 Hz, ratios 0-7`.
    public var label: String
    /// Floating-point operations of the whole unit: the base of credit.
    public var flops: Double
    public var payload: Payload

    public init(label: String, flops: Double, payload: Payload) {
        self.label = label
        self.flops = flops
        self.payload = payload
    }
}

/// Cuts a project into work units. Pure: the same context and cursor give the same drafts.
public protocol Splitter: Sendable {
    /// - Parameter cursor: empty at the start, then what the last call returned.
    /// - Parameter limit: at most this many drafts, 1 or more.
    func next(_ context: AppContext, cursor: [UInt8], limit: Int) throws(AppError) -> SplitStep
}

/// What one call of a splitter gives.
public struct SplitStep: Hashable, Sendable {
    public var drafts: [UnitDraft]
    public var cursor: [UInt8]
    public var finished: Bool

    public init(drafts: [UnitDraft], cursor: [UInt8], finished: Bool) {
        self.drafts = drafts
        self.cursor = cursor
        self.finished = finished
    }
}

/// Judges results. It answers two questions; the engine owns quorum, retries and credit.
public protocol ResultValidator: Sendable {
    /// Is this single result possible? Costs far less than the work itself.
    /// - Parameter challenge: a seed drawn after the result was committed.
    func check(_ result: Payload, unit: Payload, context: AppContext, challenge: UInt64) -> CheckVerdict

    /// Why this cannot be read as a result of the unit: sections, kinds, sizes, no more; nil: it can be. Cheap, and
    /// asked before a rule of the manifest compares in place of the app.
    func malformation(of result: Payload, unit: Payload, context: AppContext) -> String?

    /// Are these two the same answer? Symmetric and reflexive. Both have passed `check` as not malformed.
    func compare(_ a: Payload, _ b: Payload, unit: Payload, context: AppContext) -> Agreement
}

/// The verdict on a single result.
public enum CheckVerdict: Hashable, Sendable {
    /// It is not even a result of this kind.
    case malformed(String)
    /// A claim was recomputed and is false.
    case refuted(Difference, String)
    /// Nothing wrong was found; the quorum decides.
    case plausible
    /// A mathematical check covers the whole claim: quorum 1 would be sound.
    case proven
}

/// The verdict on a pair.
public enum Agreement: Hashable, Sendable {
    case same
    case different(Difference)
}

/// Turns canonical results into the scientist's answer. Results are added in the units' order, each exactly once.
public protocol Assembler: Sendable {
    init(context: AppContext) throws(AppError)
    mutating func add(result: Payload, unit: Payload) throws(AppError)
    func finish() throws(AppError) -> Answer
}

/// The files and the few lines that a scientist gets.
public struct Answer: Hashable, Sendable {
    public struct File: Hashable, Sendable {
        /// A plain file name without folders.
        public var name: String
        public var bytes: [UInt8]

        public init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }
    }

    public var files: [File]
    /// For the terminal, a line each.
    public var summary: [String]

    public init(files: [File], summary: [String]) {
        self.files = files
        self.summary = summary
    }
}

/// An app: one of these per folder in `Sources/Apps`, listed in `AppCatalog.swift`.
public struct AppDescriptor: Sendable {
    public var schema: AppSchema
    /// nil: what computes is a program of the project's own, outside of the worker.
    public var kernel: (any Kernel.Type)?
    public var splitter: any Splitter
    public var validator: any ResultValidator
    public var assembler: any Assembler.Type

    public init(
        schema: AppSchema, kernel: (any Kernel.Type)?, splitter: any Splitter, validator: any ResultValidator,
        assembler: any Assembler.Type
    ) {
        self.schema = schema
        self.kernel = kernel
        self.splitter = splitter
        self.validator = validator
        self.assembler = assembler
    }
}
