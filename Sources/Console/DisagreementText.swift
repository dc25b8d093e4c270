import Wire

/// The report on disagreements for people.
struct DisagreementText {
    private let report: WireDisagreementReport
    private let width: Int
    /// Hardware classes by their short names A, B, C ... in order of appearance.
    private var letters: [String: String] = [:]
    private var classes: [String] = []

    init(_ report: WireDisagreementReport, width: Int) {
        self.report = report
        self.width = width
        let named = report.rows.map(\.fingerprint) + report.classes.flatMap { [$0.classA, $0.classB] }
        for name in named + report.hosts.map(\.fingerprint) where letters[name] == nil {
            letters[name] = Self.letter(classes.count)
            classes.append(name)
        }
    }

    /// A ... Z, AA, AB ...
    private static func letter(_ number: Int) -> String {
        let last = String(UnicodeScalar(UInt8(65 + number % 26)))
        return number < 26 ? last : letter(number / 26 - 1) + last
    }

    var whole: String {
        if report.hosts.isEmpty { return heading + "\nNo result has been decided yet.\n" }
        return [heading, rows, hardware, ranking, cliques, meetings, bounds].filter { !$0.isEmpty }
            .joined(separator: "\n")
    }

    private var heading: String {
        var text = report.batchID == 0 ? "All batches" : "Batch \(report.batchID)"
        if report.hostID != 0 { text += ", host \(report.hostID)" }
        text += ": \(Amounts.count(report.unitsRead, "unit")) read, \(report.unitsCompared) compared, "
        return text + "\(Amounts.count(report.disagreementsTotal, "disagreement"))\n"
    }

    private var rows: String {
        if report.disagreementsTotal == 0 { return "No result was refused.\n" }
        var table = TextTable([
            .init("BATCH", .right), .init("UNIT", .right), .init("TASK", .right), .init("HOST", flexible: true),
            .init("VOLUNTEER", flexible: true), .init("CLASS"), .init("VERDICT"), .init("AGAINST", flexible: true),
            .init("FIRST DIFFERENCE", flexible: true), .init("DISTANCE", .right), .init("ALLOWED", .right),
        ])
        for row in report.rows {
            let isMeasured = !row.element.isEmpty
            table.add([
                "\(row.batchID)", "\(row.unit)", "\(row.task)", "\(row.hostID) \(row.hostName)", row.volunteerName,
                letters[row.fingerprint] ?? "", row.verdict, Self.list(row.againstHostIds), row.element,
                isMeasured ? Amounts.number(row.distance) : "", isMeasured ? Amounts.number(row.tolerance) : "",
            ])
        }
        let left = report.disagreementsTotal - min(report.disagreementsTotal, UInt64(report.rows.count))
        let more = left == 0 ? "" : "\(left) more are not shown; --rows N shows up to N.\n"
        return (report.rows.isEmpty ? "" : table.text(width: width)) + more
    }

    private static func list(_ hosts: [UInt64]) -> String { hosts.map(String.init).joined(separator: ", ") }

    // MARK: Hardware

    private var hardware: String {
        var text = "Hardware classes\n"
        for name in classes {
            text += "  \(letters[name] ?? "")  \(name.isEmpty ? "not told" : Printable.clean(name))\n"
        }
        if report.classes.isEmpty { return text }
        var table = TextTable([.init("CLASSES"), .init("AGREED", .right), .init("DIFFERED", .right)])
        for pair in report.classes {
            table.add([
                "\(letters[pair.classA] ?? "") and \(letters[pair.classB] ?? "")", "\(pair.agreed)",
                "\(pair.differed)",
            ])
        }
        return text + table.text(width: width)
    }

    // MARK: Hosts

    /// Hosts with a refused result, by evidence.
    var ranking: String {
        let refused = report.hosts.filter { Self.refused($0) > 0 }
        let clean = report.hostsTotal - min(report.hostsTotal, UInt64(refused.count))
        if refused.isEmpty { return "\(Amounts.count(clean, "host")) without a refused result\n" }
        var table = TextTable([
            .init("HOST", .right), .init("NAME", flexible: true), .init("VOLUNTEER", flexible: true), .init("CLASS"),
            .init("CHECKED", .right), .init("MALFORMED", .right), .init("REFUTED", .right),
            .init("AGAINST PROVEN", .right), .init("OUTVOTED", .right), .init("AGAINST ONE", .right),
            .init("WRONG AT LEAST", .right),
        ])
        for host in refused {
            table.add([
                "\(host.hostID)", host.hostName, host.volunteerName, letters[host.fingerprint] ?? "",
                "\(host.checked)", Self.count(host.malformed), Self.count(host.refuted),
                Self.count(host.againstProven), Self.count(host.outvoted), Self.count(host.againstOne),
                Amounts.share(host.failureRateMin),
            ])
        }
        return "Hosts by evidence, most first\n" + table.text(width: width)
            + (clean > 0 ? "and \(Amounts.count(clean, "host")) without a refused result\n" : "")
            + "With 95 % confidence, at least that share of the host's checked results is wrong. What a check refuted\n"
            + "counts whole, an outvoted result half, one against a single other result a quarter.\n"
    }

    private static func refused(_ host: WireHostEvidenceRow) -> UInt64 {
        host.malformed + host.refuted + host.againstProven + host.outvoted + host.againstOne
    }

    private static func count(_ count: UInt64) -> String { count == 0 ? "" : "\(count)" }

    // MARK: Groups

    private var cliques: String {
        let looked = "among \(Amounts.count(report.pairs, "pair")) of hosts"
        if report.cliques.isEmpty { return "Suspected cliques: none \(looked)\n" }
        var text = "Suspected cliques \(looked)\n"
        for clique in report.cliques {
            text += "  hosts \(Self.list(clique.hostIds))\n"
            if clique.standing > 0 {
                let expected = clique.links.reduce(0) { $0 + $1.standingExpected }
                text += "    stood together against \(Amounts.count(clique.contradictedVolunteers, "volunteer")) in "
                text += "\(Amounts.count(clique.standing, "unit"))"
                text += "; by chance their linked pairs would have \(Amounts.number(expected)) times\n"
            }
            if clique.alike > 0 {
                text += "    were refused with the same result as another of them \(clique.alike) times\n"
            }
            if clique.refusedByCheck > 0 {
                text += "    had \(Amounts.count(clique.refusedByCheck, "result")) refused by a check\n"
            }
            text += "    met \(clique.met) times, \(Amounts.number(clique.metExpected)) expected\n"
            text += "    chance that honest hosts look like this: \(Amounts.chance(clique.chance))\n"
            if clique.classExplains {
                text += "    all are of one hardware class, which explains it as well\n"
            }
        }
        return text
            + "This is evidence, not a verdict: hosts with the same fault look the same, and so do the few that\n"
            + "are right. `report validation` shows the results.\n"
    }

    private var meetings: String {
        if report.worthALook.isEmpty { return "" }
        var table = TextTable([
            .init("HOSTS"), .init("MET", .right), .init("EXPECTED", .right), .init("DIFFERED", .right),
            .init("CHANCE", .right),
        ])
        for meeting in report.worthALook {
            table.add([
                "\(meeting.hostA) and \(meeting.hostB)", "\(meeting.met)", Amounts.number(meeting.metExpected),
                "\(meeting.differed)", Amounts.chance(meeting.chance),
            ])
        }
        let left = report.worthALookTotal - min(report.worthALookTotal, UInt64(report.worthALook.count))
        return "Worth a look: met more often than chance explains, no more than that\n" + table.text(width: width)
            + (left > 0 ? "and \(left) more\n" : "")
    }

    private var bounds: String {
        var text = ""
        if report.meetingsLeftOut > 0 {
            text += "The graph is full: \(Amounts.count(report.meetingsLeftOut, "meeting")) of further pairs of hosts "
            text += "are not in it. --batch N asks for less.\n"
        }
        if report.contradictionsLeftOut > 0 {
            text += "\(Amounts.count(report.contradictionsLeftOut, "unit")) with a contradiction are counted, but were "
            text += "not searched for cliques.\n"
        }
        return text
    }
}
