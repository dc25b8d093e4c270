import Domain
import Storage

/// The blobs that must be there: manifests, inputs, containers, and results that were acknowledged and not purged.
public enum NamedBlobs {
    /// A page of units at a time, in order of batch, unit and task. - Parameter what: names the row, for people.
    public static func forEach(
        in tx: any StoreTransaction, _ body: (Digest, _ what: () -> String) throws -> Void
    ) throws {
        for batch in try tx.batches() {
            try body(batch.manifest) { "manifest of batch \(batch.id)" }
            for input in batch.inputs { try body(input.digest) { "input \(input.name) of batch \(batch.id)" } }
            try LogAudit.forEachUnit(of: batch.id, in: tx) { aggregate in
                try body(aggregate.unit.container) { "work unit \(aggregate.unit.id)" }
                if case .purged = aggregate.unit.state { return }
                for task in aggregate.tasks {
                    guard let report = task.state.report, !isTooLate(task) else { continue }
                    try body(report.result) { "result of task \(task.id)" }
                }
            }
        }
    }

    /// What came too late was never asked for, and its receipt says so.
    static func isTooLate(_ task: TaskRecord) -> Bool {
        if case .decided(_, _, let verdict) = task.state { verdict.outcome == .tooLate } else { false }
    }
}
