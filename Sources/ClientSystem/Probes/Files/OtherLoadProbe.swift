import CPosix
import ClientCore
import Domain
import Glibc
import WorkerHost

/// Processor time used by everything but this client and its workers, from `/proc/stat`.
public struct OtherLoadProbe {
    private struct Sample {
        var at: Double
        var busy: Double
        var own: Double
    }

    private let proc: String
    private var last: Sample?
    /// Shorter windows only measure the clock tick.
    private static let windowSeconds = 0.9

    /// - Parameter proc: where `/proc` is; another folder in tests.
    public init(proc: String = "/proc") {
        self.proc = proc
    }

    /// - Parameter ownCPUSeconds: of this client and its workers, ended ones included: only ever grows.
    /// - Parameter monotonicSeconds: the time that goes with it.
    /// - Returns: nil when it is too early for a reading.
    public mutating func read(
        ownCPUSeconds: Double, monotonicSeconds: Double, now: Timestamp
    ) -> ProbeReading? {
        guard let system = ProcessTimes.system(proc: proc) else {
            return ProbeReading(kind: .otherLoad, value: .unavailable("\(proc)/stat cannot be read"), at: now)
        }
        let sample = Sample(at: monotonicSeconds, busy: system.busy, own: ownCPUSeconds)
        guard let last else {
            self.last = sample
            return nil
        }
        let seconds = sample.at - last.at
        guard seconds >= Self.windowSeconds else { return nil }
        self.last = sample
        let others = (sample.busy - last.busy) - (sample.own - last.own)
        return ProbeReading(kind: .otherLoad, value: .busy(cores: max(0, others / seconds)), at: now)
    }
}
