import Domain
import Transparency
import Wire
import WorkerHost

/// `millrace ledger prove --receipt FILE PLACE --key KEY [--within DAYS] [--out FOLDER]`.
///
/// A receipt says that the server has a result; the ledger must tell of the verdict on it one day. Whoever has the
/// receipt and the signed ledger can show that it does not.
public struct LedgerReceiptCommand: Sendable {
    private let path: String
    private let place: String
    private let key: String
    private let days: Double
    private let folder: String?

    /// A result waits for a second one, and both for a verdict, at most as long as a unit may be waited for; that is
    /// days as a rule.
    public static let standardDays = 30.0
    /// All that a client keeps, twice.
    private static let fileBytesMax = 64 << 20

    /// - Parameter receipts: a file that `millrace-client receipts --export` wrote.
    /// - Parameter days: after which a result must have its verdict, by the ledger's own newest entry; 0 ... 3660.
    /// - Parameter out: where to write what convicts the ledger, and a proof of each verdict; nil: the former in this
    ///   folder, and no proofs.
    public init(receipts: String, place: String, key: String, days: Double, out: String?) {
        path = receipts
        self.place = place
        self.key = key
        self.days = days
        folder = out.map(ProjectFolder.trimmed)
    }

    /// - Returns: 1 when a receipt is contradicted, or missing from the ledger.
    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        guard (0...3660).contains(days) else { throw Fault(.usage, "--within \(days) is not in 0 ... 3660 days") }
        let claims = try ReceiptClaim.read(path, limit: Self.fileBytesMax)
        let key = try LedgerKeys.verifier(key)
        let files = try LedgerFiles(place, notice: context.remark)
        let checkpoint = try files.checkpoint(key)
        var search = ReceiptSearch(Set(claims.map(\.place)))
        var verifier = LogVerifier(FrozenLedger(files: files, checkpoint: checkpoint), key: key)
        let report = try verifier.run { index, bytes in search.look(at: bytes, index) }
        guard report.isClean else {
            throw Fault(
                .negative, "the ledger has faults, so it proves nothing about receipts",
                advice: "`millrace ledger verify` names them.")
        }
        var rows: [Row] = []
        for claim in claims {
            var row = Row(claim: claim, standing: search.standing(of: claim, days: days))
            row.file = try write(row, search, checkpoint, files)
            rows.append(row)
        }
        context.answer(Self.json(rows, checkpoint), text: Self.text(rows))
        return rows.contains { $0.standing.isBad } ? FaultKind.negative.rawValue : 0
    }

    /// A receipt and what came of it.
    struct Row {
        var claim: ReceiptClaim
        var standing: ReceiptStanding
        /// A proof, or what convicts the ledger.
        var file: String?
    }

    private func write(
        _ row: Row, _ search: ReceiptSearch, _ checkpoint: SignedCheckpoint, _ files: LedgerFiles
    ) throws(Fault) -> String? {
        let name = "\(row.claim.task.unit.batch).\(row.claim.task.unit.index)-\(row.claim.task.ordinal)"
        switch row.standing {
        case .pending, .foreign: return nil
        case .included(let index), .contradicted(let index, _):
            guard folder != nil || row.standing.isBad, let leaf = search.found[row.claim.place] else { return nil }
            let nodes = TileNodes(files, size: checkpoint.size)
            let proof = try LeafProof(of: leaf.bytes, at: index, in: checkpoint, from: nodes)
            try OutputFolder.make(folder ?? ".")
            let path = "\(folder ?? ".")/leaf-\(index).tlog-proof"
            try LedgerKeys.writeNew(path, Array(proof.text.utf8))
            if case .included = row.standing { return path }
        case .missing: break
        }
        try OutputFolder.make(folder ?? ".")
        let path = "\(folder ?? ".")/receipt-\(name).evidence"
        try Files.replace(path, with: Array(Self.evidence(row.claim, row.standing, checkpoint).utf8))
        return path
    }

    /// Work-units/LEDGER.md, section 5.
    static func evidence(_ claim: ReceiptClaim, _ standing: ReceiptStanding, _ checkpoint: SignedCheckpoint) -> String {
        let lines = checkpoint.note.bytes.filter { $0 == 0x0A }.count
        var text = "millrace-receipt-evidence/v1\nkind \(standing.word)\ntask \(claim.task)\n"
        if case .contradicted(let leaf, _) = standing { text += "leaf \(leaf)\n" }
        return text + "receipts \(claim.source.line)\ncheckpoint \(lines)\n"
            + String(decoding: checkpoint.note.bytes, as: UTF8.self)
    }

    static func text(_ rows: [Row]) -> String {
        var counts: [String: Int] = [:]
        var text = ""
        for row in rows {
            counts[row.standing.word, default: 0] += 1
            text += "task \(row.claim.task), result \(row.claim.result.hex.prefix(16)): \(row.standing.text)"
            text += (row.file.map { " (\(Printable.clean($0)))" } ?? "") + "\n"
        }
        let sums = ReceiptStanding.words.compactMap { word in counts[word].map { "\($0) \(word)" } }
        return text + (sums.isEmpty ? "The file holds no receipt of a result.\n" : sums.joined(separator: ", ") + "\n")
    }

    static func json(_ rows: [Row], _ checkpoint: SignedCheckpoint) -> JSONValue {
        .members([
            ("ok", .flag(!rows.contains { $0.standing.isBad })), ("size", .integer(checkpoint.size)),
            (
                "receipts",
                .list(
                    rows.map { row in
                        .members([
                            ("task", .text("\(row.claim.task)")), ("host", .integer(row.claim.host.rawValue)),
                            ("result_sha256", .text(row.claim.result.hex)),
                            ("at_ms", .integer(row.claim.at.milliseconds)), ("standing", .text(row.standing.word)),
                            ("message", .text(row.standing.text)),
                            ("leaf", row.standing.leaf.map { .integer($0) } ?? .null),
                            ("path", row.file.map { .text($0) } ?? .null),
                        ])
                    })
            ),
        ])
    }
}
