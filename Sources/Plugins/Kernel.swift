import Domain

/// A computation that can stop after any step and go on later, on another day: what a volunteer's machine runs.
///
/// An implementation decodes its input in `init`, does a bounded piece of work per `advance`, and gives the same result
/// whether or not it was stopped and restored in between.
public protocol Kernel: Sendable {
    /// - Throws: `.badUnit` when the payload does not say what this app needs, `.badInput` for an input.
    init(unit: Payload, inputs: InputSet, environment: KernelEnvironment) throws(AppError)

    /// Works for about `budgetSeconds` (a tenth of a second to a second) and says how far it is.
    mutating func advance(budgetSeconds: Double) throws(AppError) -> KernelProgress

    /// Everything needed to go on later; at most `Limits.checkpointBytesMax` bytes.
    func checkpoint() -> [UInt8]

    /// Takes up a checkpoint of the same unit. - Throws: `.badCheckpoint`; the caller then starts afresh.
    mutating func restore(from checkpoint: [UInt8]) throws(AppError)

    /// The result. Called once, after `advance` said `.done`.
    func result() throws(AppError) -> Payload

    /// CPU family and library versions, for example `amd64 avx2; fftw-3.3.10`.
    var fingerprint: String { get }
}

/// How far a kernel is.
public enum KernelProgress: Hashable, Sendable {
    /// 0 ..< 1.
    case more(fraction: Double)
    case done
}

/// What a kernel may use besides its input.
public struct KernelEnvironment: Hashable, Sendable {
    /// A folder for what may be kept from unit to unit on this host (FFT wisdom); nil: none.
    public var cachePath: String?

    public init(cachePath: String?) {
        self.cachePath = cachePath
    }
}

/// Why an app cannot go on.
public enum AppError: Error, Hashable, Sendable, CustomStringConvertible {
    case badUnit(String)
    case badInput(String)
    case badParameter(name: String, String)
    case badCheckpoint(String)
    case badResult(String)
    case resources(String)

    public var description: String {
        switch self {
        case .badUnit(let why): "work unit: \(why)"
        case .badInput(let why): "input: \(why)"
        case .badParameter(let name, let why): "parameter \(name): \(why)"
        case .badCheckpoint(let why): "checkpoint: \(why)"
        case .badResult(let why): "result: \(why)"
        case .resources(let why): "resources: \(why)"
        }
    }

    /// Several faults as one, so that a scientist can mend them in one go: the first one's kind, and the descriptions
    /// of the others after it, each behind `; `. `millrace lint` takes the text apart again and finds the place of each
    /// by how it is worded:
    ///
    /// - `parameter NAME: WHY`; a fault that depends on more parameters names each of them, so that it is left out
    ///   while one of those is itself in doubt.
    /// - `input: NAME: row N: COLUMN WHY` for a value of a table; N counts from 1, without the header.
    /// - what would be right stands at the end, behind `; expected: `.
    ///
    /// All of it must fit into `Limits.messageBytesMax`: of many faults of one sort the first ones are enough.
    ///
    /// - Returns: nil for an empty list.
    public static func joined(_ errors: [AppError]) -> AppError? {
        guard let first = errors.first else { return nil }
        let rest = errors.dropFirst().map { "; \($0)" }.joined()
        return switch first {
        case .badUnit(let why): .badUnit(why + rest)
        case .badInput(let why): .badInput(why + rest)
        case .badParameter(let name, let why): .badParameter(name: name, why + rest)
        case .badCheckpoint(let why): .badCheckpoint(why + rest)
        case .badResult(let why): .badResult(why + rest)
        case .resources(let why): .resources(why + rest)
        }
    }
}
