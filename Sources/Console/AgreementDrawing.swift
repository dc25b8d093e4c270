import Wire

/// The agreement graph for programs: as DOT for Graphviz, as JSON, and its edges as CSV.
struct AgreementDrawing {
    private let report: WireDisagreementReport

    init(_ report: WireDisagreementReport) {
        self.report = report
    }

    /// Agreements are grey, disagreements red and refusals alike dashed; suspected cliques have a frame.
    var dot: String {
        var text = "graph agreement {\n  node [shape=box, fontname=\"sans-serif\"];\n"
        let names = Dictionary(report.hosts.map { ($0.hostID, $0) }) { first, _ in first }
        let numbers = Set(report.edges.flatMap { [$0.hostA, $0.hostB] }).union(report.cliques.flatMap(\.hostIds))
        for number in numbers.sorted() {
            var label = "host \(number)"
            if let host = names[number] {
                if !host.hostName.isEmpty { label += " " + host.hostName }
                if !host.volunteerName.isEmpty { label += " (\(host.volunteerName))" }
                if host.failureRateMin > 0 { label += ", wrong at least \(Amounts.share(host.failureRateMin))" }
            }
            text += "  \(number) [label=\(Self.quoted(label))];\n"
        }
        for (at, clique) in report.cliques.enumerated() {
            text += "  subgraph cluster_\(at + 1) {\n    label=\"suspected clique \(at + 1)\"; color=red;\n"
            text += "    " + clique.hostIds.map { "\($0);" }.joined(separator: " ") + "\n  }\n"
        }
        for edge in report.edges { text += Self.lines(edge) }
        return text + "}\n"
    }

    private static func lines(_ edge: WireAgreementEdge) -> String {
        var text = ""
        let ends = "  \(edge.hostA) -- \(edge.hostB)"
        if edge.agreed > 0 { text += "\(ends) [label=\"\(edge.agreed)\", weight=\(edge.agreed), color=grey];\n" }
        if edge.differed > 0 {
            text += "\(ends) [label=\"\(edge.differed)\", color=red, fontcolor=red, constraint=false];\n"
        }
        if edge.alike > 0 { text += "\(ends) [label=\"\(edge.alike) alike\", style=dashed];\n" }
        return text
    }

    /// A string of the DOT language, where only the quote has to be escaped; a backslash would be an escape of its own.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in Printable.clean(text).unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted += "\\" }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }

    var csv: CSVTable {
        var table = CSVTable(["host_a", "host_b", "met", "agreed", "differed", "both_refused", "alike"])
        for edge in report.edges {
            table.add([
                .unsigned(edge.hostA), .unsigned(edge.hostB), .unsigned(edge.met), .unsigned(edge.agreed),
                .unsigned(edge.differed), .unsigned(edge.bothRefused), .unsigned(edge.alike),
            ])
        }
        return table
    }

    var json: JSONValue {
        .members([
            ("edges", .list(report.edges.map(Self.json))), ("edges_total", .unsigned(report.edgesTotal)),
            ("suspected_cliques", .list(report.cliques.map(Self.json))),
            ("worth_a_look", .list(report.worthALook.map(Self.json))),
            ("worth_a_look_total", .unsigned(report.worthALookTotal)), ("pairs", .unsigned(report.pairs)),
            ("alpha", .real(report.alpha)), ("meetings_left_out", .unsigned(report.meetingsLeftOut)),
            ("contradictions_left_out", .unsigned(report.contradictionsLeftOut)),
        ])
    }

    private static func json(_ edge: WireAgreementEdge) -> JSONValue {
        .members([
            ("host_a", .unsigned(edge.hostA)), ("host_b", .unsigned(edge.hostB)), ("met", .unsigned(edge.met)),
            ("agreed", .unsigned(edge.agreed)), ("differed", .unsigned(edge.differed)),
            ("both_refused", .unsigned(edge.bothRefused)), ("alike", .unsigned(edge.alike)),
        ])
    }

    private static func json(_ clique: WireSuspectedClique) -> JSONValue {
        let links = clique.links.map { link in
            JSONValue.members([
                ("host_a", .unsigned(link.hostA)), ("host_b", .unsigned(link.hostB)),
                ("standing", .unsigned(link.standing)), ("standing_expected", .real(link.standingExpected)),
                ("both_refused", .unsigned(link.bothRefused)), ("alike", .unsigned(link.alike)),
                ("chance", .real(link.chance)),
            ])
        }
        return .members([
            ("hosts", .list(clique.hostIds.map { .unsigned($0) })), ("standing", .unsigned(clique.standing)),
            ("contradicted_volunteers", .unsigned(clique.contradictedVolunteers)),
            ("alike", .unsigned(clique.alike)), ("refused_by_check", .unsigned(clique.refusedByCheck)),
            ("met", .unsigned(clique.met)), ("met_expected", .real(clique.metExpected)),
            ("chance", .real(clique.chance)), ("class_explains", .flag(clique.classExplains)),
            ("links", .list(links)),
        ])
    }

    private static func json(_ meeting: WireFrequentMeeting) -> JSONValue {
        .members([
            ("host_a", .unsigned(meeting.hostA)), ("host_b", .unsigned(meeting.hostB)),
            ("met", .unsigned(meeting.met)), ("met_expected", .real(meeting.metExpected)),
            ("differed", .unsigned(meeting.differed)), ("chance", .real(meeting.chance)),
        ])
    }
}
