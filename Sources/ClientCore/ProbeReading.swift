import Domain

/// What tells whether somebody needs the machine. Further probes (battery, temperature, exclusive programs, a weekly
/// plan) get a case here, a verdict in `IdlePolicy` and a reader in ClientSystem.
public enum ProbeKind: String, Hashable, Sendable, CaseIterable, Codable {
    /// Time since the last key or pointer event.
    case userInput = "user input"
    /// Processor time used by everything but our own workers.
    case otherLoad = "other programs"
}

/// One reading of one probe.
public struct ProbeReading: Hashable, Sendable {
    public enum Value: Hashable, Sendable {
        /// Milliseconds since the last input.
        case idle(milliseconds: Int64)
        /// Cores kept busy by others, averaged over the last second or so.
        case busy(cores: Double)
        /// This machine does not tell; the text says why.
        case unavailable(String)
    }

    public var kind: ProbeKind
    public var value: Value
    public var at: Timestamp

    public init(kind: ProbeKind, value: Value, at: Timestamp) {
        self.kind = kind
        self.value = value
        self.at = at
    }
}
