import ClientCore
import Domain

/// A worker child that takes simulated time.
struct SimRun {
    /// CPU milliseconds until its result is there, as of `since`.
    var left: Int64
    /// When it began, or went on; nil: it stands still.
    var since: Int64?
    /// CPU milliseconds of this run before `since`.
    var done: Int64 = 0
    /// What earlier runs of the task had reached: CPU and wall seconds, fraction.
    var before: WorkerProgress
    /// Of the whole task, CPU milliseconds.
    var whole: Int64
    /// Counts the plans of its end; an older plan is void.
    var number: Int
    /// It was asked to write a checkpoint and go.
    var isLeaving = false
    /// Set when the run ends by itself otherwise than with a result.
    var crashCode: Int32?
    var crashes = false

    func ran(at now: Int64) -> Int64 { done + (since.map { now - $0 } ?? 0) }

    func progress(at now: Int64) -> WorkerProgress {
        let seconds = Double(ran(at: now)) / 1000
        let fraction = before.fraction + Double(ran(at: now)) / Double(max(whole, 1))
        return WorkerProgress(
            fraction: min(1, fraction),
            used: Usage(
                cpuSeconds: before.used.cpuSeconds + seconds, wallSeconds: before.used.wallSeconds + seconds,
                kernelSeconds: before.used.kernelSeconds + seconds),
            peakMemoryBytes: 1 << 20)
    }
}
