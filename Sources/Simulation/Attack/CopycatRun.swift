import Bytes
import Domain
import ServerCore
import Storage
import Wire

/// A host that never computes, always second to an honest one, and reports what it can learn of the other's result.
struct CopycatRun {
    /// Whether it waits until its task is overdue and another host has taken its place.
    let waits: Bool
    let results: Int

    /// Different results that the app may have: what guessing earns is one in so many.
    static let answers: UInt64 = 64

    func play(_ fixture: AttackFixture, seed: UInt64) throws -> AttackTally {
        let site = try AttackSite(fixture, seed: seed)
        site.answers = Self.answers
        var first = try site.register(1)
        var second = try site.register(2)
        var copycat = try site.register(0)
        var draws = Draws(seed: seed, purpose: 0xCC)
        var tally = AttackTally()
        while try site.isRunning(), tally.results < results {
            try site.call(&first, want: 1)
            guard let offer = first.held.first else { break }
            let unit = site.task(offer).unit
            try site.call(&first, says: [(site.task(offer), site.truth(unit))])
            try site.call(&copycat, want: 1)
            guard let mine = copycat.held.first else { break }
            let task = site.task(mine)
            if waits {
                site.wait(2e6)
                try site.work()
                try compute(site, &second)
            }
            let value = try disclosed(site, task, to: copycat.id) ?? UInt64(draws.index(below: Int(Self.answers)))
            try site.call(&copycat, says: [(task, value)])
            try site.work()
            if !waits { try compute(site, &second) }
            tally.results += 1
            let state = try site.store.transaction { tx in
                try tx.workUnit(task.unit)?.tasks.first { $0.id == task }?.state
            }
            if case .decided(_, _, let verdict)? = state, verdict.outcome == .valid { tally.accepted += 1 }
        }
        return tally
    }

    /// Another honest host does what is left of the unit.
    private func compute(_ site: AttackSite, _ host: inout AttackHost) throws {
        guard try site.hasReplicaWaiting() else { return }
        try site.call(&host, want: 1)
        let says = host.held.map { offer in
            let task = site.task(offer)
            return (task, site.truth(task.unit))
        }
        try site.call(&host, says: says)
        try site.work()
    }

    /// The result of another host for the same unit, as far as the server shows it to anybody; blobs are public to
    /// whoever knows their hash.
    private func disclosed(_ site: AttackSite, _ task: TaskID, to copycat: HostID) throws -> UInt64? {
        let query = ValidationQuery(batch: site.batch, unit: task.unit.index, isForAll: true)
        let report = try site.store.transaction { tx in try site.core.validationReport(query, in: tx) }
        for other in report?.units.first?.tasks ?? [] where other.hostID != UInt64(copycat.rawValue) {
            guard let digest = Digest(hex: other.resultSha256) else { continue }
            var reader = ByteReader(try site.blobs.read(digest, limit: 64))
            if let value = try? reader.readU64() { return value }
        }
        return nil
    }
}
