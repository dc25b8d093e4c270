import ClientCore
import Domain

/// One thing that is looked at. Used by one thread at a time.
package protocol ProbeSource: AnyObject {
    var kind: ProbeKind { get }

    /// Looks. It may take its time, or hang: then a thread is lost to it, and only to it.
    ///
    /// - Returns: nil when there is nothing to say yet.
    func read(now: Timestamp) -> ProbeReading.Value?

    /// Descriptors that become readable when there is something to see before its time.
    var watched: [Int32] { get }

    /// Whether these are quiet enough to be watched while nothing runs, too.
    var isCalm: Bool { get }

    /// Whether it usually takes its time, and gets a thread of its own for every look.
    var isSlow: Bool { get }

    /// A look that takes longer is reported as one without an answer.
    var timeLimitSeconds: Double { get }
}

extension ProbeSource {
    package var watched: [Int32] { [] }
    package var isCalm: Bool { false }
    package var isSlow: Bool { false }
    package var timeLimitSeconds: Double { 5 }
}

/// Where the probes look; other folders in tests.
public struct ProbeRoots: Hashable, Sendable {
    public var proc = "/proc"
    public var sys = "/sys"
    public var dev = "/dev"
    public var utmp = "/var/run/utmp"
    public var systemBus = "/run/dbus/system_bus_socket"

    public init() {}
}
