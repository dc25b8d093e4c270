/// What a scientist's manifest says, checked. `Manifest` makes it from YAML; `docs/manifest.md` explains each key.
public struct ProjectSpec: Hashable, Sendable {
    /// Lower-case letters, digits and hyphens; 1 ... 64 bytes.
    public var name: String
    public var title: String
    public var description: String
    public var scienceArea: String
    /// SPDX identifier of the licence under which the answer is published.
    public var licence: String
    /// A name from the app catalogue.
    public var app: String
    /// The app's own parameters, by name, as written in the manifest.
    public var parameters: [Parameter]
    public var inputs: [InputFile]
    public var split: SplitRule
    public var replication: ReplicationRule
    public var spread: SpreadRule
    public var resources: ResourceRule
    public var validation: ValidationRule
    public var credit: CreditRule
    /// The program that computes, exactly with the apps of `ProgramApp`.
    public var program: ProjectProgram?

    public init(
        name: String, title: String, description: String, scienceArea: String, licence: String, app: String,
        parameters: [Parameter], inputs: [InputFile], split: SplitRule, replication: ReplicationRule,
        resources: ResourceRule, validation: ValidationRule, credit: CreditRule, spread: SpreadRule = SpreadRule(),
        program: ProjectProgram? = nil
    ) {
        self.name = name
        self.title = title
        self.description = description
        self.scienceArea = scienceArea
        self.licence = licence
        self.app = app
        self.parameters = parameters
        self.inputs = inputs
        self.split = split
        self.replication = replication
        self.spread = spread
        self.resources = resources
        self.validation = validation
        self.credit = credit
        self.program = program
    }

    /// Whether a file of the batch goes to volunteers: what the app asks for, but not a table whose rows travel inside
    /// of the units.
    public func goesToVolunteers(_ input: String) -> Bool {
        guard InputFile.isOfApp(input) else { return false }
        return program == nil || !parameters.contains(Parameter(name: "rows", value: .text(input)))
    }

    /// Every file that goes to the server: the inputs, and the scientist's comparing program.
    public var files: [InputFile] { inputs + (validation.program.map { [$0] } ?? []) }
}

/// One parameter of an app.
public struct Parameter: Hashable, Sendable {
    public var name: String
    public var value: ParameterValue

    public init(name: String, value: ParameterValue) {
        self.name = name
        self.value = value
    }
}

/// The types a parameter can have. A whole number written for a real one is accepted by the app's schema.
public enum ParameterValue: Hashable, Sendable {
    case integer(Int64)
    case real(Double)
    case text(String)
    case reals([Double])
}

/// A file that every work unit of the project needs; sent once to each host.
public struct InputFile: Hashable, Sendable {
    /// The name under which the app asks for it.
    public var name: String
    /// Where it lies, relative to the manifest's folder.
    public var path: String
    /// How the bytes are packed on the wire.
    public var packing: InputPacking

    public init(name: String, path: String, packing: InputPacking) {
        self.name = name
        self.path = path
        self.packing = packing
    }
}

extension InputFile {
    /// The name under which the scientist's comparing program lies among the files of a batch.
    public static let comparingProgram = "comparing-program"
    /// The name under which the zstd dictionary of a batch's units lies there.
    public static let dictionary = "zstd-dictionary"

    /// Whether an app asks for it, so that volunteers get it. Else it is for the server's own worker.
    public static func isOfApp(_ name: String) -> Bool { name != comparingProgram && name != dictionary }
}

/// How an input file travels.
public enum InputPacking: String, Hashable, Sendable, CaseIterable {
    /// zstd over the bytes as they are.
    case plain
    /// A CSV table of numbers becomes columns of doubles, transposed by byte, then zstd: exact, and smaller.
    case table
    /// The file itself, under its own hash: read in pieces, never whole in memory. For inputs of gigabytes.
    case raw
}

/// How finely the splitter cuts.
public struct SplitRule: Hashable, Sendable {
    /// How many steps of the app's own grid go into one work unit; the app says what a step is. 1 or more.
    public var stepsPerUnit: Int

    public init(stepsPerUnit: Int) {
        self.stepsPerUnit = stepsPerUnit
    }
}

/// When a result is believed.
public enum AcceptanceRule: Hashable, Sendable {
    /// When `quorum` results of different volunteers agree.
    case quorum
    /// When the app's mathematical check proves it. Results that the check cannot prove need the quorum.
    case check
    /// When the host has proved itself and its later results pass their checks. Others need the quorum.
    case adaptive(AdaptiveRule)

    /// Whether a single result can be enough, so that a unit begins with one task.
    public var trustsSingle: Bool { self != .quorum }
}

/// Adaptive replication with a window: of a proven host's results a secret share is computed again by somebody else,
/// drawn after the result was committed. A result is final when `window` later ones of the same host and app have
/// passed; one that fails voids all that are not final yet. A host is proven by `window` checked results without a
/// failure, so that starting afresh, after a failure or under another name, costs as much as a window.
public struct AdaptiveRule: Hashable, Sendable {
    /// The share q of results that is checked. Above 0, at most 1.
    public var checkRate: Double
    /// Results W that must follow before one is final. 1 ... `Limits.windowMax`.
    public var window: Int

    public init(checkRate: Double, window: Int) {
        self.checkRate = checkRate
        self.window = window
    }
}

/// How often a work unit is computed and when it is given up.
public struct ReplicationRule: Hashable, Sendable {
    /// Agreeing results of different volunteers that decide a unit. 1 ... 16; where `acceptance` trusts single results,
    /// 2 or more, for those that it does not trust.
    public var quorum: Int
    /// Tasks made at first. quorum ... maxTotal; 1 ... maxTotal where `acceptance` trusts single results.
    public var initial: Int
    /// Tasks ever made for one unit. 1 ... 32.
    public var maxTotal: Int
    /// Failed tasks (errors, malformed results) after which the unit fails. 1 ... 32.
    public var maxErrors: Int
    /// Time from sending a task to its report.
    public var deadline: TimeSpan
    public var acceptance: AcceptanceRule

    public init(
        quorum: Int, initial: Int, maxTotal: Int, maxErrors: Int, deadline: TimeSpan,
        acceptance: AcceptanceRule = .quorum
    ) {
        self.quorum = quorum
        self.initial = initial
        self.maxTotal = maxTotal
        self.maxErrors = maxErrors
        self.deadline = deadline
        self.acceptance = acceptance
    }
}

/// Which hosts may not, or must, share a work unit. Two tasks of one unit never go to one volunteer, whatever it says.
public struct SpreadRule: Hashable, Sendable {
    /// No two hosts whose addresses begin alike: the same /24 of IPv4, the same /48 of IPv6.
    public var networks: Bool
    /// No two hosts whose volunteers are in one team.
    public var teams: Bool
    /// Only hosts of the same platform and processor family, for apps whose results differ between those
    /// (homogeneous redundancy). The first host of a unit decides.
    public var sameHardware: Bool

    public init(networks: Bool = false, teams: Bool = false, sameHardware: Bool = false) {
        self.networks = networks
        self.teams = teams
        self.sameHardware = sameHardware
    }
}

/// What a task may use. Estimates steer the scheduler, bounds are enforced on the volunteer's machine.
public struct ResourceRule: Hashable, Sendable {
    /// Floating-point operations of one step of the app's grid; nil: the app knows.
    public var flopsPerStep: Double?
    /// A task is stopped after `flopsBoundFactor` times its estimated run time on that host. 1 ... 1000.
    public var flopsBoundFactor: Double
    public var memoryBytes: Int64
    public var diskBytes: Int64
    public var outputBytes: Int64

    public init(
        flopsPerStep: Double?, flopsBoundFactor: Double, memoryBytes: Int64, diskBytes: Int64, outputBytes: Int64
    ) {
        self.flopsPerStep = flopsPerStep
        self.flopsBoundFactor = flopsBoundFactor
        self.memoryBytes = memoryBytes
        self.diskBytes = diskBytes
        self.outputBytes = outputBytes
    }
}

/// How results are judged.
public struct ValidationRule: Hashable, Sendable {
    /// Recompute the claims of each single result before it is compared.
    public var checkEach: Bool
    /// Largest relative difference between two results that agree; nil: the app's own.
    public var relativeTolerance: Double?
    /// Largest absolute difference between two results that agree; nil: the app's own.
    public var absoluteTolerance: Double?
    /// How two results are compared; nil: the app's own way.
    public var comparison: ComparisonRule?
    /// Where the program of `comparison` lies, when that is one.
    public var program: InputFile?

    public init(
        checkEach: Bool, relativeTolerance: Double?, absoluteTolerance: Double?, comparison: ComparisonRule? = nil,
        program: InputFile? = nil
    ) {
        self.checkEach = checkEach
        self.relativeTolerance = relativeTolerance
        self.absoluteTolerance = absoluteTolerance
        self.comparison = comparison
        self.program = program
    }
}

/// What a valid task earns.
public struct CreditRule: Hashable, Sendable {
    /// Multiplies the credit that follows from the unit's FLOP count; 0 ... 10, 1 by default.
    public var factor: Double

    public init(factor: Double) {
        self.factor = factor
    }
}
