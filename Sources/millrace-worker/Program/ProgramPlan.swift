import Domain
import FoundationEssentials
import Wire

/// What a unit with a program asks for, in the few values that the supervisor needs. Made where the unit is unpacked,
/// which is shut in, so that the supervisor, which cannot be, never reads a container.
struct ProgramPlan: Codable, Hashable {
    /// A file that the program leaves.
    struct Result: Codable, Hashable {
        var file: String
        /// Whether it may be missing.
        var isOptional: Bool
    }

    /// An input that is not unpacked: the program reads the file of the cache.
    struct RawInput: Codable, Hashable {
        var name: String
        /// Its place among the inputs of the job.
        var place: Int
    }

    var unitID: UInt64
    var app: String
    var appVersion: UInt32
    var label: String
    /// From `parameters.json`; nil: it says none.
    var first: Int64?
    var count: Int64?
    var name: String
    var version: String
    var arguments: [String]
    /// Of a module; 0: none is said.
    var fuel: UInt64
    var memoryBytes: Int
    /// For unpacked inputs and the output folder together.
    var diskBytes: Int
    var outputBytesMax: Int
    /// Of each process; the client has a bound of its own for all of them.
    var cpuSeconds: Int?
    var results: [Result]
    /// Bytes of unpacked inputs.
    var inputBytes = 0
    var rawInputs: [RawInput] = []

    static let argumentsMax = 64
    static let argumentBytesMax = 1024
    /// As JSON.
    static let bytesMax = 1 << 20

    /// What is wrong with it, in words; nil: nothing. Asked where it is made and where it is used.
    ///
    /// - Parameter inputs: how many the job has.
    func flaw(inputs: Int) -> String? {
        for (what, text) in [("label", label), ("program's name", name), ("program's version", version)] {
            if !Self.isPlain(text) { return "the \(what) has control characters" }
        }
        guard arguments.count <= Self.argumentsMax,
            arguments.allSatisfy({ $0.utf8.count <= Self.argumentBytesMax && Self.isPlain($0) })
        else {
            return "the program's arguments are not at most \(Self.argumentsMax), each of at most "
                + "\(Self.argumentBytesMax) bytes without control characters"
        }
        guard (1...Limits.workUnitSectionsMax).contains(results.count) else {
            return "\(ProgramFileName.results) names \(results.count) files; 1 to \(Limits.workUnitSectionsMax) are "
                + "expected"
        }
        var names: Set<String> = []
        for result in results {
            let isReserved = [ProgramFileName.progress, ProgramFileName.checkpoint].contains(result.file)
            guard ProgramFileName.isValid(result.file), !isReserved, names.insert(result.file).inserted else {
                return "\(ProgramFileName.results): \"\(PrintableText.clean(result.file))\" is no result's name, or is "
                    + "twice there"
            }
        }
        guard rawInputs.allSatisfy({ ProgramFileName.isValid($0.name) && (0..<inputs).contains($0.place) }) else {
            return "an input has a name that cannot be a file's"
        }
        guard inputBytes >= 0, memoryBytes >= 0, diskBytes >= 0, outputBytesMax >= 0 else {
            return "a bound is negative"
        }
        return nil
    }

    /// No control characters, and so no end of a C string.
    private static func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }
}
