import Bytes
import Domain
import Storage
import Synchronization

/// What the faulty twins of the server's stores are told. The same object draws for both, in the order of the calls.
final class ServerFaults: Sendable {
    private struct State {
        var draws: Draws
        var store = false
        var blobs = false
    }

    private let state: Mutex<State>
    /// One transaction of so many has a fault, one call of the blob store of so many.
    private static let storeOneIn = 40
    private static let blobsOneIn = 60

    init(seed: UInt64, _ kinds: Set<ChaosKind>) {
        var state = State(draws: Draws(seed: seed, purpose: 0x57))
        state.store = kinds.contains(.store)
        state.blobs = kinds.contains(.blobs)
        self.state = Mutex(state)
    }

    func heal() {
        state.withLock { state in
            state.store = false
            state.blobs = false
        }
    }

    /// Never applied-not and silent: a store that lies is a canary's, no server survives it.
    func ofTransaction() -> CallFate {
        state.withLock { state in
            guard state.store, state.draws.chance(oneIn: ServerFaults.storeOneIn) else { return .good }
            return CallFate(applied: state.draws.chance(oneIn: 2), reported: true)
        }
    }

    func ofBlobCall() -> CallFate {
        state.withLock { state in
            guard state.blobs, state.draws.chance(oneIn: ServerFaults.blobsOneIn) else { return .good }
            return CallFate(applied: state.draws.chance(oneIn: 2), reported: true)
        }
    }
}
