import Domain

/// What happens to one call of a faulty store: two bits, drawn independently.
///
/// `applied` and an error reported is the case that breaks naive retries; not applied and no error is a disk that lies.
public struct CallFate: Hashable, Sendable {
    /// Whether the call had its effect.
    public var applied: Bool
    /// Whether the caller is told of a failure.
    public var reported: Bool
    /// What the caller is told then.
    public var failure = CallFate.error

    public init(applied: Bool, reported: Bool) {
        self.applied = applied
        self.reported = reported
    }

    public static let good = CallFate(applied: true, reported: false)
    /// The failure that a scripted fault reports.
    public static let error = StoreError.io("scripted fault")
}

/// A store whose transactions fail as a script says.
public final class FaultyStore: Store {
    private let base: any Store
    private let script: (Int) -> CallFate
    /// Transactions so far; the script sees this number, from 0.
    public private(set) var calls = 0

    public init(_ base: any Store, script: @escaping (Int) -> CallFate) {
        self.base = base
        self.script = script
    }

    private enum Unapplied: Error { case rollBack }

    /// The body runs in every case, as it would when only the commit fails.
    public func transaction<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
        let fate = script(calls)
        calls += 1
        var value: T?
        do {
            try base.transaction { tx in
                value = try body(tx)
                if !fate.applied { throw Unapplied.rollBack }
            }
        } catch Unapplied.rollBack {}
        guard let value, !fate.reported else { throw fate.failure }
        return value
    }
}
