import Domain

/// The program that computes a unit: as the unit asks for it, and as the project's releases name it.
public struct UnitProgram: Hashable, Sendable, Codable {
    public var name: String
    public var version: String
    /// A WebAssembly module; else a binary, or a script.
    public var isModule: Bool
    /// What releases said when they were last asked; nil: they were not, or what they said holds no more.
    public var file: File?

    /// A released file for this computer.
    public struct File: Hashable, Sendable, Codable {
        public var digest: Digest
        /// Bytes.
        public var size: Int64
        /// `x86_64-linux`, `any`, `wasm` and so on.
        public var platform: String
        /// What reads a script, a bare name; nil: the file is started itself.
        public var interpreter: String?
        /// Layers of the sandbox that the release demands.
        public var needs: [String]

        public init(digest: Digest, size: Int64, platform: String, interpreter: String? = nil, needs: [String] = []) {
            self.digest = digest
            self.size = size
            self.platform = platform
            self.interpreter = interpreter
            self.needs = needs
        }
    }

    public init(name: String, version: String, isModule: Bool, file: File? = nil) {
        self.name = name
        self.version = version
        self.isModule = isModule
        self.file = file
    }

    /// For people, for example `solver 1.0`.
    public var title: String { PrintableText.clean("\(name) \(version)") }

    /// The file as something to fetch.
    var blob: UnitSummary.Input? {
        file.map { UnitSummary.Input(name: title, digest: $0.digest, size: $0.size, packing: .raw) }
    }

    /// Of both apps.
    static let appVersion = 1
}

/// What this computer's releases say of a unit's program.
public enum ProgramAnswer: Hashable, Sendable {
    case file(UnitProgram.File)
    /// It is not to be started here: there is no such release, or no more, or not for this computer.
    case refused(String)
    /// It cannot be told now: the server does not answer, or this computer's disk does not.
    case unknown(String)
}

extension UnitSummary {
    /// All that must be here before the task can start.
    var blobs: [Input] { inputs + (program?.blob.map { [$0] } ?? []) }

    /// Bytes of memory that a run holds: a program's own file lies there, too.
    var heldMemoryBytes: Int64 { memoryBytes.clampedSum(program?.file?.size ?? 0) }
}
