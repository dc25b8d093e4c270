import FoundationEssentials

/// A report as one line of JSON, for programs.
public struct RunLine: Codable, Hashable, Sendable {
    public var seed: UInt64
    public var options: String
    /// 16 hexadecimal digits.
    public var trace: String
    public var events: Int
    public var simulatedSeconds: Double
    public var validated: Int
    public var failed: Int
    public var wrong: Int
    public var tasks: Int
    public var checker: String?
    public var violation: String?
    public var step: Int?

    public init(_ report: RunReport) {
        seed = report.seed
        options = report.options.text
        trace = Simulator.hex(report.traceHash)
        events = report.events
        simulatedSeconds = report.seconds
        validated = report.outcome.validated
        failed = report.outcome.failed
        wrong = report.outcome.wrong
        tasks = report.outcome.tasks
        checker = report.violation?.checker
        violation = report.violation?.text
        step = report.violation?.step
    }

    /// Keys in order of the alphabet, no line break.
    public var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let bytes = try? encoder.encode(self) else { return "{}" }
        return String(decoding: bytes, as: UTF8.self)
    }
}
