import Domain
import Engine
import Storage

/// The end of an adaptive batch: no later results will follow those that stand, so a last draw takes their place.
extension ProjectServer {
    /// Draws among the results that stand once nothing else of the batch is open, and makes the others final when what
    /// was drawn has been computed again without a failure.
    ///
    /// Level-triggered like all that a tick does: what is left over is found by the next one. How far it has come is
    /// in the state of each result (`audited`), so a crash between two ticks repeats no draw with other odds.
    func closeWindow(
        of batch: BatchRecord, _ counts: BatchCounts, in tx: any StoreTransaction, now: Timestamp
    ) throws {
        guard batch.state == .running, batch.splitFinished, counts.provisional > 0,
            counts.ready + counts.active + counts.comparing == 0
        else { return }
        var standing = try standing(in: batch.id, in: tx)
        let undrawn = standing.entries.filter { $0.state == .provisional }.prefix(settings.closingLook)
        for entry in undrawn { try drawAtClosing(entry, of: &standing, in: tx, now: now) }
        guard undrawn.isEmpty else { return }
        for entry in standing.entries.prefix(settings.closingLook) {
            let reason = "stands, and no check of its host failed before the batch was closed"
            _ = try apply(.confirmed(entry.task, reason: reason), toUnit: entry.task.unit, in: tx, now: now)
        }
    }

    /// What stands in a batch, and how much of it is whose.
    private struct Standing {
        var entries: [SeriesEntry] = []
        var counts: [HostID: [String: Int]] = [:]
        private var draws: [Int: Double] = [:]

        /// The chance of the last draw for a result.
        mutating func draw(_ entry: SeriesEntry, _ rule: AdaptiveRule) -> Double {
            let count = counts[entry.host]?[entry.app] ?? 1
            if let known = draws[count] { return known }
            let rate = Trust.closingDraw(count, rule)
            draws[count] = rate
            return rate
        }
    }

    /// Beyond `closingCountMax` results the counts are too low, which draws more, never less.
    private func standing(in batch: BatchID, in tx: any StoreTransaction) throws -> Standing {
        var standing = Standing()
        var after: TaskID?
        while standing.entries.count < settings.closingCountMax {
            let page = try tx.standingSeries(in: batch, after: after, limit: 1000)
            guard let last = page.last else { break }
            after = last.task
            for entry in page { standing.counts[entry.host, default: [:]][entry.app, default: 0] += 1 }
            standing.entries += page
        }
        return standing
    }

    private func drawAtClosing(
        _ entry: SeriesEntry, of standing: inout Standing, in tx: any StoreTransaction, now: Timestamp
    ) throws {
        // The draw before it may have voided this one.
        guard var entry = try tx.seriesEntry(for: entry.task), entry.state == .provisional,
            let aggregate = try tx.workUnit(entry.task.unit),
            case .adaptive(let rule) = aggregate.unit.replication.acceptance,
            let report = aggregate.tasks.first(where: { $0.id == entry.task })?.state.report
        else { return }
        let draw = keys.draw(.closing, task: entry.task, result: report.result)
        if Trust.isDrawn(draw, rate: standing.draw(entry, rule)) {
            _ = try apply(.recheck(entry.task), to: aggregate, in: tx, now: now)
        } else {
            entry.state = .audited
            try tx.updateSeriesEntry(entry)
        }
    }
}
