import Domain
import YAMLText

/// One thing that is wrong, or doubtful, in a manifest.
public typealias ManifestFault = TextFault

/// What reading a manifest gives.
public enum ManifestOutcome: Hashable, Sendable {
    /// The manifest is right; warnings are doubts that do not stop a submission.
    case success(ProjectSpec, warnings: [ManifestFault])
    /// At least one fault, in the order of the text.
    case faults([ManifestFault])
}

/// The outcome, and what the caller needs to check the files that the manifest names, whatever else is wrong.
public struct ManifestReading: Hashable, Sendable {
    /// An input whose own keys are right, and where its file name stands.
    public struct Input: Hashable, Sendable {
        public var file: InputFile
        public var line: Int
        public var column: Int
    }

    /// A key and where it stands.
    public struct Key: Hashable, Sendable {
        public var name: String
        public var line: Int
        public var column: Int
    }

    /// The project's own program, and where its keys stand: `program` itself for one that is left out.
    public struct Program: Hashable, Sendable {
        public var program: ProjectProgram
        public var app: ProgramApp
        public var releases: Key
        public var name: Key
        public var version: Key
    }

    public var outcome: ManifestOutcome
    public var inputs: [Input]
    /// The comparing program, when its keys are right.
    public var program: Input?
    /// The program that computes, when its keys are right.
    public var computing: Program?
    /// The app that the manifest names; nil when it names none that is known.
    public var app: AppSchema?
    /// The keys below `parameters`, in the order of the text.
    public var parameters: [Key] = []
    /// The values below `parameters` that are right.
    public var values: [Parameter] = []
    /// The parameters whose value is not known: it is wrong, or required and missing. What depends on one of them
    /// cannot be judged.
    public var brokenParameters: Set<String> = []
    /// Where `parameters` stands; without it, where `app` does.
    public var parametersLine = 1
    public var parametersColumn = 1
}
