import Bytes
import Domain
import Engine
import Storage
import Transparency

/// The public log: every verdict, every movement of credit, what admins do, and which projects were let in.
///
/// A leaf is appended in the transaction of what it tells, so neither can be without the other. `LogPublisher` of the
/// HTTP edge brings the leaves into the public files.
extension ProjectServer {
    func log(_ event: LedgerLeaf.Event, in tx: any StoreTransaction, now: Timestamp) throws {
        let bytes: [UInt8]
        do throws(LeafRefusal) { bytes = try LedgerLeaf(at: now, event: event).encoded() } catch {
            throw StoreError.conflict("an entry of the public log: \(error)")
        }
        _ = try tx.appendLogLeaf(bytes)
    }

    /// What a step lets everybody know: the verdicts of a unit, and what its tasks were paid.
    ///
    /// As long as the unit is secret (`isPublic`), nothing is told, not even that one of its results stands: whoever is
    /// given the second task of a unit could read there that it is a check. With the step that makes it public all is
    /// told in the order in which it happened, and from then on at once.
    func logUnit(
        _ before: WorkUnitAggregate, _ after: WorkUnitAggregate, told: Set<Int64>, in tx: any StoreTransaction,
        now: Timestamp
    ) throws {
        guard after.isPublic else { return }
        let wasPublic = before.isPublic
        for (at, task) in after.tasks.enumerated() {
            if wasPublic, at < before.tasks.count, before.tasks[at].state == task.state { continue }
            guard let verdict = PublicLog.verdict(task, of: after.unit, seal: keys.rows) else { continue }
            try log(.verdict(verdict), in: tx, now: now)
        }
        for entry in try entries(of: after, in: tx) where !told.contains(entry.number) {
            try log(.credit(PublicLog.credit(entry)), in: tx, now: entry.at)
        }
    }

    /// The numbers of the entries of a unit that the log tells of already.
    func told(_ aggregate: WorkUnitAggregate, in tx: any StoreTransaction) throws -> Set<Int64> {
        aggregate.isPublic ? Set(try entries(of: aggregate, in: tx).map(\.number)) : []
    }

    private func entries(
        of aggregate: WorkUnitAggregate, in tx: any StoreTransaction
    ) throws -> [LedgerEntry] {
        try aggregate.tasks.flatMap { try tx.ledgerEntries(for: $0.id) }.sorted { $0.number < $1.number }
    }

    /// What a batch computes with, and who signs its units: known with its first units.
    func logRelease(
        _ units: [WorkUnitRecord], of batch: BatchRecord, in tx: any StoreTransaction, now: Timestamp
    ) throws {
        guard let first = units.first, let slash = first.app.lastIndex(of: "/"),
            let version = Int(first.app[first.app.index(after: slash)...])
        else { return }
        let release = LoggedRelease(
            project: batch.project, manifest: batch.manifest, app: String(first.app[..<slash]), version: version,
            key: keys.project.publicKey.rawRepresentation)
        try log(.release(release), in: tx, now: now)
    }

    /// An admin published another list of programs that clients may run.
    ///
    /// - Parameter digest: of the signed file.
    public func logReleases(
        _ name: String, version: Int64, digest: Digest, in tx: any StoreTransaction, now: Timestamp
    ) throws {
        let object = "releases \(name) targets \(version) sha256 \(digest.hex)"
        try log(.adminAct(LoggedAdminAct(actor: "admin", act: "release", object: object)), in: tx, now: now)
    }

    /// A batch was let in: what it is cannot be edited from now on.
    func logRow(of batch: BatchRecord, in tx: any StoreTransaction, now: Timestamp) throws {
        let rows = LoggedRows(table: .batch, first: batch.id.rawValue, seals: [keys.rows.seal(batch)])
        try log(.rows(rows), in: tx, now: now)
    }

    /// Units were made, in order and without gaps.
    func logRows(of units: [WorkUnitRecord], in tx: any StoreTransaction, now: Timestamp) throws {
        for start in stride(from: 0, to: units.count, by: LoggedRows.countMax) {
            let page = units[start..<min(start + LoggedRows.countMax, units.count)]
            let rows = LoggedRows(
                table: .workUnit, first: page[start].id.rawValue, seals: page.map { keys.rows.seal($0) })
            try log(.rows(rows), in: tx, now: now)
        }
    }

    /// A batch ended by itself: by its answer, or without one. What an admin ended is an act of its own.
    func logEnd(of batch: BatchRecord, in tx: any StoreTransaction, now: Timestamp) throws {
        guard let act = PublicLog.endAct(of: batch.state), act != PublicLog.cancelAct else { return }
        let end = LoggedAdminAct(actor: PublicLog.serverActor, act: act, object: PublicLog.object(batch.id))
        try log(.adminAct(end), in: tx, now: now)
    }

    /// Brings what an older version has written into the log, once.
    ///
    /// - Returns: how many leaves were made; 0 when the log has some already.
    public func backfillLog(in tx: any StoreTransaction, now: Timestamp) throws -> Int64 {
        guard try tx.logLeafCount() == 0 else { return 0 }
        for batch in try tx.batches().reversed() {
            try forEachUnit(of: batch.id, in: tx) { aggregate in
                guard let first = aggregate.tasks.first else { return }
                // As if it had just become public.
                var before = aggregate
                before.tasks[0] = TaskRecord(id: first.id, state: .unsent)
                before.unit.state = .ready
                try logUnit(before, aggregate, told: [], in: tx, now: now)
            }
        }
        return try tx.logLeafCount()
    }
}

/// How rows of the store are told in the log.
public enum PublicLog {
    /// Nil for a task without a verdict. - Parameter seal: of the server's key.
    public static func verdict(_ task: TaskRecord, of unit: WorkUnitRecord, seal: RowSeal) -> LoggedVerdict? {
        guard case .decided(let assignment, let report, let verdict) = task.state else { return nil }
        let basis = LoggedVerdict.Basis(
            result: report.result, comparedWith: verdict.comparedWith,
            seal: seal.seal(task.id, assignment, report, verdict))
        return LoggedVerdict(
            task: task.id, host: assignment.host, outcome: verdict.outcome,
            reason: LoggedVerdict.digest(ofReason: verdict.reason), canonical: unit.state.canonical, basis: basis)
    }

    /// Who ends a batch that nobody cancelled.
    static let serverActor = "server"
    static let cancelAct = "cancel"

    /// The act that tells of a state; nil for a batch that goes on.
    static func endAct(of state: BatchState) -> String? {
        switch state {
        case .running, .assembling: nil
        case .finished: "finish"
        case .failed: "fail"
        case .cancelled: cancelAct
        }
    }

    static func object(_ batch: BatchID) -> String { "batch \(batch)" }

    public static func credit(_ entry: LedgerEntry) -> LoggedCredit {
        let kind: LoggedCredit.Kind =
            switch entry.kind {
            case .grant, .release: .final
            case .hold: .provisional
            case .void: .void
            }
        return LoggedCredit(
            number: entry.number, kind: kind, debit: account(entry.debit), credit: account(entry.credit),
            amount: entry.amount, task: entry.task)
    }

    private static func account(_ account: Account) -> LoggedCredit.Account {
        switch account {
        case .project(let name): .project(name)
        case .host(let id): .host(id)
        case .provisional(let id): .provisional(id)
        }
    }
}
