import Domain

/// The keys of the section `program`.
enum ProgramKeys {
    static let all: [ManifestKey] = [
        ManifestKey(
            "program", .section, .otherwise("no program; the apps `executable` and `wasm` need one"),
            "Your own program, which computes the work units: docs/executables.md."),
        ManifestKey(
            "program.releases", .path, .otherwise("`releases`"),
            "The folder of your signed releases, which `millrace release init` makes."),
        ManifestKey("program.name", .word(.programName), .required, "The program's name in the list of releases."),
        ManifestKey(
            "program.version", .word(.programVersion), .required, "Its version there; a new version is a new batch."),
        ManifestKey(
            "program.arguments", .lines(bytesMax: Limits.programArgumentBytesMax), .otherwise("none"),
            "What it is started with; the same for every work unit."),
        ManifestKey(
            "program.fuel", .real(1...Double(Limits.fuelMax)), .otherwise("none; required for the app `wasm`"),
            "Units of fuel, about one for an instruction, that a module may burn for one work unit; more is an error."),
        ManifestKey(
            "program.results", .list, .required,
            "The files that it leaves in /output for each work unit, at most 32, and no others."),
        ManifestKey("program.results[].file", .word(.fileName), .required, "The file's name."),
        ManifestKey("program.results[].optional", .flag, .standard("false"), "Whether a work unit may be without it."),
        ManifestKey(
            "program.results[].join", .choice(ProgramResult.Joining.allCases.map(\.rawValue)), .standard("none"),
            "`csv`: the answer has one table of all work units, the header line once; `none`: the files one by one."),
    ]
}

/// Words that become names in other files.
public enum WordKind: Hashable, Sendable {
    /// Of a program in release metadata.
    case programName
    case programVersion
    /// Of a file that a program reads or writes.
    case fileName

    func isValid(_ word: String) -> Bool {
        switch self {
        case .programName: ProgramWord.isName(word)
        case .programVersion: ProgramWord.isWord(word)
        case .fileName: ProgramFileName.isValid(word)
        }
    }

    /// For the table and for messages: what is allowed.
    var range: String {
        let bytes = ", a letter or digit first, 1 to \(Limits.programWordBytesMax) bytes"
        return switch self {
        case .programName: "lower-case letters, digits, `.`, `_` and `-`" + bytes
        case .programVersion: "letters, digits, `.`, `_`, `-` and `+`" + bytes
        case .fileName: ProgramFileName.expected
        }
    }
}
