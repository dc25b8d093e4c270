/// Which of several server processes on one database runs the daemons: splitter, validator, assembler, publishers.
///
/// Jobs are derived from what the store says, so whoever takes over needs nothing else from the one before.
public protocol Leadership: Sendable {
    /// Whether there may be other processes.
    var isShared: Bool { get }
    /// Whether this process runs them: it goes on, or takes over because nobody else does. Asked again and again, from
    /// one thread.
    func hold() -> Bool
    /// Called first in each transaction of a daemon, so that one who was held up commits nothing after another one has
    /// taken over.
    /// - Throws: `StoreError.conflict` then.
    func confirm(in tx: any StoreTransaction) throws
    /// Lets another process take over at once.
    func release()
}

/// There is only this process.
public struct SoleLeadership: Leadership {
    public init() {}
    public var isShared: Bool { false }
    public func hold() -> Bool { true }
    public func confirm(in tx: any StoreTransaction) throws {}
    public func release() {}
}
