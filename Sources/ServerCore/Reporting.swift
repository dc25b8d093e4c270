import Domain
import Engine
import Storage
import Wire

extension ProjectServer {
    /// Which inline results of a request are worth storing: those of tasks that this host holds, within their bound.
    ///
    /// Read before the blobs are put, so that a host cannot fill the disk with results nobody asked for.
    /// - Parameter sequence: the request's number; of a request that will be refused for it, nothing is stored. nil: it
    ///   was looked at before.
    public func wantedInline(
        _ call: SchedulerCall, host: HostID, sequence: Int64? = nil, in tx: any StoreTransaction
    ) throws -> [Int] {
        if let sequence {
            guard let known = try tx.host(host), sequence > known.sequence, sequence <= Limits.sequenceMax else {
                return []
            }
        }
        return try call.reports.indices.filter { at in
            guard case .success(let report, let inline?) = call.reports[at].outcome,
                let aggregate = try tx.workUnit(call.reports[at].task.unit)
            else { return false }
            return report.resultBytes <= aggregate.unit.outputBytesMax && inline.count <= report.resultBytes
                && isAwaited(call.reports[at].task, of: host, in: aggregate)
        }
    }

    private func isAwaited(_ task: TaskID, of host: HostID, in aggregate: WorkUnitAggregate) -> Bool {
        WorkUnitMachine.need(for: task, at: host, in: aggregate) != .notNeeded
    }

    /// Puts the inline results. Blob first: a crash here leaves blobs without a row; the host reports again, and the
    /// same bytes are the same blob. Called outside of transactions.
    public func storeInline(_ call: SchedulerCall, _ wanted: [Int]) throws {
        _ = try blobs.put(
            wanted.compactMap { at in
                if case .success(_, let inline?) = call.reports[at].outcome { inline } else { nil }
            })
    }

    /// What became of a report.
    struct Taken {
        var receipt: WireReceipt
        /// The result, which is to be a blob before the transaction is committed.
        var blob: [UInt8]?
    }

    /// Takes one report. Row second: the blob is there, or will be before the commit, or the answer is `resultMissing`
    /// and nothing changes. Reply last: a crash after the commit loses the receipt, the host reports again and gets
    /// `duplicate`.
    func take(
        _ reported: ReportedTask, from host: HostID, keepInline: Int, in tx: any StoreTransaction, now: Timestamp
    ) throws -> Taken {
        var receipt = WireReceipt()
        receipt.taskID = keys.number(of: reported.task)
        receipt.atMs = UInt64(max(0, now.milliseconds))
        receipt.status = .receiptNotNeeded
        var blob: [UInt8]?
        guard let aggregate = try tx.workUnit(reported.task.unit) else { return Taken(receipt: receipt) }
        let event: WorkUnitEvent
        switch reported.outcome {
        case .success(var report, let inline):
            report.reportedAt = now
            if isAwaited(reported.task, of: host, in: aggregate) {
                if report.resultBytes > aggregate.unit.outputBytesMax {
                    event = .taskFailed(reported.task, host: host, tooLarge(report, aggregate.unit, now))
                    break
                }
                // An upload was durable when its 201 was sent; it is not synced once more here, on the writer's thread.
                if let inline, inline.count <= keepInline {
                    blob = inline
                } else if try blobs.size(of: report.result) != report.resultBytes {
                    receipt.status = .receiptResultMissing
                    return Taken(receipt: receipt)
                }
            }
            event = .reported(reported.task, host: host, report)
        case .failure(var error):
            error.at = now
            event = .taskFailed(reported.task, host: host, error)
        }
        let applied = try apply(event, to: aggregate, in: tx, now: now)
        receipt.status = status(applied.disposition)
        let kept = applied.aggregate.tasks.first { $0.id == reported.task }
        if kept?.state.assignment?.host == host, let report = kept?.state.report {
            receipt.resultSha256 = report.result.field
        }
        return Taken(receipt: receipt, blob: blob)
    }

    private func tooLarge(_ report: TaskReport, _ unit: WorkUnitRecord, _ now: Timestamp) -> TaskError {
        TaskError(
            at: now, code: .overLimit,
            message: "the result has \(report.resultBytes) bytes, at most \(unit.outputBytesMax) are allowed")
    }

    private func status(_ disposition: ReportDisposition?) -> WireReceiptStatus {
        switch disposition {
        case .accepted: .receiptAccepted
        case .duplicate: .receiptDuplicate
        case .late: .receiptLate
        case .notNeeded, nil: .receiptNotNeeded
        }
    }
}
