import Domain
import NIOCore
import ServerCore
import Storage

extension ServerRuntime {
    /// Whether all results in a call are small enough to become blobs together with those of other calls.
    func keepsInline(_ call: SchedulerCall) -> Bool {
        call.reports.allSatisfy { report in
            guard case .success(_, let inline) = report.outcome else { return true }
            // What was uploaded is looked for outside of the transaction where that may take long.
            guard let inline else { return core.blobs.isNear }
            return inline.count <= core.blobs.togetherBytesMax
        }
    }

    /// One call through the writer: durable when `done` is called. Results inside of the call that are small become
    /// blobs in the same group; larger ones must be blobs already.
    ///
    /// - Parameter loop: where `done` is called; nil: on the writer's thread.
    func schedule(
        _ call: SchedulerCall, _ host: HostID, _ sequence: Int64, on loop: (any EventLoop)? = nil,
        _ done: @escaping @Sendable (Result<ScheduleOutcome, any Error>) -> Void
    ) {
        writer.submit(
            { [self] tx, now in
                let outcome = try core.schedule(
                    call, host: host, sequence: sequence, sentLastDay: sentLastDay(host, now: now),
                    crowd: try crowd(core, in: tx, now: now), keepInline: core.blobs.togetherBytesMax, in: tx,
                    now: now
                ).get()
                return ScheduledCall(outcome: outcome, time: now)
            }, blobs: \.outcome.blobs, on: loop, limit: writer.queueMax
        ) { [self] result in
            if case .success(let made) = result {
                noteSent(made.outcome.newlySent, to: host, now: made.time)
                if !call.reports.isEmpty { nudge() }
            }
            done(result.map(\.outcome))
        }
    }
}

private struct ScheduledCall: Sendable {
    var outcome: ScheduleOutcome
    var time: Timestamp
}
