import Domain
import Storage

/// Recent averages of hosts and volunteers from the ledger that is there already: exponentials, which SQLite may have
/// been built without.
enum RecentFill {
    private static let page = Query(
        """
        SELECT number, at_ms, kind, debit_host, credit_host, amount FROM ledger WHERE number > ? ORDER BY number
        LIMIT 1000
        """)
    private static let owners = Query("SELECT id, volunteer FROM host")
    private static let saveHost = Query("UPDATE host SET recent = ?2, recent_ms = ?3 WHERE id = ?1")
    private static let saveVolunteer = Query("UPDATE volunteer SET recent = ?2, recent_ms = ?3 WHERE id = ?1")

    @Sendable static func run(_ connection: Connection) throws {
        var hosts: [Int64: RecentAverage] = [:]
        var volunteers: [Int64: RecentAverage] = [:]
        let owned = try connection.all(owners) { ($0.integer(), $0.integer()) }
        let owner = Dictionary(uniqueKeysWithValues: owned)
        var number: Int64 = 0
        while true {
            let entries = try connection.all(page, { $0.integer(number) }, read)
            guard let last = entries.last else { break }
            number = last.number
            for entry in entries {
                for (host, amount) in entry.changes {
                    hosts[host, default: .zero].add(amount, at: entry.at)
                    guard let volunteer = owner[host] else { throw StoreError.corrupt("host \(host) has no volunteer") }
                    volunteers[volunteer, default: .zero].add(amount, at: entry.at)
                }
            }
        }
        for (query, averages) in [(saveHost, hosts), (saveVolunteer, volunteers)] {
            for (id, average) in averages {
                try connection.run(query) {
                    $0.integer(id)
                    $0.recent(average)
                }
            }
        }
    }

    private struct Entry {
        var number: Int64
        var at: Timestamp
        /// Host and signed amount, final accounts only; see `LedgerEntry.finalCredit`.
        var changes: [(Int64, Credit)]
    }

    private static func read(_ row: inout Row) throws -> Entry {
        let number = row.integer()
        let at = row.time()
        guard let kind = LedgerKind(rawValue: row.int()) else {
            throw StoreError.corrupt("ledger entry \(number): unknown kind")
        }
        let debit = row.optionalInteger()
        let credit = row.optionalInteger()
        let amount = Credit(microcobblestones: row.integer())
        var changes: [(Int64, Credit)] = []
        if let credit, kind != .hold { changes.append((credit, amount)) }
        if let debit, kind != .release, kind != .void { changes.append((debit, -amount)) }
        return Entry(number: number, at: at, changes: changes)
    }
}
