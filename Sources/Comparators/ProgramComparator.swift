import Domain
import Plugins

/// A result as files: what a comparing program finds in each of its two folders.
public enum ProgramFolder {
    public struct File: Hashable, Sendable {
        public var name: String
        public var bytes: [UInt8]
    }

    /// `sections.tsv` has a line `FILE<tab>KIND<tab>NAME` for each section in order of name; `FILE` is `0.float32`,
    /// `1.utf8` ..., raw little-endian elements. Names of sections are claims of strangers and never become file names;
    /// tabs and line breaks in them become spaces.
    public static func files(_ payload: Payload) -> [File] {
        var index = ""
        var files: [File] = []
        let sections = payload.sections.sorted { Array($0.name.utf8).lexicographicallyPrecedes($1.name.utf8) }
        for (number, section) in sections.enumerated() {
            let name = "\(number).\(section.kind)"
            index += "\(name)\t\(section.kind)\t\(PrintableText.clean(section.name))\n"
            files.append(File(name: name, bytes: section.bytes))
        }
        return [File(name: "sections.tsv", bytes: Array(index.utf8))] + files
    }
}

/// What a comparing program wrote.
public enum ProgramAnswer {
    public static let bytesMax = 512
    public static let elementBytesMax = 128

    /// Strict: one line of ASCII, single spaces, a line end at most behind it. `DISTANCE` is a decimal number or `inf`,
    /// `TOLERANCE` a decimal number, both 0 or more, and the distance is the larger one.
    /// - Throws: `.badData` with what is wrong; the words of the program are not repeated.
    public static func parse(_ bytes: [UInt8]) throws(Fault) -> Agreement {
        guard bytes.count <= bytesMax else { throw fault("\(bytes.count) bytes, more than \(bytesMax)") }
        let line = bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...]
        guard line.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
            throw fault("not one line of printable ASCII")
        }
        let words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        if words.count == 1, words[0].elementsEqual("same".utf8) { return .same }
        guard words.count == 4, words[0].elementsEqual("different".utf8) else {
            throw fault("neither \"same\" nor \"different ELEMENT DISTANCE TOLERANCE\"")
        }
        guard (1...elementBytesMax).contains(words[1].count) else {
            throw fault("an element of \(words[1].count) bytes")
        }
        let distance = words[2].elementsEqual("inf".utf8) ? Double.infinity : DecimalText.number(words[2])
        guard let distance, distance >= 0, let tolerance = DecimalText.number(words[3]), tolerance >= 0 else {
            throw fault("a distance or tolerance that is no number, or below 0")
        }
        guard distance > tolerance else { throw fault("a distance within the tolerance") }
        return .different(
            Difference(
                element: String(decoding: words[1], as: UTF8.self), distance: distance, tolerance: tolerance))
    }

    private static func fault(_ why: String) -> Fault {
        Fault(.badData, "the comparing program answered wrongly: \(why)")
    }
}

/// Starts a comparing program: the seam behind which sandbox, folders and processes lie.
public protocol ComparisonProgramRunner: Sendable {
    /// - Parameters: the files of the two folders.
    /// - Returns: what the program wrote, at most `ProgramAnswer.bytesMax` bytes and one more.
    /// - Throws: when it could not be started, did not end in time, or ended with another code than 0.
    func run(
        _ rule: ProgramRule, first: [ProgramFolder.File], second: [ProgramFolder.File]
    ) throws(Fault) -> [UInt8]
}

/// Compares by a scientist's own program.
///
/// The program may be anything, so two laws are kept here: equal results agree without asking it, and it is always
/// asked about a pair in the same order, whichever came first.
public struct ProgramComparator: Sendable {
    public let rule: ProgramRule
    private let runner: any ComparisonProgramRunner

    /// - Throws: `.badData` for a name, argument or time that is not allowed.
    public init(_ rule: ProgramRule, runner: any ComparisonProgramRunner) throws(Fault) {
        try rule.check()
        self.rule = rule
        self.runner = runner
    }

    /// - Throws: the runner's faults, and `.badData` for an answer that is none. No verdict follows from those.
    /// - Parameter asksAlways: also about equal results, to try the program.
    public func compare(_ a: Payload, _ b: Payload, asksAlways: Bool = false) throws(Fault) -> Agreement {
        let (x, y) = (ExactComparison.digest(of: a), ExactComparison.digest(of: b))
        if x == y, !asksAlways { return .same }
        let (first, second) = x < y ? (a, b) : (b, a)
        return try ProgramAnswer.parse(
            runner.run(rule, first: ProgramFolder.files(first), second: ProgramFolder.files(second)))
    }
}
