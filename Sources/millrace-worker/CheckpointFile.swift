import Bytes
import Domain
import Glibc

/// What a task has used so far, over all its runs.
struct Spent: Hashable {
    /// CPU seconds of the worker.
    var cpuSeconds = 0.0
    /// Seconds in which the worker was not stopped.
    var wallSeconds = 0.0
    /// CPU seconds inside the kernel.
    var kernelSeconds = 0.0
}

/// The file from which a task goes on: bound to its unit's hash and closed by a hash of its own.
///
/// magic, unit SHA-256 (32), three doubles of `Spent`, length (8) and the kernel's bytes, SHA-256 (32) of all before.
enum CheckpointFile {
    private static let magic = Array("MRCHKPT1".utf8)
    private static let overhead = 8 + 32 + 24 + 8 + 32

    /// - Throws: `.cannotWrite`; `.osError` when the kernel's checkpoint is larger than allowed.
    static func write(_ path: String, unit: Digest, spent: Spent, kernel: [UInt8]) throws(Fault) {
        guard kernel.count <= Limits.checkpointBytesMax else {
            throw Fault(.osError, "a checkpoint of \(kernel.count) bytes; \(Limits.checkpointBytesMax) are allowed")
        }
        var writer = ByteWriter(capacity: kernel.count + overhead)
        writer.put(bytes: magic)
        writer.put(bytes: unit.bytes)
        for value in [spent.cpuSeconds, spent.wallSeconds, spent.kernelSeconds] { writer.put(f64: value) }
        writer.put(u64: UInt64(kernel.count))
        writer.put(bytes: kernel)
        writer.put(bytes: SHA256Hash.digest(of: writer.bytes).bytes)
        try WorkerFiles.replace(path, with: writer.bytes, durable: true)
    }

    /// - Returns: nil when there is none, or none that fits; the task then starts afresh.
    static func read(_ path: String, unit: Digest) -> (spent: Spent, kernel: [UInt8])? {
        guard access(path, F_OK) == 0 else { return nil }
        let limit = Limits.checkpointBytesMax + overhead
        guard let bytes = try? WorkerFiles.read(path, limit: limit), bytes.count >= overhead,
            SHA256Hash.digest(of: bytes.dropLast(32)).bytes == Array(bytes.suffix(32))
        else { return refuse(path, "it is damaged") }
        var reader = ByteReader(bytes)
        do throws(ByteReaderError) {
            guard try reader.readBytes(8) == magic else { return refuse(path, "it is of another version") }
            guard try reader.readBytes(32) == unit.bytes else { return refuse(path, "it is another work unit's") }
            let spent = Spent(
                cpuSeconds: try reader.readF64(), wallSeconds: try reader.readF64(),
                kernelSeconds: try reader.readF64())
            let count = try reader.readU64()
            guard count == UInt64(reader.remaining - 32) else { return refuse(path, "it is damaged") }
            return (spent, try reader.readBytes(Int(count)))
        } catch {
            return refuse(path, "it is damaged")
        }
    }

    private static func refuse(_ path: String, _ why: String) -> (spent: Spent, kernel: [UInt8])? {
        WorkerFiles.complain("the checkpoint \(path) is not used: \(why)")
        return nil
    }
}
