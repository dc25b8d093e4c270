import Domain
import Transparency
import WorkerHost

/// `millrace ledger prove TASK PLACE --key KEY [--out FOLDER]`.
public struct LedgerProveCommand: Sendable {
    private let task: String
    private let place: String
    private let key: String
    private let folder: String

    /// - Parameter task: `BATCH.UNIT#TASK`, as the reports write it, or `BATCH.UNIT` for all tasks of a unit.
    public init(task: String, place: String, key: String, out: String?) {
        self.task = task
        self.place = place
        self.key = key
        folder = out.map(ProjectFolder.trimmed) ?? "."
    }

    /// - Throws: `.negative` when the ledger says nothing of the task.
    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        let wanted = try TaskName(task)
        let key = try LedgerKeys.verifier(key)
        let files = try LedgerFiles(place, notice: context.remark)
        let checkpoint = try files.checkpoint(key)
        var found: [(index: Int64, bytes: [UInt8], leaf: LedgerLeaf)] = []
        var verifier = LogVerifier(FrozenLedger(files: files, checkpoint: checkpoint), key: key)
        let report = try verifier.run { index, bytes in
            let bytes = Array(bytes)
            if let leaf = try? LedgerLeaf(bytes), let task = leaf.task, wanted.matches(task) {
                found.append((index, bytes, leaf))
            }
        }
        if !report.isClean {
            context.screen.warn("The ledger has faults: `millrace ledger verify` names them.\n")
        }
        guard !found.isEmpty else {
            throw Fault(.negative, "the ledger has no entry of the task \(Printable.clean(task))")
        }
        try OutputFolder.make(folder)
        let nodes = TileNodes(files, size: checkpoint.size)
        var written: [(path: String, index: Int64, leaf: LedgerLeaf)] = []
        for (index, bytes, leaf) in found {
            let proof = try LeafProof(of: bytes, at: index, in: checkpoint, from: nodes)
            let path = "\(folder)/leaf-\(index).tlog-proof"
            try LedgerKeys.writeNew(path, Array(proof.text.utf8))
            written.append((path, index, leaf))
        }
        let text = written.map { "\(Printable.clean($0.path)): \($0.leaf.line)\n" }.joined()
        let proofs = written.map { file in
            JSONValue.members([
                ("path", .text(file.path)), ("index", .integer(file.index)), ("entry", .text(file.leaf.line)),
            ])
        }
        context.answer(.members([("size", .integer(checkpoint.size)), ("proofs", .list(proofs))]), text: text)
        return 0
    }
}

/// A task, or all tasks of a unit.
private struct TaskName {
    private let unit: WorkUnitID
    private let ordinal: Int?

    init(_ text: String) throws(Fault) {
        let parts = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = parts[0].split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) }
        let ordinal = parts.count == 2 ? Int(parts[1]) : nil
        guard numbers.count == 2, let batch = numbers[0], let index = numbers[1], (1..<1 << 21).contains(batch),
            (0..<1 << 36).contains(index), parts.count == 1 || ordinal.map({ (0..<64).contains($0) }) == true
        else {
            throw Fault(
                .usage, "\(Printable.clean(text)) is no task",
                advice: "For example 1.25#0: batch 1, unit 25, its first task; 1.25 for all tasks of that unit.")
        }
        unit = WorkUnitID(batch: BatchID(rawValue: batch), index: index)
        self.ordinal = ordinal
    }

    func matches(_ task: TaskID) -> Bool { task.unit == unit && (ordinal == nil || task.ordinal == ordinal) }
}

/// `millrace ledger check FILE --key KEY [--witness KEY]`.
public struct LedgerCheckCommand: Sendable {
    private let path: String
    private let key: String
    private let witnesses: [String]

    /// - Parameter witnesses: keys of witnesses of whom each must have cosigned.
    public init(path: String, key: String, witnesses: [String]) {
        self.path = path
        self.key = key
        self.witnesses = witnesses
    }

    /// - Throws: `.negative` when the file proves nothing.
    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        let key = try LedgerKeys.verifier(key)
        var keys: [NoteKey] = []
        for witness in witnesses { keys.append(try LedgerKeys.verifier(witness)) }
        let proof = try LeafProof(text: try Files.read(path, limit: 2 * LogLimits.noteBytesMax))
        let signed = try proof.verify(key)
        let cosigned: [Cosignature]
        do throws(NoteRefusal) { cosigned = try Cosignature.all(in: signed.note, of: keys) } catch {
            throw Fault(.negative, "\(Printable.clean(path)): \(error)")
        }
        for key in keys where !cosigned.contains(where: { $0.witness == key }) {
            throw Fault(.negative, "the checkpoint of the proof is not cosigned by \(Printable.clean(key.name))")
        }
        let entry: String
        do throws(LeafRefusal) { entry = try LedgerLeaf(proof.leaf).line } catch { entry = "\(error)" }
        let json = JSONValue.members([
            ("ok", .flag(true)), ("log", .text(key.name)), ("index", .integer(proof.index)),
            ("size", .integer(signed.size)), ("entry", .text(entry)),
            ("witnesses", .list(cosigned.map { .text($0.witness.name) })),
        ])
        var text = "leaf \(proof.index) of \(signed.size) in \(Printable.clean(key.name)): \(entry)\n"
        for line in cosigned {
            text += "seen by \(Printable.clean(line.witness.name)) at "
            text += Amounts.moment(UInt64(clamping: line.time).multipliedReportingOverflow(by: 1000).partialValue)
            text += "\n"
        }
        context.answer(json, text: text)
        return 0
    }
}

extension LedgerLeaf {
    /// What it says, on one line.
    var line: String {
        let moment = Amounts.moment(UInt64(clamping: at.milliseconds))
        switch event {
        case .verdict(let verdict):
            let canonical = verdict.canonical.map { ", the accepted result is of task \($0)" } ?? ""
            let result = verdict.basis.map { ", result \($0.result.hex)" } ?? ""
            return "\(moment) task \(verdict.task) of host \(verdict.host) is "
                + "\(verdict.outcome.word)\(canonical)\(result)"
        case .credit(let entry):
            let amount = Amounts.cobblestones(entry.amount.microcobblestones, decimals: 6)
            return "\(moment) entry \(entry.number): \(amount) \(entry.kind) for task \(entry.task), "
                + "from \(entry.debit.line) to \(entry.credit.line)"
        case .adminAct(let act):
            return Printable.clean("\(moment) \(act.actor): \(act.act) \(act.object)")
        case .release(let release):
            return Printable.clean("\(moment) project \(release.project), app \(release.app) \(release.version)")
        case .rows(let rows):
            let what = rows.table == .batch ? "batch" : "work unit"
            let first = rows.table == .batch ? "\(rows.first)" : "\(WorkUnitID(rawValue: rows.first))"
            return "\(moment) \(Amounts.count(UInt64(rows.seals.count), what)) from \(first) on"
        }
    }
}

extension Verdict.Outcome {
    fileprivate var word: String {
        switch self {
        case .valid: "valid"
        case .invalid: "invalid"
        case .inconclusive: "inconclusive"
        case .tooLate: "too late"
        }
    }
}

extension LoggedCredit.Account {
    fileprivate var line: String {
        switch self {
        case .project(let name): "project \(Printable.clean(name))"
        case .host(let host): "host \(host)"
        case .provisional(let host): "host \(host), provisional"
        }
    }
}
