import Domain

/// How a database is opened.
public struct PostgresOptions: Sendable {
    /// Accept a server that runs with `fsync` or `full_page_writes` off and may lose or damage what it has committed.
    /// For tests and trials only.
    public var mayLoseData = false
    /// How long no new attempt to connect is made after one has failed.
    public var pause = TimeSpan(milliseconds: 200)

    public init() {}
}
