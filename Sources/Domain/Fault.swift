/// The kinds of failure that a person or a script tells apart; each has its own exit code.
public enum FaultKind: Int32, Sendable, CaseIterable {
    /// Wrong arguments on the command line (sysexits EX_USAGE).
    case usage = 64
    /// A file, manifest, work unit or result does not say what it should.
    case badData = 65
    /// A file or directory that was named is not there or cannot be read.
    case noInput = 66
    /// The server cannot be reached, or what answers is not a Millrace server.
    case unreachable = 69
    /// A fault of our own.
    case software = 70
    /// The operating system refused: no space, no memory, no permission to bind a port.
    case osError = 71
    /// A file could not be written: disk full, read-only, over quota.
    case cannotWrite = 73
    /// The connection broke in the middle; trying again may help.
    case interrupted = 75
    /// The other side answered against the protocol.
    case protocolError = 76
    /// The server knows us and refuses: wrong token, unknown host.
    case refused = 77
    /// Configuration or data directory of another version, or held by another process.
    case configuration = 78
    /// The answer is "no": nothing found, lint found faults, a task failed.
    case negative = 1
}

/// A failure with everything a person needs: what happened, where, what was expected, what to do.
public struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
    public var kind: FaultKind
    /// One line, without a final stop: what is wrong and where (file, line, field).
    public var message: String
    /// One line: what to do about it; nil when there is nothing to do.
    public var advice: String?
    /// Seconds that a server asked to wait before the next try; nil when it said nothing.
    public var retryAfterSeconds: Double?

    public init(_ kind: FaultKind, _ message: String, advice: String? = nil) {
        self.kind = kind
        self.message = message
        self.advice = advice
    }

    public var description: String {
        if let advice { "\(message)\n  \(advice)" } else { message }
    }
}
