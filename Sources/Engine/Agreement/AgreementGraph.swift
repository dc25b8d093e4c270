import Domain

/// Who agreed with whom: hosts, and for every two of them how often they met, agreed and differed.
///
/// Fed unit by unit, in any order, so that a batch of any size can be read in pages. What it keeps is bounded by
/// `Bounds`; what did not fit is counted, and whoever shows the graph says so.
public struct AgreementGraph: Sendable {
    /// How much is kept.
    public struct Bounds: Hashable, Sendable {
        /// Pairs of hosts that met.
        public var pairs: Int
        /// Units in which somebody was contradicted.
        public var contradictions: Int
        /// Hosts times blocks of units; beyond it blocks become wider.
        public var places: Int
        /// Hardware classes that are told apart.
        public var classes: Int

        public init(
            pairs: Int = 500_000, contradictions: Int = 100_000, places: Int = 1_000_000, classes: Int = 64
        ) {
            self.pairs = pairs
            self.contradictions = contradictions
            self.places = places
            self.classes = classes
        }
    }

    /// Two hosts, the lower number first.
    public struct Pair: Hashable, Comparable, Sendable {
        public let low: HostID
        public let high: HostID

        public init(_ a: HostID, _ b: HostID) {
            low = min(a, b)
            high = max(a, b)
        }

        public static func < (a: Pair, b: Pair) -> Bool { (a.low, a.high) < (b.low, b.high) }
    }

    /// What happened between two hosts; counts are units.
    public struct Edge: Hashable, Sendable {
        /// Both brought a result that was compared or refuted.
        public var met = 0
        /// Both agreed with the accepted result.
        public var agreed = 0
        /// One was accepted, and the other was refused because it differs.
        public var differed = 0
        /// Both were refused, however.
        public var bothRefused = 0
        /// Both were refused and said the same.
        public var alike = 0

        public init() {}
    }

    /// Agreements and differences between results of two hardware classes.
    public struct ClassCount: Hashable, Sendable {
        public var agreed = 0
        public var differed = 0
    }

    /// Two hardware classes, in order; may be the same.
    public struct ClassPair: Hashable, Comparable, Sendable {
        public let first: String
        public let second: String

        init(_ a: String, _ b: String) {
            first = min(a, b)
            second = max(a, b)
        }

        public static func < (a: ClassPair, b: ClassPair) -> Bool { (a.first, a.second) < (b.first, b.second) }
    }

    /// A unit in which results agreed and others were refused for being different.
    struct Contradiction: Sendable {
        let unit: WorkUnitID
        let side: [GraphHost]
        let refused: [GraphHost]
    }

    public private(set) var hosts: [HostID: HostEvidence] = [:]
    public private(set) var edges: [Pair: Edge] = [:]
    public private(set) var classes: [ClassPair: ClassCount] = [:]
    /// Units with a decided result, and those in which results of two hosts or more were compared.
    public private(set) var unitsDecided = 0
    public private(set) var unitsCompared = 0
    /// Meetings of pairs, and contradictions, that were not kept.
    public private(set) var meetingsLeftOut = 0
    public private(set) var contradictionsLeftOut = 0
    private(set) var contradictions: [Contradiction] = []
    private(set) var blocks: MeetingBlocks
    private var knownClasses: Set<String> = []
    private let bounds: Bounds

    /// What stands for all hardware classes beyond the bound.
    public static let otherClasses = "other classes"

    public init(bounds: Bounds = Bounds()) {
        self.bounds = bounds
        blocks = MeetingBlocks(entriesMax: bounds.places)
    }

    /// Each unit once.
    public mutating func add(_ unit: UnitEvidence) {
        unitsDecided += 1
        for result in unit.results {
            hosts[result.host, default: HostEvidence(host: result.host, volunteer: result.volunteer)].count(result)
        }
        let side = unit.side
        let contradicted = unit.contradicted
        let refuted = unit.results.filter { $0.finding == .refuted }
        guard side.count + contradicted.count + refuted.count > 1 else { return }
        unitsCompared += side.isEmpty ? 0 : 1
        let refused = contradicted + refuted
        blocks.add(unit.unit, accepted: side.map(\.owner), refused: refused.map(\.owner))
        forEachPair(side) { $0.agreed += 1 }
        for one in side {
            for other in contradicted { update(one, other) { $0.differed += 1 } }
            for other in refuted { update(one, other) { _ in } }
        }
        for (at, one) in refused.enumerated() {
            for other in refused[(at + 1)...] {
                update(one, other) { edge in
                    edge.bothRefused += 1
                    edge.alike += UnitEvidence.areAlike(one, other) ? 1 : 0
                }
            }
        }
        countClasses(side, contradicted)
        if side.count > 1, !contradicted.isEmpty { note(unit.unit, side, contradicted) }
    }

    private mutating func forEachPair(_ results: [UnitEvidence.Result], _ change: (inout Edge) -> Void) {
        for (at, one) in results.enumerated() {
            for other in results[(at + 1)...] { update(one, other, change) }
        }
    }

    /// Counts a meeting. Two hosts of one volunteer never have the same unit; where a database says they have, that is
    /// no meeting of strangers.
    private mutating func update(
        _ one: UnitEvidence.Result, _ other: UnitEvidence.Result, _ change: (inout Edge) -> Void
    ) {
        guard one.volunteer != other.volunteer else { return }
        let pair = Pair(one.host, other.host)
        guard edges.count < bounds.pairs || edges[pair] != nil else {
            meetingsLeftOut += 1
            return
        }
        edges[pair, default: Edge()].met += 1
        change(&edges[pair, default: Edge()])
    }

    private mutating func countClasses(_ side: [UnitEvidence.Result], _ contradicted: [UnitEvidence.Result]) {
        for (at, one) in side.enumerated() {
            let own = known(one.fingerprint)
            for other in side[(at + 1)...] {
                classes[ClassPair(own, known(other.fingerprint)), default: ClassCount()].agreed += 1
            }
            for other in contradicted {
                classes[ClassPair(own, known(other.fingerprint)), default: ClassCount()].differed += 1
            }
        }
    }

    private mutating func known(_ fingerprint: String) -> String {
        if knownClasses.contains(fingerprint) { return fingerprint }
        guard knownClasses.count < bounds.classes else { return Self.otherClasses }
        knownClasses.insert(fingerprint)
        return fingerprint
    }

    private mutating func note(
        _ unit: WorkUnitID, _ side: [UnitEvidence.Result], _ contradicted: [UnitEvidence.Result]
    ) {
        guard contradictions.count < bounds.contradictions else {
            contradictionsLeftOut += 1
            return
        }
        contradictions.append(
            Contradiction(unit: unit, side: side.map(\.owner), refused: contradicted.map(\.owner)))
    }
}

extension UnitEvidence.Result {
    var owner: GraphHost { GraphHost(host: host, volunteer: volunteer) }
}
