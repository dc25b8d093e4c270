/// A scientist's own comparing program. What it may do is the sandbox's matter; what it is asked, and how it answers,
/// is said here.
///
/// It is started as `PROGRAM ARGUMENTS... FIRST SECOND`, where `FIRST` and `SECOND` are folders that hold a result each
/// (`Comparators.ProgramFolder`). It writes one line and ends with code 0:
///
///     same
///     different ELEMENT DISTANCE TOLERANCE
public struct ProgramRule: Codable, Hashable, Sendable {
    /// The file name of the program, without folders: 1 ... 64 of letters, digits, `.`, `_` and `-`, no `.` in front.
    public var program: String
    /// At most 32, each at most 256 bytes without control characters.
    public var arguments: [String]
    /// 0.1 ... 60: a worker of the server waits for it.
    public var timeoutSeconds: Double

    public static let argumentBytesMax = 256
    /// Seconds.
    public static let timeouts = 0.1...60.0

    public init(program: String, arguments: [String] = [], timeoutSeconds: Double = 20) {
        self.program = program
        self.arguments = arguments
        self.timeoutSeconds = timeoutSeconds
    }

    public func check() throws(Fault) {
        let allowed = program.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard allowed, (1...64).contains(program.utf8.count), program.utf8.first != UInt8(ascii: "."),
            program.utf8.first != UInt8(ascii: "-")
        else {
            throw ComparisonRule.fault(
                "program", "\"\(program.prefix(70))\"", "a file name of letters, digits, `.`, `_` and `-`")
        }
        guard arguments.count <= 32 else {
            throw ComparisonRule.fault("program.arguments", "\(arguments.count) entries", "at most 32")
        }
        for argument in arguments
        where argument.utf8.count > Self.argumentBytesMax
            || argument.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
        {
            throw ComparisonRule.fault(
                "program.arguments", "\"\(argument.prefix(40))\"", "at most 256 bytes without control characters")
        }
        try ComparisonRule.check(timeoutSeconds, "program.timeoutSeconds", in: Self.timeouts)
    }
}
