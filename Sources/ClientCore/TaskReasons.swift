import Domain

/// Why a task does not get on, in words: what `status` and `why` say of it.
extension ClientMachine {
    /// What keeps all of the project's tasks from computing; nil: nothing does.
    private var whyNothingComputes: String? {
        if let hold = holds.first(where: { $0.code == .paused }) { return hold.reason }
        return policy.pause?.reason
    }

    private var whyNoNetwork: String? {
        policy.allowance.objections.first { $0.cause.subject == .network }.map {
            "the network is not used: \($0.reason)"
        }
    }

    /// Of a task that could run.
    func whyNotStarted(_ task: HeldTask, _ now: Timestamp) -> String {
        if let why = whyNothingComputes { return why }
        if stopping != nil { return "the client ends" }
        if let until = startsBlockedUntil, now < until {
            let wait = HoursText.words((until - now).seconds)
            return "no worker can be started: \(startsBlockedWhy); tried again in \(wait)"
        }
        if runs.count >= grant.cores, grant.isShared { return "waits for its project's turn" }
        if let why = memoryObjection(to: task) { return why }
        return runs.count >= coresNow ? "waits for a core" : "waits for a task that comes before it"
    }

    /// Of a task whose worker stands still.
    var whyPaused: String {
        whyNothingComputes ?? "fewer tasks may compute now; those that ran for longer go first"
    }

    /// Of a task whose work unit is not here.
    func whyNoUnit(_ task: HeldTask) -> String {
        whyNoNetwork ?? unitFetches[task.id].flatMap(\.trouble) ?? "it is being fetched"
    }

    /// Of a task that lacks inputs.
    func whyNoInputs(_ task: HeldTask) -> String {
        let missing = task.unit?.blobs.filter { blobs[$0.digest] != .present } ?? []
        return whyNoNetwork ?? missing.lazy.compactMap { blobTroubles[$0.digest] }.first
            ?? "\(missing.count) of them being fetched"
    }

    /// Of a result that the server lacks; nil: it is on its way, or about to be.
    func whyNotUploaded(_ task: HeldTask) -> String? { whyNoNetwork ?? uploads[task.id].flatMap(\.trouble) }

    /// Of a task that the server has to be told of; nil: it is told at the next call.
    var whyNotReported: String? { whyNoNetwork ?? (call.failures > 0 ? problem : nil) }
}
