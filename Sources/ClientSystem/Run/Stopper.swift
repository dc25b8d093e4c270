import Synchronization

/// Carries the wish to stop to a loop that may not exist yet when the wish comes.
public final class Stopper: Sendable {
    private struct State {
        var stopper: (@Sendable () -> Void)?
        var isStopped = false
    }

    private let state = Mutex(State())

    public init() {}

    public func stop() {
        let stopper = state.withLock {
            $0.isStopped = true
            return $0.stopper
        }
        stopper?()
    }

    /// - Parameter stopper: called for a wish that came before, or that comes later.
    public func set(_ stopper: @escaping @Sendable () -> Void) {
        let isStopped = state.withLock {
            $0.stopper = stopper
            return $0.isStopped
        }
        if isStopped { stopper() }
    }
}
