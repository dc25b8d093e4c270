import Bytes
import Domain
import Transparency

/// Binds rows of the database into the public log without showing them: a keyed hash over the columns that never change
/// once the row is told of.
///
/// Keyed, since much of a row could be guessed (a check rate, a volunteer's number) and is nobody's business; whoever
/// runs the server has the key, and still finds no other row with the same seal. `work-units/LEDGER.md` has the bytes.
public struct RowSeal: Sendable {
    private let key: MACKey

    /// - Parameter key: 32 bytes that follow from the project's key.
    init(key: [UInt8]) {
        self.key = MACKey(key)
    }

    /// Columns of `task` that its seal covers, beside those that the leaf tells openly.
    static let taskColumns =
        "volunteer, sent_ms, deadline_ms, reported_ms, result_bytes, cpu_seconds, wall_seconds, fingerprint, "
        + "decided_ms, element, distance, tolerance"

    /// Of a task that was judged.
    func seal(_ task: TaskID, _ assignment: Assignment, _ report: TaskReport, _ verdict: Verdict) -> Digest {
        seal(1) { row in
            row.put(i64: task.rawValue)
            row.put(i64: assignment.host.rawValue)
            row.put(i64: assignment.volunteer.rawValue)
            row.put(i64: assignment.sentAt.milliseconds)
            row.put(i64: assignment.deadline.milliseconds)
            row.put(i64: report.reportedAt.milliseconds)
            row.put(bytes: report.result.bytes)
            row.put(i64: report.resultBytes)
            row.put(real: report.cpuSeconds)
            row.put(real: report.wallSeconds)
            row.put(lengthPrefixed: report.fingerprint)
            row.put(u8: UInt8(verdict.outcome.rawValue))
            row.put(i64: verdict.decidedAt.milliseconds)
            row.put(lengthPrefixed: verdict.reason)
            row.put(i64: verdict.comparedWith?.rawValue ?? 0)
            row.put(u8: verdict.difference == nil ? 0 : 1)
            guard let difference = verdict.difference else { return }
            row.put(lengthPrefixed: difference.element)
            row.put(real: difference.distance)
            row.put(real: difference.tolerance)
        }
    }

    /// Columns of `work_unit` that its seal covers.
    static let unitColumns =
        "label, app, container, container_bytes, flops, credit, memory_bytes, disk_bytes, output_bytes_max, "
        + "flops_bound, check_each, quorum, initial_tasks, max_total, max_errors, deadline_ms, acceptance, "
        + "check_rate, check_window, created_ms"

    func seal(_ unit: WorkUnitRecord) -> Digest {
        seal(2) { row in
            row.put(i64: unit.id.rawValue)
            row.put(lengthPrefixed: unit.label)
            row.put(lengthPrefixed: unit.app)
            row.put(bytes: unit.container.bytes)
            row.put(i64: unit.containerBytes)
            row.put(real: unit.flops)
            row.put(i64: unit.credit.microcobblestones)
            row.put(i64: unit.memoryBytes)
            row.put(i64: unit.diskBytes)
            row.put(i64: unit.outputBytesMax)
            row.put(real: unit.flopsBound)
            row.put(u8: unit.checkEach ? 1 : 0)
            row.put(unit.replication)
            row.put(i64: unit.createdAt.milliseconds)
        }
    }

    /// Columns of `batch`, and of the inputs that its manifest names, that its seal covers.
    static let batchColumns =
        "project, title, app, manifest, quorum, initial_tasks, max_total, max_errors, deadline_ms, acceptance, "
        + "check_rate, check_window, created_ms, batch_input"

    func seal(_ batch: BatchRecord) -> Digest {
        seal(3) { row in
            row.put(i64: batch.id.rawValue)
            row.put(lengthPrefixed: batch.project)
            row.put(lengthPrefixed: batch.title)
            row.put(lengthPrefixed: batch.app)
            row.put(bytes: batch.manifest.bytes)
            row.put(batch.replication)
            row.put(i64: batch.createdAt.milliseconds)
            // The dictionary comes later, with the first units, whose containers name it.
            for input in batch.inputs where input.name != UnitDictionary.inputName {
                row.put(lengthPrefixed: input.name)
                row.put(bytes: input.digest.bytes)
                row.put(i64: input.size)
                row.put(lengthPrefixed: input.packing.rawValue)
            }
        }
    }

    private func seal(_ kind: UInt8, _ columns: (inout ByteWriter) -> Void) -> Digest {
        var row = ByteWriter(capacity: 256)
        row.put(u8: kind)
        columns(&row)
        guard let digest = Digest(bytes: key.code(for: [row.bytes])) else {
            preconditionFailure("HMAC-SHA256 has 32 bytes")
        }
        return digest
    }
}

extension ByteWriter {
    /// A number as the database gives it back: one NaN, and no negative zero.
    fileprivate mutating func put(real value: Double) { put(f64: value.isNaN ? .nan : value == 0 ? 0 : value) }

    fileprivate mutating func put(_ rule: ReplicationRule) {
        put(i64: Int64(rule.quorum))
        put(i64: Int64(rule.initial))
        put(i64: Int64(rule.maxTotal))
        put(i64: Int64(rule.maxErrors))
        put(i64: rule.deadline.milliseconds)
        switch rule.acceptance {
        case .quorum: put(u8: 0)
        case .check: put(u8: 1)
        case .adaptive(let adaptive):
            put(u8: 2)
            put(real: adaptive.checkRate)
            put(i64: Int64(adaptive.window))
        }
    }
}
