import Domain
import Engine
import Storage
import Wire

extension ProjectServer {
    /// Which inline results of a request are worth storing: those of tasks that this host holds, within their bound.
    /// Where blobs are far away also those that must have been uploaded, so that they are looked for outside of
    /// transactions.
    ///
    /// Read before the blobs are put, so that a host cannot fill the disk with results nobody asked for.
    /// - Parameter sequence: the request's number; of a request that will be refused for it, nothing is stored. nil: it
    ///   was looked at before.
    public func wantedInline(
        _ call: SchedulerCall, host: HostID, sequence: Int64? = nil, in tx: any StoreTransaction
    ) throws -> [Int] {
        if let sequence {
            guard let known = try tx.host(host), known.removedAt == nil, sequence > known.sequence,
                sequence <= Limits.sequenceMax
            else {
                return []
            }
        }
        return try call.reports.indices.filter { at in
            guard case .success(let report, let inline) = call.reports[at].outcome,
                inline != nil || !blobs.isNear,
                let aggregate = try tx.workUnit(call.reports[at].task.unit)
            else { return false }
            return report.resultBytes <= aggregate.unit.outputBytesMax && inline?.count ?? 0 <= report.resultBytes
                && isAwaited(call.reports[at].task, of: host, in: aggregate)
        }
    }

    private func isAwaited(_ task: TaskID, of host: HostID, in aggregate: WorkUnitAggregate) -> Bool {
        WorkUnitMachine.need(for: task, at: host, in: aggregate) != .notNeeded
    }

    /// Puts the inline results. Blob first: a crash here leaves blobs without a row; the host reports again, and the
    /// same bytes are the same blob. Called outside of transactions.
    /// - Returns: the call, with what was found out about its blobs.
    @discardableResult
    public func storeInline(_ call: SchedulerCall, _ wanted: [Int]) throws -> SchedulerCall {
        var (call, inlined) = (call, [[UInt8]]())
        for at in wanted {
            guard case .success(_, let inline?) = call.reports[at].outcome else { continue }
            inlined.append(inline)
        }
        _ = try blobs.put(inlined)
        guard !blobs.isNear else { return call }
        var sizes: [Digest: Int64] = [:]
        for at in wanted {
            guard case .success(let report, _) = call.reports[at].outcome else { continue }
            sizes[report.result] = try blobs.size(of: report.result)
        }
        call.sizes = sizes
        return call
    }

    /// What became of a report.
    struct Taken {
        var receipt: HotReceipt
        /// The result, which is to be a blob before the transaction is committed.
        var blob: [UInt8]?
    }

    /// Takes one report. Row second: the blob is there, or will be before the commit, or the answer is `resultMissing`
    /// and nothing changes. Reply last: a crash after the commit loses the receipt, the host reports again and gets
    /// `duplicate`.
    func take(
        _ reported: ReportedTask, of call: SchedulerCall, from host: HostID, keepInline: Int,
        in tx: any StoreTransaction, now: Timestamp
    ) throws -> Taken {
        var receipt = HotReceipt()
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
                } else if try size(of: report.result, in: call) != report.resultBytes {
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
            receipt.resultSha256 = report.result.bytes
        }
        return Taken(receipt: receipt, blob: blob)
    }

    private func size(of result: Digest, in call: SchedulerCall) throws -> Int64? {
        if let sizes = call.sizes { return sizes[result] }
        return try blobs.size(of: result)
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
