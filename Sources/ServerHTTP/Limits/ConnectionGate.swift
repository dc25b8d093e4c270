import Synchronization

/// How many connections are open, in all, from each address and from each network.
package final class ConnectionGate: Sendable {
    /// Why one more is not welcome. The raw value is the label in `/metrics`.
    package enum Refusal: String {
        case connections, addressConnections = "address_connections", networkConnections = "network_connections"
    }

    private struct Counts {
        var total = 0
        var byAddress: [String: Int] = [:]
        var byNetwork: [UInt64: Int] = [:]
    }

    private let limits: ServerLimits
    private let counts = Mutex(Counts())
    private let open = Atomic(0)

    package init(limits: ServerLimits) {
        self.limits = limits
    }

    package var count: Int { open.load(ordering: .relaxed) }
    /// Three quarters are taken: those who only wait must wait less.
    package var isCrowded: Bool { count >= limits.connections - limits.connections / 4 }

    /// - Parameter network: nil for an address of this machine, of which only the sum counts.
    /// - Returns: nil when the connection is counted; then `leave` must be called once.
    package func enter(_ address: String, _ network: UInt64?) -> Refusal? {
        counts.withLock { counts in
            guard counts.total < limits.connections else { return .connections }
            if network != nil || limits.countLoopback == 1 {
                guard counts.byAddress[address, default: 0] < limits.connectionsPerAddress else {
                    return .addressConnections
                }
                if let network {
                    guard counts.byNetwork[network, default: 0] < limits.connectionsPerNetwork else {
                        return .networkConnections
                    }
                    counts.byNetwork[network, default: 0] += 1
                }
                counts.byAddress[address, default: 0] += 1
            }
            counts.total += 1
            open.store(counts.total, ordering: .relaxed)
            return nil
        }
    }

    package func leave(_ address: String, _ network: UInt64?) {
        counts.withLock { counts in
            counts.total -= 1
            open.store(counts.total, ordering: .relaxed)
            if let left = counts.byAddress[address] { counts.byAddress[address] = left > 1 ? left - 1 : nil }
            guard let network, let left = counts.byNetwork[network] else { return }
            counts.byNetwork[network] = left > 1 ? left - 1 : nil
        }
    }
}
