import Domain
import Storage

/// What was provisional and was taken back, by host: the sum of the ledger's void entries.
///
/// The ledger only grows, so a tally is never made anew: it goes on where it stopped, a page at a time.
public struct VoidTally: Sendable {
    /// The first entry that was not counted yet.
    public private(set) var next: Int64 = 1
    public private(set) var byHost: [HostID: Credit] = [:]

    public init() {}

    /// - Parameter entries: from `next` on, without a gap.
    public mutating func add(_ entries: [LedgerEntry]) {
        for entry in entries {
            if entry.kind == .void, let host = entry.debit.host {
                byHost[host] = byHost[host, default: .zero] + entry.amount
            }
            next = entry.number + 1
        }
    }
}
