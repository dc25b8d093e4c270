import Preferences

/// When the machine counts as idle, and what is allowed then.
public struct IdleSettings: Hashable, Sendable {
    /// Compute whatever the probes say: servers, and machines given to the project. Windows of the week, the limits of
    /// `not_in_use`, and what is said of a network that costs by the byte hold all the same.
    public var always = false
    public var preferences = Preferences.standard
    /// A load over the bound counts after this long: a moment of work by others is no reason to stop.
    public var loadSustainSeconds = 2.0
    /// The load must stay under the bound for this long.
    public var loadQuietSeconds = 60.0
    /// A source of input, or the load, is silent when its last reading is older than this.
    public var staleSeconds = ProbePeriod.silentSeconds
    /// A source that has not spoken at all is waited for this long.
    public var firstWordSeconds = 10.0
    /// A probe that was silent for this long is taken for one that is not there.
    public var forgetSeconds = 300.0

    public init() {}
}
