import CPosix
import Domain
import Glibc
import Synchronization

/// Lets workers run and stand in turn, ten times a second, where no control group bounds them.
///
/// Its thread sleeps without a limit while nobody is to be bounded.
final class DutyCycle: Sendable {
    /// What there is to bound.
    struct Task {
        var share: Double
        /// Those that want to run.
        var runs: [WorkerRun]
        /// CPU seconds of all workers so far; never falls.
        var usedSeconds: Double
    }

    private let wakeUp: Pipe
    private let isOver = Mutex(false)

    /// - Parameter look: what there is to bound now; nil: nothing, until `changed` is called.
    /// - Throws: `.osError`.
    init(look: @escaping @Sendable () -> Task?) throws(Fault) {
        wakeUp = try Pipe()
        for end in [wakeUp.reading, wakeUp.writing] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        BlockingThread.start("duty-cycle") { [self] in turn(look) }
    }

    deinit {
        close(wakeUp.reading)
        close(wakeUp.writing)
    }

    /// Something that `look` tells has changed.
    func changed() {
        var byte: UInt8 = 0
        // A full pipe wakes it as well.
        _ = write(wakeUp.writing, &byte, 1)
    }

    /// The thread ends, and nobody is held any longer.
    func end() {
        isOver.withLock { $0 = true }
        changed()
    }

    private func turn(_ look: @Sendable () -> Task?) {
        var rule = DutyRule()
        var last: (at: Double, used: Double)?
        var held: [WorkerRun] = []
        while !isOver.withLock({ $0 }) {
            let now = millrace_monotonic_seconds()
            guard let task = look(), !task.runs.isEmpty, task.share < 1 else {
                for run in held { run.release() }
                held = []
                rule = DutyRule()
                last = nil
                wait(milliseconds: -1)
                continue
            }
            let run = rule.runSeconds(
                share: task.share, tasks: task.runs.count, elapsedSeconds: last.map { now - $0.at } ?? 0,
                usedSeconds: last.map { task.usedSeconds - $0.used } ?? 0)
            last = (now, task.usedSeconds)
            if run > 0 {
                for worker in held { worker.release() }
                held = []
                if wait(milliseconds: Int32((run * 1000).rounded())) { continue }
            }
            guard run < DutyRule.periodSeconds else { continue }
            for worker in task.runs where worker.hold() { held.append(worker) }
            wait(milliseconds: Int32(((DutyRule.periodSeconds - run) * 1000).rounded()))
        }
        for run in held { run.release() }
    }

    /// - Returns: whether something has changed meanwhile.
    @discardableResult
    private func wait(milliseconds: Int32) -> Bool {
        var end = pollfd(fd: wakeUp.reading, events: Int16(POLLIN), revents: 0)
        guard poll(&end, 1, milliseconds) > 0 else { return false }
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(wakeUp.reading, &bytes, bytes.count) > 0 {}
        return true
    }
}
