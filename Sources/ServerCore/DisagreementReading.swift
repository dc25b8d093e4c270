import Domain
import Engine
import Wire

/// A report on disagreements while it is being read: the graph so far, and the first rows.
public struct DisagreementReading: Sendable {
    private let query: DisagreementQuery
    private var graph: AgreementGraph
    private var rows: [WireDisagreementRow] = []
    private var disagreements = 0
    private var unitsRead = 0
    private static let meetingsMax = 1000

    public init(_ query: DisagreementQuery, bounds: AgreementGraph.Bounds = AgreementGraph.Bounds()) {
        self.query = query
        graph = AgreementGraph(bounds: bounds)
    }

    public mutating func add(_ page: EvidencePage) {
        unitsRead += page.unitsRead
        for unit in page.units {
            graph.add(unit)
            let side = unit.side
            for result in unit.disputed {
                let against = result.finding.isContradicted ? side.map(\.host) : []
                guard concerns(result.host, against) else { continue }
                disagreements += 1
                if rows.count < query.rowsMax { rows.append(row(result, of: unit, against)) }
            }
        }
    }

    private func concerns(_ host: HostID, _ others: [HostID]) -> Bool {
        query.host.map { $0 == host || others.contains($0) } ?? true
    }

    private func row(
        _ result: UnitEvidence.Result, of unit: UnitEvidence, _ against: [HostID]
    ) -> WireDisagreementRow {
        var row = WireDisagreementRow()
        row.batchID = UInt64(unit.unit.batch.rawValue)
        row.unit = UInt64(unit.unit.index)
        row.label = unit.label
        row.task = UInt32(result.task.ordinal)
        row.hostID = UInt64(result.host.rawValue)
        row.fingerprint = result.fingerprint
        row.verdict = result.finding.word
        row.comparedWith = result.verdict.comparedWith?.description ?? ""
        row.againstHostIds = against.map { UInt64($0.rawValue) }
        row.element = result.verdict.difference?.element ?? ""
        row.distance = result.verdict.difference?.distance ?? 0
        row.tolerance = result.verdict.difference?.tolerance ?? 0
        row.reason = result.verdict.reason
        return row
    }

    // MARK: The report

    /// What was read, without names. Looking for groups takes seconds for the largest graphs.
    public func report() -> WireDisagreementReport {
        var report = WireDisagreementReport()
        report.batchID = UInt64(query.batch?.rawValue ?? 0)
        report.hostID = UInt64(query.host?.rawValue ?? 0)
        report.unitsRead = UInt64(unitsRead)
        report.unitsCompared = UInt64(graph.unitsCompared)
        report.disagreementsTotal = UInt64(disagreements)
        report.rows = rows
        report.meetingsLeftOut = UInt64(graph.meetingsLeftOut)
        report.contradictionsLeftOut = UInt64(graph.contradictionsLeftOut)
        fillHosts(&report)
        fillEdges(&report)
        report.classes = graph.classes.sorted { a, b in
            a.value.differed == b.value.differed ? a.key < b.key : a.value.differed > b.value.differed
        }.map { WireClassPairRow($0.key, $0.value) }
        let findings = graph.findings()
        report.pairs = UInt64(findings.pairs)
        report.alpha = AgreementFindings.alpha
        report.cliques = findings.groups.filter { concerns($0.hosts[0], $0.hosts) }.map(WireSuspectedClique.init)
        let meetings = findings.worthALook.filter { concerns($0.pair.low, [$0.pair.high]) }
        report.worthALookTotal = UInt64(meetings.count)
        report.worthALook = meetings.prefix(Self.meetingsMax).map(WireFrequentMeeting.init)
        return report
    }

    private func fillHosts(_ report: inout WireDisagreementReport) {
        var hosts = Array(graph.hosts.values)
        if let host = query.host {
            hosts = hosts.filter { one in
                one.host == host || (graph.edges[AgreementGraph.Pair(one.host, host)]?.differed ?? 0) > 0
            }
        }
        hosts.sort(by: HostEvidence.precedes)
        report.hostsTotal = UInt64(hosts.count)
        report.hosts = hosts.prefix(query.hostsMax).map(WireHostEvidenceRow.init)
    }

    private func fillEdges(_ report: inout WireDisagreementReport) {
        let edges = graph.edges.filter { concerns($0.key.low, [$0.key.high]) }.sorted { a, b in
            let one = (a.value.differed, a.value.alike, a.value.agreed)
            let other = (b.value.differed, b.value.alike, b.value.agreed)
            return one == other ? a.key < b.key : one > other
        }
        report.edgesTotal = UInt64(edges.count)
        report.edges = edges.prefix(query.edgesMax).map { pair, edge in
            var row = WireAgreementEdge()
            (row.hostA, row.hostB) = pair.numbers
            row.met = UInt64(edge.met)
            row.agreed = UInt64(edge.agreed)
            row.differed = UInt64(edge.differed)
            row.bothRefused = UInt64(edge.bothRefused)
            row.alike = UInt64(edge.alike)
            return row
        }
    }
}

extension UnitEvidence.Finding {
    /// For reports and JSON.
    var word: String {
        switch self {
        case .proven: "proven"
        case .agreed: "agreed"
        case .unchecked: "unchecked"
        case .malformed: "malformed"
        case .refuted: "refuted"
        case .againstProven: "against a proven result"
        case .outvoted: "outvoted"
        case .againstOne: "against one result"
        case .undecided: "no agreement"
        }
    }
}

extension AgreementGraph.Pair {
    var numbers: (UInt64, UInt64) { (UInt64(low.rawValue), UInt64(high.rawValue)) }
}

extension WireHostEvidenceRow {
    init(_ host: HostEvidence) {
        self.init()
        hostID = UInt64(host.host.rawValue)
        fingerprint = host.fingerprint
        checked = UInt64(host.checked)
        agreed = UInt64(host.agreed)
        proven = UInt64(host.proven)
        malformed = UInt64(host.malformed)
        refuted = UInt64(host.refuted)
        againstProven = UInt64(host.againstProven)
        outvoted = UInt64(host.outvoted)
        againstOne = UInt64(host.againstOne)
        unchecked = UInt64(host.unchecked)
        undecided = UInt64(host.undecided)
        failureRateMin = host.failureRateMin
    }
}

extension WireClassPairRow {
    init(_ pair: AgreementGraph.ClassPair, _ count: AgreementGraph.ClassCount) {
        self.init()
        classA = pair.first
        classB = pair.second
        agreed = UInt64(count.agreed)
        differed = UInt64(count.differed)
    }
}

extension WireSuspectedClique {
    init(_ group: AgreementFindings.Group) {
        self.init()
        hostIds = group.hosts.map { UInt64($0.rawValue) }
        standing = UInt64(group.standing)
        contradictedVolunteers = UInt64(group.contradictedVolunteers)
        alike = UInt64(group.alike)
        refusedByCheck = UInt64(group.refusedByCheck)
        met = UInt64(group.met)
        metExpected = group.expectedMet
        chance = group.chance
        classExplains = group.classExplains
        links = group.links.map { link in
            var row = WireCliqueLink()
            (row.hostA, row.hostB) = link.pair.numbers
            row.standing = UInt64(link.standing)
            row.standingExpected = link.expectedStanding
            row.bothRefused = UInt64(link.bothRefused)
            row.alike = UInt64(link.alike)
            row.chance = link.chance
            return row
        }
    }
}

extension WireFrequentMeeting {
    init(_ meeting: AgreementFindings.Meeting) {
        self.init()
        (hostA, hostB) = meeting.pair.numbers
        met = UInt64(meeting.edge.met)
        metExpected = meeting.expected
        differed = UInt64(meeting.edge.differed)
        chance = meeting.chance
    }
}
