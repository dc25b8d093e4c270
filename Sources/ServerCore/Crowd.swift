import Domain
import Engine
import Storage

/// Volunteers who were seen lately, and those of them who are proven for an app: how many a lot falls among.
public struct Crowd: Sendable {
    var volunteers = 0
    /// By the app's name without version, and by the checked results that a record must show.
    var proven: [String: [Int64]] = [:]

    /// The prefix of the address from which a host called last; nil when unknown. Kept in memory only, by the edge.
    public var network: @Sendable (HostID) -> UInt64? = { _ in nil }

    /// Nobody: then no lot is drawn.
    public init() {}

    /// - Parameter needed: checked results without a failure.
    func among(app: String, needed: Int64) -> Pairing.Crowd {
        Pairing.Crowd(volunteers: volunteers, proven: proven[app, default: []].count { $0 >= needed })
    }
}

/// Keeps the crowd for a minute or more, so that not every call counts all hosts. Owned by the writer's thread.
public struct CrowdGauge: Sendable {
    private var last: (crowd: Crowd, at: Timestamp)?

    public init() {}

    public mutating func current(
        _ core: ProjectServer, in tx: any StoreTransaction, now: Timestamp
    ) throws -> Crowd {
        try current(core, in: tx, now: now, stays: 0).crowd
    }

    /// - Parameter seconds: it stays at least so long.
    public mutating func current(
        _ core: ProjectServer, in tx: any StoreTransaction, now: Timestamp, stays seconds: Double
    ) throws -> (crowd: Crowd, isNew: Bool) {
        // A clock that was set back makes a crowd no younger.
        let lifetime = max(Self.lifetime, TimeSpan(seconds: seconds))
        if let last, now >= last.at, now - last.at < lifetime { return (last.crowd, false) }
        let crowd = try core.crowd(in: tx, now: now)
        last = (crowd, now)
        return (crowd, true)
    }

    private static let lifetime = TimeSpan(seconds: 60)
}

extension ProjectServer {
    static let seenLately = TimeSpan(seconds: 86_400)

    public func crowd(in tx: any StoreTransaction, now: Timestamp) throws -> Crowd {
        var volunteerOf: [HostID: VolunteerID] = [:]
        for host in try tx.hosts() where now - host.lastSeenAt < Self.seenLately {
            volunteerOf[host.id] = host.volunteer
        }
        var best: [String: [VolunteerID: Int64]] = [:]
        for record in try tx.trustRecords() {
            guard let volunteer = volunteerOf[record.host] else { continue }
            let reached = Trust.windowMax(record, now: now)
            guard reached > 0 else { continue }
            best[record.app, default: [:]][volunteer] = max(reached, best[record.app]?[volunteer] ?? 0)
        }
        var crowd = Crowd()
        crowd.volunteers = Set(volunteerOf.values).count
        crowd.proven = best.mapValues { Array($0.values) }
        return crowd
    }
}
