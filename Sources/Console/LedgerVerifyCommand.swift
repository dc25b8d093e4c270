import Domain
import Transparency
import WorkerHost

/// `millrace ledger verify PLACE --key KEY [--since FILE] [--save FILE] [--evidence FILE]`.
public struct LedgerVerifyCommand: Sendable {
    private let place: String
    private let key: String
    private let since: String?
    private let save: String?
    private let evidence: String?

    /// - Parameter place: a folder or an address. - Parameter since: the checkpoint of an earlier day, a file.
    /// - Parameter save: where to keep the checkpoint, when all is well; it may be the file of `since`.
    /// - Parameter evidence: where to write what convicts the ledger.
    public init(place: String, key: String, since: String?, save: String?, evidence: String?) {
        self.place = place
        self.key = key
        self.since = since
        self.save = save
        self.evidence = evidence
    }

    /// - Returns: 1 when anything is wrong.
    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        let key = try LedgerKeys.verifier(key)
        var kept: SignedCheckpoint?
        if let since { kept = try LedgerKeys.checkpoint(since, key) }
        let files = try LedgerFiles(place, notice: context.remark)
        var totals = LedgerTotals()
        var verifier = LogVerifier(files, key: key, kept: kept)
        let report = try verifier.run { index, bytes in totals.add(bytes, at: index) }
        // A leaf that is missing or wrong would break laws by itself.
        let breach = report.isClean ? totals.breach : nil
        let isSound = report.isClean && breach == nil
        var evidenceFile: String?
        if let found = report.evidence, let evidence {
            try LedgerKeys.writeNew(evidence, Array(found.text.utf8))
            evidenceFile = evidence
        }
        if isSound, let save, let checkpoint = report.checkpoint {
            try Files.replace(save, with: checkpoint.note.bytes)
        }
        context.answer(
            Self.json(report, totals, breach, evidenceFile),
            text: Self.text(report, totals, breach, evidenceFile, key: key))
        return isSound ? 0 : FaultKind.negative.rawValue
    }

    static func text(
        _ report: LogReport, _ totals: LedgerTotals, _ breach: CreditLaws.Breach?, _ evidence: String?, key: NoteKey
    ) -> String {
        var text = ""
        if let checkpoint = report.checkpoint {
            text += "\(Printable.clean(key.name)): \(checkpoint.size) leaves, "
            text += "root \(checkpoint.root.hex)\n"
            text += "confirmed \(report.leavesConfirmed): \(totals.text)\n"
        }
        for finding in report.findings { text += Printable.clean("\(finding)") + "\n" }
        let more = report.findingsTotal - report.findings.count
        if more > 0 { text += "... and \(Amounts.count(UInt64(more), "more finding"))\n" }
        if report.isClean { text += "Every leaf and every tile is what was signed.\n" }
        if let breach {
            text += Printable.clean("\(breach)") + "\n"
            text += "The checkpoint is signed all the same: it convicts the ledger. Keep it with the leaf's proof.\n"
        }
        if let evidence {
            text += "evidence: \(Printable.clean(evidence))\n"
        } else if report.evidence != nil {
            text += "Run it again with --evidence FILE to keep what convicts the ledger.\n"
        }
        return text
    }

    static func json(
        _ report: LogReport, _ totals: LedgerTotals, _ breach: CreditLaws.Breach?, _ evidence: String?
    ) -> JSONValue {
        let findings: [JSONValue] = report.findings.map { finding in
            .members([
                ("finding", .text(finding.word)), ("message", .text("\(finding)")),
                ("leaf", finding.firstLeaf.map { .integer($0) } ?? .null),
            ])
        }
        let broken: JSONValue? = breach.map { .members([("leaf", .integer($0.leaf)), ("message", .text("\($0)"))]) }
        return .members([
            ("ok", .flag(report.isClean && breach == nil)),
            ("log", report.checkpoint.map { .text($0.checkpoint.origin) } ?? .null),
            ("size", report.checkpoint.map { .integer($0.size) } ?? .null),
            ("root", report.checkpoint.map { .text($0.root.hex) } ?? .null),
            ("leaves_confirmed", .integer(report.leavesConfirmed)), ("totals", totals.json),
            ("findings_total", .integer(Int64(report.findingsTotal))), ("findings", .list(findings)),
            ("broken_law", broken ?? .null), ("evidence", evidence.map { .text($0) } ?? .null),
        ])
    }
}

/// What the leaves say, added up.
struct LedgerTotals: Sendable {
    private var counts: [String: Int64] = [:]
    /// Balances in millionths of a cobblestone; sums over hostile leaves must not trap, so they stay at the limit.
    private var issued: Int64 = 0
    private var final: Int64 = 0
    private var provisional: Int64 = 0
    private var laws = CreditLaws()

    /// The first leaf that breaks a law of the ledger.
    var breach: CreditLaws.Breach? { laws.first }

    private static let names = ["verdicts", "credit_entries", "admin_acts", "releases", "rows", "unknown"]

    mutating func add(_ bytes: ArraySlice<UInt8>, at index: Int64) {
        guard let leaf = try? LedgerLeaf(Array(bytes)) else {
            counts["unknown", default: 0] += 1
            return
        }
        switch leaf.event {
        case .verdict: counts["verdicts", default: 0] += 1
        case .adminAct: counts["admin_acts", default: 0] += 1
        case .release: counts["releases", default: 0] += 1
        case .rows(let rows): counts["rows", default: 0] += Int64(rows.seals.count)
        case .credit(let entry):
            counts["credit_entries", default: 0] += 1
            laws.add(entry, leaf: index)
            move(entry.debit, -entry.amount.microcobblestones)
            move(entry.credit, entry.amount.microcobblestones)
        }
    }

    private mutating func move(_ account: LoggedCredit.Account, _ amount: Int64) {
        switch account {
        case .project: issued = Self.sum(issued, -amount)
        case .host: final = Self.sum(final, amount)
        case .provisional: provisional = Self.sum(provisional, amount)
        }
    }

    private static func sum(_ a: Int64, _ b: Int64) -> Int64 {
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? (b > 0 ? .max : .min) : sum
    }

    var text: String {
        let nouns = ["verdict", "credit entry", "admin act", "release", "sealed row", "leaf of an unknown kind"]
        var parts: [String] = []
        for (name, noun) in zip(Self.names, nouns) {
            guard let count = counts[name] else { continue }
            let plural =
                switch noun {
                case "credit entry": "credit entries"
                case "leaf of an unknown kind": "leaves of an unknown kind"
                default: noun + "s"
                }
            parts.append("\(count) \(count == 1 ? noun : plural)")
        }
        if counts["credit_entries"] != nil {
            for (name, amount) in [("issued", issued), ("final", final), ("provisional", provisional)] {
                parts.append("\(Amounts.cobblestones(amount, decimals: 6)) \(name)")
            }
        }
        return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
    }

    var json: JSONValue {
        .members(
            Self.names.map { ($0, .integer(counts[$0] ?? 0)) } + [
                ("issued_microcobblestones", .integer(issued)), ("final_microcobblestones", .integer(final)),
                ("provisional_microcobblestones", .integer(provisional)),
            ])
    }
}
