import Domain

/// What stands out in an agreement graph, each with the chance that it means nothing.
///
/// Two hosts are linked when one of two things happened more often than chance explains, at `alpha` for all pairs
/// together (Bonferroni), and `excess` times as often at least, since in a large project every small error of the model
/// becomes significant:
/// - **They stood together against others.** In how many units did both agree while results of others were refused for
///   being different, against two volunteers or more? If those who were refused erred for reasons of their own, it is
///   chance who stood on the other side, and `MeetingOdds` says how often these two would have.
/// - **They were refused alike.** Both results were refused and said the same. Two independent faults do that once in
///   twenty times at most; that figure is an assumption, and a generous one for anything longer than a yes or no.
///
/// Linked hosts are a suspected clique. Which side is right is not for statistics to say: two hosts that agree on
/// forgeries, two with the same fault, and the two right ones among many wrong look the same.
///
/// Hosts that only met more often than chance, without more, are listed apart: an assignment that can be steered, or
/// owners with the same habits, look like that.
public struct AgreementFindings: Sendable {
    /// A pair of hosts that hangs together.
    public struct Link: Hashable, Sendable {
        public var pair: AgreementGraph.Pair
        /// Units in which both stood together against others; how many chance would bring about.
        public var standing: Int
        public var expectedStanding: Double
        /// Units in which both were refused, and in how many alike.
        public var bothRefused: Int
        public var alike: Int
        /// The chance that any pair of honest hosts looks like this one; the smaller one of the two kinds.
        public var chance: Double
    }

    /// Hosts that hang together by links.
    public struct Group: Hashable, Sendable {
        /// In order of number.
        public var hosts: [HostID]
        public var links: [Link]
        /// Units in which two members or more stood together against others, and the volunteers that they were.
        public var standing: Int
        public var contradictedVolunteers: Int
        /// Pairs of members refused alike, over all units.
        public var alike: Int
        /// Members' results that a check refused.
        public var refusedByCheck: Int
        /// Meetings of members, and how many chance would bring about.
        public var met: Int
        public var expectedMet: Double
        /// The weakest link's.
        public var chance: Double
        /// All members are of one hardware class, and nobody else of it differs from them: a difference between
        /// classes explains it as well.
        public var classExplains: Bool
    }

    /// Two hosts that met more often than chance explains, and are in no group together.
    public struct Meeting: Hashable, Sendable {
        public var pair: AgreementGraph.Pair
        public var edge: AgreementGraph.Edge
        public var expected: Double
        /// The chance that any pair of hosts meets so often when hosts are assigned by chance.
        public var chance: Double
    }

    public var groups: [Group] = []
    public var worthALook: [Meeting] = []
    /// Pairs of hosts that took part, all of which were looked at.
    public var pairs = 0

    /// The chance that a project of honest hosts gives a link of one kind, and that it gives a meeting worth a look.
    public static let alpha = 0.001
    /// Fewer events than this are never called more than chance.
    public static let eventsMin = 3
    /// So many times more than chance, at least, for a link and for a meeting worth a look.
    public static let excess = 2.0
    public static let meetingExcess = 1.5
    /// How often two independent faults give the same wrong result, at most.
    public static let alikeByChance = 0.05
}

extension AgreementGraph {
    /// How often two hosts would have met, had hosts been assigned by chance; 0 for a host that never took part. For a
    /// single question: it goes through all blocks.
    public func expectedMeetings(_ pair: Pair) -> Double {
        guard let a = hosts[pair.low], let b = hosts[pair.high] else { return 0 }
        return MeetingOdds(blocks, []).expectedMeetings(
            GraphHost(host: a.host, volunteer: a.volunteer), GraphHost(host: b.host, volunteer: b.volunteer))
    }

    /// Looks for groups and for frequent meetings. Costs time in proportion to pairs times blocks.
    public func findings() -> AgreementFindings {
        var findings = AgreementFindings()
        let present = Set(blocks.blocks.values.flatMap(\.hosts.keys))
        findings.pairs = present.count * (present.count - 1) / 2
        let owners = Dictionary(present.map { ($0.host, $0) }) { first, _ in first }
        let search = FindingSearch(graph: self, owners: owners, pairs: findings.pairs)
        let links = search.links()
        findings.groups = search.groups(of: links)
        findings.worthALook = search.meetings(notIn: findings.groups)
        return findings
    }
}

/// The work of `findings()`.
private struct FindingSearch {
    let graph: AgreementGraph
    let owners: [HostID: GraphHost]
    let pairs: Int
    let odds: MeetingOdds

    init(graph: AgreementGraph, owners: [HostID: GraphHost], pairs: Int) {
        self.graph = graph
        self.owners = owners
        self.pairs = pairs
        odds = MeetingOdds(graph.blocks, graph.contradictions)
    }

    // MARK: Links

    func links() -> [AgreementFindings.Link] {
        let refusedTogether = graph.edges.values.count { $0.bothRefused >= AgreementFindings.eventsMin }
        let standing = standingCounts()
        var candidates = Set(standing.filter { $0.value.units >= AgreementFindings.eventsMin }.keys)
        for (pair, edge) in graph.edges where edge.alike >= AgreementFindings.eventsMin { candidates.insert(pair) }
        return candidates.sorted().compactMap { pair in
            guard let a = owners[pair.low], let b = owners[pair.high] else { return nil }
            let edge = graph.edges[pair] ?? AgreementGraph.Edge()
            let stood = standing[pair] ?? Standing()
            let expected = odds.expectedStanding(a, b)
            var chance = 1.0
            let isMany = Double(stood.units) >= AgreementFindings.excess * expected
            if stood.units >= AgreementFindings.eventsMin, stood.against.count >= 2, isMany {
                chance = Chance.poissonTail(atLeast: stood.units, mean: expected) * Double(pairs)
            }
            if edge.alike >= AgreementFindings.eventsMin {
                let mean = Double(edge.bothRefused) * AgreementFindings.alikeByChance
                chance = min(
                    chance, Chance.poissonTail(atLeast: edge.alike, mean: mean) * Double(max(1, refusedTogether)))
            }
            guard chance < AgreementFindings.alpha else { return nil }
            return AgreementFindings.Link(
                pair: pair, standing: stood.units, expectedStanding: expected, bothRefused: edge.bothRefused,
                alike: edge.alike, chance: chance)
        }
    }

    private struct Standing {
        var units = 0
        var against: Set<VolunteerID> = []
    }

    private func standingCounts() -> [AgreementGraph.Pair: Standing] {
        var counts: [AgreementGraph.Pair: Standing] = [:]
        for one in graph.contradictions {
            for (at, a) in one.side.enumerated() {
                for b in one.side[(at + 1)...] where a.volunteer != b.volunteer {
                    let pair = AgreementGraph.Pair(a.host, b.host)
                    counts[pair, default: Standing()].units += 1
                    // Two are enough to know.
                    if counts[pair, default: Standing()].against.count < 2 {
                        counts[pair, default: Standing()].against.formUnion(one.refused.map(\.volunteer))
                    }
                }
            }
        }
        return counts
    }

    // MARK: Groups

    /// The connected parts of the links, the strongest first.
    func groups(of links: [AgreementFindings.Link]) -> [AgreementFindings.Group] {
        var group: [HostID: HostID] = [:]
        func root(_ host: HostID) -> HostID {
            var host = host
            while let next = group[host], next != host { host = next }
            return host
        }
        for link in links {
            let (a, b) = (root(link.pair.low), root(link.pair.high))
            group[max(a, b)] = min(a, b)
            group[min(a, b)] = min(a, b)
        }
        let members = Dictionary(grouping: group.keys, by: root)
        return members.values.map { describe($0.sorted(), links) }.sorted { a, b in
            (a.chance, a.hosts[0]) < (b.chance, b.hosts[0])
        }
    }

    private func describe(
        _ hosts: [HostID], _ all: [AgreementFindings.Link]
    ) -> AgreementFindings.Group {
        let inside = Set(hosts)
        let links = all.filter { inside.contains($0.pair.low) }
        var standing = 0
        var contradicted: Set<GraphHost> = []
        for one in graph.contradictions where one.side.count(where: { inside.contains($0.host) }) > 1 {
            let others = one.refused.filter { !inside.contains($0.host) }
            standing += others.isEmpty ? 0 : 1
            contradicted.formUnion(others)
        }
        var group = AgreementFindings.Group(
            hosts: hosts, links: links, standing: standing,
            contradictedVolunteers: Set(contradicted.map(\.volunteer)).count, alike: 0,
            refusedByCheck: hosts.reduce(0) { $0 + (graph.hosts[$1]?.refusedByCheck ?? 0) }, met: 0, expectedMet: 0,
            chance: links.map(\.chance).max() ?? 1,
            classExplains: classExplains(inside))
        for (at, a) in hosts.enumerated() {
            for b in hosts[(at + 1)...] {
                let edge = graph.edges[AgreementGraph.Pair(a, b)] ?? AgreementGraph.Edge()
                group.alike += edge.alike
                group.met += edge.met
                if let a = owners[a], let b = owners[b] { group.expectedMet += odds.expectedMeetings(a, b) }
            }
        }
        return group
    }

    /// Whether all are of one hardware class of which nobody outside differs from them; where they differ from nobody,
    /// whether nobody outside is of it.
    private func classExplains(_ hosts: Set<HostID>) -> Bool {
        let classes = Set(hosts.compactMap { graph.hosts[$0]?.fingerprint })
        var others: Set<HostID> = []
        for (pair, edge) in graph.edges where edge.differed > 0 {
            if hosts.contains(pair.low) { others.insert(pair.high) }
            if hosts.contains(pair.high) { others.insert(pair.low) }
        }
        others.subtract(hosts)
        if others.isEmpty { others = Set(graph.hosts.keys).subtracting(hosts) }
        return classes.count == 1 && classes.isDisjoint(with: others.compactMap { graph.hosts[$0]?.fingerprint })
    }

    // MARK: Meetings

    func meetings(notIn groups: [AgreementFindings.Group]) -> [AgreementFindings.Meeting] {
        var place: [HostID: Int] = [:]
        for (at, group) in groups.enumerated() {
            for host in group.hosts { place[host] = at }
        }
        var found: [AgreementFindings.Meeting] = []
        for (pair, edge) in graph.edges where edge.met >= AgreementFindings.eventsMin {
            guard let a = owners[pair.low], let b = owners[pair.high],
                place[pair.low] == nil || place[pair.low] != place[pair.high]
            else { continue }
            let expected = odds.expectedMeetings(a, b)
            let chance = Chance.poissonTail(atLeast: edge.met, mean: expected) * Double(pairs)
            let isMany = Double(edge.met) >= AgreementFindings.meetingExcess * expected
            guard chance < AgreementFindings.alpha, isMany else { continue }
            found.append(AgreementFindings.Meeting(pair: pair, edge: edge, expected: expected, chance: chance))
        }
        return found.sorted { ($0.chance, $0.pair) < ($1.chance, $1.pair) }
    }
}
