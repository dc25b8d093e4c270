/// Kinds of faults, each of which can be left out when a failure is shrunk.
public enum ChaosKind: String, CaseIterable, Hashable, Sendable {
    /// Messages take seconds instead of milliseconds, each its own time: they overtake each other.
    case delay
    /// Requests and replies vanish; nobody learns of it before a time-out.
    case loss
    /// Requests arrive twice.
    case double
    /// The reply is cut in the middle: the server has done its work, the client learns nothing.
    case cut
    /// A transaction of the store: whether it was applied and whether an error was reported are two draws.
    case store
    /// The same for every call of the blob store that writes; calls that read fail with an error.
    case blobs
    /// The server dies between or within its steps.
    case serverDeath
    /// A client dies at any step.
    case clientDeath
    /// Writes of the client's disk: whether applied and whether reported are two draws.
    case disk
    /// A write that a death interrupts leaves half a file behind.
    case torn
    /// Workers of hosts crash, or are killed from outside.
    case workers
    /// Workers of the server crash, run out of time, or cannot read a file.
    case jobs
    /// Clocks of hosts jump forward and back.
    case clocks
}
