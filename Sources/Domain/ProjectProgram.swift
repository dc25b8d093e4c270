/// The apps whose work units are computed by a program of the scientist's own: one of the project's signed releases.
public enum ProgramApp: String, Hashable, Sendable, CaseIterable {
    /// A binary for a platform, or a script with its interpreter.
    case executable
    /// A WebAssembly module.
    case wasm

    /// - Parameter app: `executable`, or `executable/1` with the app's version; nil for apps without a program.
    public init?(app: String) {
        self.init(rawValue: String(app.prefix { $0 != "/" }))
    }

    /// The platform of modules in release metadata.
    public static let wasmPlatform = "wasm"

    /// Whether a released file for this platform can compute units of the app.
    public func takes(platform: String) -> Bool {
        (platform == Self.wasmPlatform) == (self == .wasm)
    }
}

extension AppSchema {
    /// Set for apps whose manifest says which program computes, and gives inputs and parameters of any name.
    public var program: ProgramApp? { ProgramApp(rawValue: name) }
}

/// What a manifest says of the program that computes its work units.
public struct ProjectProgram: Codable, Hashable, Sendable {
    /// Folder of the project's releases, relative to the manifest's; only the scientist's own tools look there.
    public var releases: String
    /// Name and version in the release metadata.
    public var name: String
    public var version: String
    /// At most `Limits.programArgumentsMax`, each of at most `Limits.programArgumentBytesMax` bytes.
    public var arguments: [String]
    /// Units of fuel that one run of a module may burn, 1 ... `Limits.fuelMax`; 0 for other programs.
    public var fuel: Int64
    /// The files that it leaves, 1 ... `Limits.workUnitSectionsMax`, no name twice.
    public var results: [ProgramResult]

    public init(
        releases: String, name: String, version: String, arguments: [String], fuel: Int64, results: [ProgramResult]
    ) {
        self.releases = releases
        self.name = name
        self.version = version
        self.arguments = arguments
        self.fuel = fuel
        self.results = results
    }

    /// For people, for example `solver 1.0`.
    public var title: String { "\(name) \(version)" }
}

/// A file that a program leaves for each work unit.
public struct ProgramResult: Codable, Hashable, Sendable {
    public enum Joining: String, Codable, Hashable, Sendable, CaseIterable {
        /// The answer has the files of the units one by one.
        case none
        /// The answer has one table of all: the header line once, the other lines in the order of the units.
        case csv
    }

    /// A name that `ProgramFileName.isValid` takes.
    public var file: String
    /// Whether a unit may be without it.
    public var isOptional: Bool
    public var joining: Joining

    public init(file: String, isOptional: Bool = false, joining: Joining = .none) {
        self.file = file
        self.isOptional = isOptional
        self.joining = joining
    }
}

/// Small words that names of programs are made of, in manifests, work units and release metadata.
public enum ProgramWord {
    /// Names of programs, layers and platforms: lower-case letters, digits, `.`, `-` and `_`, a letter or digit first;
    /// at most `Limits.programWordBytesMax` bytes.
    public static func isName(_ word: some StringProtocol) -> Bool {
        isWord(word) && word.utf8.allSatisfy { !(65...90).contains($0) && $0 != UInt8(ascii: "+") }
    }

    /// Versions and interpreters: as names, with capital letters and `+`.
    public static func isWord(_ word: some StringProtocol) -> Bool {
        isMade(word, of: ".-_+", bytesMax: Limits.programWordBytesMax)
    }

    /// Letters, digits and these marks, a letter or digit first.
    static func isMade(_ word: some StringProtocol, of marks: String, bytesMax: Int) -> Bool {
        guard let first = word.utf8.first, isAlphanumeric(first), word.utf8.count <= bytesMax else { return false }
        return word.utf8.allSatisfy { isAlphanumeric($0) || marks.utf8.contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
    }
}

/// Names of files that a program reads and writes: `/input/NAME` and `/output/NAME`.
public enum ProgramFileName {
    public static let bytesMax = Limits.sectionNameBytesMax
    /// For people.
    public static let expected = "letters, digits, `.`, `_` and `-`, a letter or digit first, 1 to \(bytesMax) bytes"

    /// What the client and the program say to each other in the output folder; never part of a result.
    public static let progress = "progress"
    public static let checkpoint = "checkpoint"
    /// What every unit brings: label, range and the manifest's parameters.
    public static let parameters = "parameters.json"
    /// The unit's rows of a table, where the work is cut by rows.
    public static let rows = "rows.csv"

    public static func isValid(_ name: String) -> Bool {
        ProgramWord.isMade(name, of: ".-_", bytesMax: bytesMax)
    }
}
