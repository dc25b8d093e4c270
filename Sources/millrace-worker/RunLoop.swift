import CPosix
import Domain
import FoundationEssentials
import Glibc
import Plugins
import SwiftProtobuf
import Wire

/// One task from its first or last checkpoint to its result, or to the next checkpoint.
struct RunLoop {
    let folder: String
    let unit: LoadedUnit
    var kernel: any Kernel
    let surroundings: Surroundings
    let checkpointSeconds: Double
    var spent = Spent()

    /// CPU seconds of this process that were put into `spent` already.
    private var countedCPU = 0.0
    /// A request to stop that came during `advance`; honoured at the next look.
    private var stopReason: String?
    private var lastProgress = -1e9
    private var lastCheckpoint = millrace_monotonic_seconds()
    /// Seconds of work between two looks at the stop signals.
    private static let budgetSeconds = 0.2
    private static let progressSeconds = 0.5

    init(
        folder: String, unit: LoadedUnit, kernel: any Kernel, surroundings: Surroundings, checkpointSeconds: Double
    ) {
        self.folder = folder
        self.unit = unit
        self.kernel = kernel
        self.surroundings = surroundings
        self.checkpointSeconds = max(1, checkpointSeconds)
    }

    /// Goes on where an earlier run stopped. A checkpoint that does not fit is as good as none.
    mutating func takeUpCheckpoint(fresh: () throws(AppError) -> any Kernel) throws(AppError) {
        guard let found = CheckpointFile.read("\(folder)/checkpoint", unit: unit.digest) else { return }
        do throws(AppError) {
            try kernel.restore(from: found.kernel)
            spent.cpuSeconds += found.spent.cpuSeconds
            spent.wallSeconds += found.spent.wallSeconds
            spent.kernelSeconds += found.spent.kernelSeconds
        } catch {
            WorkerFiles.complain("the checkpoint is not used: \(error)")
            kernel = try fresh()
        }
    }

    /// - Throws: `.interrupted` after a checkpoint when it was asked to stop; others by their cause.
    mutating func perform() throws(Fault) {
        var fraction = 0.0
        while true {
            if case .stop(let why) = surroundings.stopRequest() { stopReason = why }
            if let stopReason { try leave(fraction, stopReason) }
            let done: Bool
            do throws(AppError) { done = try advance(&fraction) } catch { throw RunCommand.fault(error) }
            if done { break }
            let now = millrace_monotonic_seconds()
            if now - lastProgress >= Self.progressSeconds {
                try checkMemory()
                try writeProgress(fraction, done: false, durable: false)
                lastProgress = now
            }
            if now - lastCheckpoint >= checkpointSeconds {
                try writeCheckpoint()
                lastCheckpoint = now
            }
        }
        try finish()
    }

    /// One piece of work, timed. - Returns: whether it was the last.
    private mutating func advance(_ fraction: inout Double) throws(AppError) -> Bool {
        let cpu = millrace_own_cpu_seconds()
        let wall = millrace_monotonic_seconds()
        let progress = try kernel.advance(budgetSeconds: Self.budgetSeconds)
        let used = millrace_own_cpu_seconds() - cpu
        spent.kernelSeconds += used
        switch surroundings.stopRequest() {
        // The wall clock ran on while the process stood still.
        case .wasStopped: spent.wallSeconds += used
        case .none: spent.wallSeconds += millrace_monotonic_seconds() - wall
        case .stop(let why):
            spent.wallSeconds += used
            stopReason = why
        }
        switch progress {
        case .done: return true
        case .more(let reached):
            fraction = reached.isFinite ? min(max(reached, 0), 1) : fraction
            return false
        }
    }

    private mutating func leave(_ fraction: Double, _ why: String) throws(Fault) -> Never {
        try writeCheckpoint()
        try writeProgress(fraction, done: false, durable: false)
        throw Fault(.interrupted, "stopped (\(why)) with a checkpoint at \(Int(fraction * 100)) %")
    }

    private mutating func finish() throws(Fault) {
        let cpu = millrace_own_cpu_seconds()
        var body = WireResultBody()
        body.unitID = unit.body.unitID
        body.unitSha256 = Data(unit.digest.bytes)
        body.app = unit.body.app
        body.appVersion = unit.body.appVersion
        let payload: Payload
        do throws(AppError) { payload = try kernel.result() } catch { throw RunCommand.fault(error) }
        spent.kernelSeconds += millrace_own_cpu_seconds() - cpu
        let bytes: [UInt8]
        do throws(WireError) {
            body.sections = try PayloadConversion.packed(payload)
            bytes = try ResultContainer.encode(body)
        } catch {
            throw Fault(.software, "the result cannot be encoded: \(error)")
        }
        guard bytes.count <= unit.body.outputBytesMax else {
            throw Fault(.osError, "a result of \(bytes.count) bytes; the work unit allows \(unit.body.outputBytesMax)")
        }
        // The result is the sign that all is done, so what is told about it must be there before it.
        try writeProgress(1, done: true, durable: true)
        try WorkerFiles.replace("\(folder)/result", with: bytes, durable: true)
    }

    private mutating func checkMemory() throws(Fault) {
        let peak = surroundings.peakMemoryBytes()
        guard peak <= Int(clamping: unit.body.memoryBytes) + Surroundings.residentHeadroom else {
            throw Fault(
                .osError, "\(peak >> 20) MiB of memory are in use; the work unit allows \(unit.body.memoryBytes >> 20)")
        }
    }

    private mutating func writeCheckpoint() throws(Fault) {
        countCPU()
        try CheckpointFile.write(
            "\(folder)/checkpoint", unit: unit.digest, spent: spent, kernel: kernel.checkpoint())
    }

    private mutating func writeProgress(_ fraction: Double, done: Bool, durable: Bool) throws(Fault) {
        countCPU()
        var progress = WireRunProgress()
        progress.fraction = fraction
        progress.cpuSeconds = spent.cpuSeconds
        progress.wallSeconds = spent.wallSeconds
        progress.kernelSeconds = spent.kernelSeconds
        progress.peakMemoryBytes = UInt64(surroundings.peakMemoryBytes())
        progress.done = done
        progress.fingerprint = kernel.fingerprint
        guard let bytes = try? progress.serializedBytes() as [UInt8] else { return }
        try WorkerFiles.replace("\(folder)/progress", with: bytes, durable: durable)
    }

    private mutating func countCPU() {
        let now = millrace_own_cpu_seconds()
        spent.cpuSeconds += now - countedCPU
        countedCPU = now
    }
}
