import CPosix
import ClientCore
import Domain
import Glibc
import Synchronization
import WorkerHost

/// Reads sources, each in its own time, on one thread that sleeps in between; slow ones get a thread for each look.
///
/// A source that hangs keeps the thread that it has, and the others get a new one. It is not asked again until it has
/// answered: there is at most one thread more than there are sources.
package final class ProbeReader: Sendable {
    /// Used by the one thread that reads it; `isReading` says that there is one.
    private final class Slot: @unchecked Sendable {
        let source: any ProbeSource
        let period: ProbePeriod
        var due = 0.0
        /// Its descriptors are not watched before this: a device that floods us must not keep us busy.
        var watchFrom = 0.0
        var readingSince: Double?
        var isStuck = false

        init(_ source: any ProbeSource, _ period: ProbePeriod) {
            self.source = source
            self.period = period
        }
    }

    private struct State {
        var slots: [Slot]
        /// Readings that have not been reported.
        var fresh: [ProbeReading] = []
        /// Of the thread that reads; older ones are those that hung.
        var generation = 0
        var isComputing = false
        var isStopped = false
    }

    private enum Step {
        case read(Slot)
        /// `for`: seconds; `watched`: with the slot that each descriptor belongs to.
        case sleep(for: Double, watched: [(Int32, Slot)], fresh: [ProbeReading])
        case end
    }

    private let state: Mutex<State>
    private let report: @Sendable ([ProbeReading]) -> Void
    private let wakeReading: Int32
    private let wakeWriting: Int32
    private static let watchPauseSeconds = 0.5

    /// - Parameter periods: of a kind; another than the usual one in tests.
    /// - Parameter report: gets readings that came together, on a thread of the reader.
    package init(
        _ sources: [any ProbeSource], periods: (ProbeKind) -> ProbePeriod = { $0.period },
        report: @escaping @Sendable ([ProbeReading]) -> Void
    ) {
        var ends: [Int32] = [-1, -1]
        // Without it the reader wakes up in its own time only.
        _ = pipe2(&ends, O_CLOEXEC | O_NONBLOCK)
        (wakeReading, wakeWriting) = (ends[0], ends[1])
        self.report = report
        state = Mutex(State(slots: sources.map { Slot($0, periods($0.kind)) }))
        startThread(0)
    }

    deinit {
        close(wakeReading)
        close(wakeWriting)
    }

    private func startThread(_ generation: Int) {
        BlockingThread.start("probes") { [self] in work(generation) }
    }

    /// Changes the pace, and looks after sources that do not answer; call it now and then.
    package func tend(isComputing: Bool) {
        let now = millrace_monotonic_seconds()
        let (lost, silent) = state.withLock { state -> (Int?, [ProbeReading]) in
            guard !state.isStopped else { return (nil, []) }
            if state.isComputing != isComputing {
                state.isComputing = isComputing
                // What was seen long ago is no reason to begin or to end.
                for slot in state.slots {
                    slot.due = min(slot.due, isComputing ? 0 : slot.period.nextLook(after: now, isComputing: false))
                }
                wake()
            }
            return endWaiting(now, &state)
        }
        if let lost { startThread(lost) }
        if !silent.isEmpty { report(silent) }
    }

    /// - Returns: the generation of the thread that is needed in place of one that hangs; what to report.
    private func endWaiting(_ now: Double, _ state: inout State) -> (Int?, [ProbeReading]) {
        var isThreadLost = false
        var silent: [ProbeReading] = []
        for slot in state.slots {
            guard let since = slot.readingSince, now - since >= slot.source.timeLimitSeconds else { continue }
            if !slot.isStuck {
                slot.isStuck = true
                isThreadLost = isThreadLost || !slot.source.isSlow
            } else if now < slot.due {
                continue
            }
            slot.due = slot.period.nextLook(after: now, isComputing: state.isComputing)
            silent.append(reading(slot, .unavailable("did not answer for \(Int(now - since)) s")))
        }
        guard isThreadLost else { return (nil, silent) }
        state.generation += 1
        defer { state.fresh = [] }
        return (state.generation, state.fresh + silent)
    }

    /// Puts other sources in the place of those of some kinds; they are read at once. Nothing is reported of the old
    /// ones any more, a look that is under way included.
    package func replace(_ kinds: Set<ProbeKind>, with sources: [any ProbeSource]) {
        let next = state.withLock { state -> Int? in
            // The thread may hang in one of them, and nobody would look after it any more.
            let isHeldUp = state.slots.contains {
                kinds.contains($0.source.kind) && $0.readingSince != nil && !$0.source.isSlow
            }
            state.slots.removeAll { kinds.contains($0.source.kind) }
            state.fresh.removeAll { kinds.contains($0.kind) }
            state.slots += sources.map { Slot($0, $0.kind.period) }
            guard isHeldUp, !state.isStopped else { return nil }
            state.generation += 1
            return state.generation
        }
        if let next { startThread(next) } else { wake() }
    }

    /// Ends the thread, as soon as it does not hang.
    package func stop() {
        state.withLock { $0.isStopped = true }
        wake()
    }

    // MARK: The thread

    private func work(_ generation: Int) {
        while true {
            switch nextStep(generation) {
            case .end: return
            case .read(let slot) where slot.source.isSlow:
                BlockingThread.start("probe-slow") { [self] in
                    _ = finish(slot, slot.source.read(now: Self.now), generation)
                    wake()
                }
            case .read(let slot):
                guard finish(slot, slot.source.read(now: Self.now), generation) else { return wake() }
            case .sleep(let seconds, let watched, let fresh):
                if !fresh.isEmpty { report(fresh) }
                sleep(seconds, watched)
            }
        }
    }

    private func nextStep(_ generation: Int) -> Step {
        let now = millrace_monotonic_seconds()
        return state.withLock { state in
            guard !state.isStopped, state.generation == generation else { return .end }
            let free = state.slots.filter { $0.readingSince == nil }
            if let slot = free.first(where: { $0.due <= now }) {
                slot.readingSince = now
                slot.due = slot.period.nextLook(after: now, isComputing: state.isComputing)
                return .read(slot)
            }
            let watchable = free.filter { state.isComputing || $0.source.isCalm }
            let watched = watchable.filter { $0.watchFrom <= now }.flatMap { slot in
                slot.source.watched.map { ($0, slot) }
            }
            let due = (free.map(\.due) + watchable.map(\.watchFrom)).filter { $0 > now }.min()
            defer { state.fresh = [] }
            return .sleep(for: (due ?? now + 3600) - now, watched: watched, fresh: state.fresh)
        }
    }

    /// - Returns: whether the thread goes on; not if it was given up.
    private func finish(_ slot: Slot, _ value: ProbeReading.Value?, _ generation: Int) -> Bool {
        state.withLock { state in
            slot.readingSince = nil
            slot.isStuck = false
            let isStillAsked = state.slots.contains { $0 === slot }
            if let value, isStillAsked, !state.isStopped { state.fresh.append(reading(slot, value)) }
            return state.generation == generation
        }
    }

    private func sleep(_ seconds: Double, _ watched: [(Int32, Slot)]) {
        var ends = [pollfd(fd: wakeReading, events: Int16(POLLIN), revents: 0)]
        ends += watched.map { pollfd(fd: $0.0, events: Int16(POLLIN), revents: 0) }
        guard poll(&ends, nfds_t(ends.count), Int32(min(seconds, 3600) * 1000) + 1) > 0 else { return }
        if ends[0].revents != 0 {
            var buffer = [UInt8](repeating: 0, count: 64)
            _ = read(wakeReading, &buffer, buffer.count)
        }
        let now = millrace_monotonic_seconds()
        state.withLock { _ in
            for (end, (_, slot)) in zip(ends.dropFirst(), watched) where end.revents != 0 {
                slot.due = 0
                slot.watchFrom = now + Self.watchPauseSeconds
            }
        }
    }

    private func wake() {
        var byte: UInt8 = 1
        _ = write(wakeWriting, &byte, 1)
    }

    private func reading(_ slot: Slot, _ value: ProbeReading.Value) -> ProbeReading {
        ProbeReading(kind: slot.source.kind, value: value, at: Self.now)
    }

    private static var now: Timestamp { Timestamp(milliseconds: millrace_wall_milliseconds()) }
}
