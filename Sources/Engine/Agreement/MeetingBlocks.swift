import Domain

/// Who was where: how often each host took part, block by block of neighbouring units.
///
/// Units are handed out in order of number, so a block is a stretch of time, too. Hosts that compute in the same week
/// meet more often than chance over a whole year would have it; within a block that counts for little.
struct MeetingBlocks: Sendable {
    struct Key: Hashable, Comparable, Sendable {
        let batch: BatchID
        let number: Int64

        static func < (a: Key, b: Key) -> Bool { (a.batch, a.number) < (b.batch, b.number) }
    }

    /// How often somebody took part.
    struct Count: Sendable {
        /// Meetings: one for each other result of the same unit. Not units, since a host whose results are refused is
        /// in larger units than others.
        var meetings = 0
        /// Results that were accepted and had others of their unit beside them.
        var accepted = 0

        mutating func add(_ other: Count) {
            meetings += other.meetings
            accepted += other.accepted
        }
    }

    struct Block: Sendable {
        var hosts: [GraphHost: Count] = [:]
        var volunteers: [VolunteerID: Count] = [:]
        /// Over all hosts: each meeting counts twice.
        var all = Count()
    }

    private(set) var blocks: [Key: Block] = [:]
    /// Units in a block.
    private(set) var width: Int64 = 64
    /// Hosts over all blocks, which is what they cost.
    private var entries = 0
    private var isWidest = false
    private let entriesMax: Int
    private static let blocksMax = 4096

    init(entriesMax: Int) {
        self.entriesMax = entriesMax
    }

    func key(of unit: WorkUnitID) -> Key { Key(batch: unit.batch, number: unit.index / width) }

    mutating func add(_ unit: WorkUnitID, accepted: [GraphHost], refused: [GraphHost]) {
        let key = key(of: unit)
        let before = blocks[key]?.hosts.count ?? 0
        let meetings = accepted.count + refused.count - 1
        for host in accepted { add(Count(meetings: meetings, accepted: 1), of: host, to: key) }
        for host in refused { add(Count(meetings: meetings), of: host, to: key) }
        entries += (blocks[key]?.hosts.count ?? 0) - before
        while entries > entriesMax || blocks.count > Self.blocksMax, !isWidest { widen() }
    }

    private mutating func add(_ count: Count, of host: GraphHost, to key: Key) {
        blocks[key, default: Block()].hosts[host, default: Count()].add(count)
        blocks[key, default: Block()].volunteers[host.volunteer, default: Count()].add(count)
        blocks[key, default: Block()].all.add(count)
    }

    /// Joins neighbours. Batches are never joined: when each has one block, that is as wide as it gets.
    private mutating func widen() {
        width *= 2
        var wide: [Key: Block] = [:]
        for (key, block) in blocks {
            let place = Key(batch: key.batch, number: key.number / 2)
            var sum = wide[place] ?? Block()
            for (host, count) in block.hosts { sum.hosts[host, default: Count()].add(count) }
            for (volunteer, count) in block.volunteers { sum.volunteers[volunteer, default: Count()].add(count) }
            sum.all.add(block.all)
            wide[place] = sum
        }
        blocks = wide
        entries = wide.values.reduce(0) { $0 + $1.hosts.count }
        isWidest = width >= 1 << 36
    }
}

/// A host and whose it is.
struct GraphHost: Hashable, Sendable {
    let host: HostID
    let volunteer: VolunteerID
}

/// What chance would bring about between two hosts: the blocks turned into a list for each host.
struct MeetingOdds {
    /// How often a host, and all hosts of its volunteer, took part in a block.
    private struct Presence {
        let block: Int
        let host: MeetingBlocks.Count
        let volunteer: MeetingBlocks.Count

        var meetings: Share { Share(host: host.meetings, volunteer: volunteer.meetings) }
        var accepted: Share { Share(host: host.accepted, volunteer: volunteer.accepted) }
    }

    /// Contradictions of a block in which the same volunteers were refused.
    private struct Refusals {
        let absent: [VolunteerID]
        /// Accepted results of those volunteers in the block.
        let gone: Int
        /// Pairs of hosts that stood together against them.
        var pairs = 0
    }

    private var presence: [HostID: [Presence]] = [:]
    private var blocks: [MeetingBlocks.Block] = []
    private var refusals: [[Refusals]] = []

    init(_ meetings: MeetingBlocks, _ contradictions: [AgreementGraph.Contradiction]) {
        var places: [MeetingBlocks.Key: Int] = [:]
        for key in meetings.blocks.keys.sorted() {
            guard let block = meetings.blocks[key] else { continue }
            places[key] = blocks.count
            for (host, count) in block.hosts {
                let all = block.volunteers[host.volunteer] ?? count
                presence[host.host, default: []].append(
                    Presence(block: blocks.count, host: count, volunteer: all))
            }
            blocks.append(block)
        }
        refusals = Array(repeating: [], count: blocks.count)
        var known: [[[VolunteerID]: Int]] = Array(repeating: [:], count: blocks.count)
        for one in contradictions {
            guard let at = places[meetings.key(of: one.unit)] else { continue }
            let absent = Set(one.refused.map(\.volunteer)).sorted { $0.rawValue < $1.rawValue }
            if known[at][absent] == nil {
                known[at][absent] = refusals[at].count
                let gone = absent.reduce(0) { $0 + (blocks[at].volunteers[$1]?.accepted ?? 0) }
                refusals[at].append(Refusals(absent: absent, gone: gone))
            }
            if let place = known[at][absent] { refusals[at][place].pairs += one.side.count * (one.side.count - 1) / 2 }
        }
    }

    /// How often two hosts would have met, had hosts been assigned by chance: drawn by how often they met anybody in
    /// the block, never two of one volunteer.
    func expectedMeetings(_ a: GraphHost, _ b: GraphHost) -> Double {
        forEachCommon(a, b) { block, one, other in
            let all = blocks[block].all.meetings
            return Double(all) / 2 * Self.chance(one.meetings, other.meetings, of: all)
        }
    }

    /// How often two hosts would have stood together against a third, had those who were refused erred for reasons of
    /// their own: then it is chance who the two on the other side were, drawn by how often they were accepted.
    func expectedStanding(_ a: GraphHost, _ b: GraphHost) -> Double {
        forEachCommon(a, b) { block, one, other in
            var sum = 0.0
            for refused in refusals[block]
            where !refused.absent.contains(a.volunteer) && !refused.absent.contains(b.volunteer) {
                let all = blocks[block].all.accepted - refused.gone
                sum += Double(refused.pairs) * Self.chance(one.accepted, other.accepted, of: all)
            }
            return sum
        }
    }

    private func forEachCommon(
        _ a: GraphHost, _ b: GraphHost, _ expected: (Int, Presence, Presence) -> Double
    ) -> Double {
        guard let own = presence[a.host], let others = presence[b.host] else { return 0 }
        var (i, j) = (0, 0)
        var sum = 0.0
        while i < own.count, j < others.count {
            if own[i].block < others[j].block {
                i += 1
            } else if own[i].block > others[j].block {
                j += 1
            } else {
                sum += expected(own[i].block, own[i], others[j])
                i += 1
                j += 1
            }
        }
        return sum
    }

    /// A host's count, and that of all hosts of its volunteer.
    private struct Share {
        let host: Int
        let volunteer: Int
    }

    /// The chance that two hosts are the two that are drawn: one first, then the other among those of other volunteers,
    /// or the other way round.
    private static func chance(_ one: Share, _ other: Share, of all: Int) -> Double {
        guard one.host > 0, other.host > 0, all > 0 else { return 0 }
        let (restOne, restOther) = (all - one.volunteer, all - other.volunteer)
        guard restOne > 0, restOther > 0 else { return 1 }
        let product = Double(one.host) * Double(other.host) / Double(all)
        return min(1, product * (1 / Double(restOne) + 1 / Double(restOther)))
    }
}
