import Domain

/// How a database is opened.
public struct PostgresOptions: Sendable {
    /// Accept a server that runs with `fsync` or `full_page_writes` off and may lose or damage what it has committed.
    /// For tests and trials only.
    public var mayLoseData = false
    /// How long no new attempt to connect is made after one has failed.
    public var pause = TimeSpan(milliseconds: 200)

    /// How long a store whose commit was not answered asks what became of it.
    public var patience = TimeSpan(milliseconds: 5000)
    public var use = Use.shared

    public init() {}

    /// Who else may use the database meanwhile. Sessions keep each other out by one lock of the server, which gives it
    /// back when a session ends, however it ends.
    public enum Use: Sendable {
        /// Other servers; nobody who needs it alone.
        case shared
        /// No server and no other command. A transaction may pause for as long as it likes.
        case alone
        /// Another session of this process says who.
        case beside
    }
}
