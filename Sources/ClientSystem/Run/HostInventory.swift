import CPosix
import Domain
import Glibc
import WorkerHost

/// What this machine is: for the server's estimates, never for credit.
public enum HostInventory {
    public static let clientVersion = "0.1.0"

    /// - Parameter folder: whose disk counts.
    public static func profile(folder: String) -> HostProfile {
        HostProfile(
            name: hostName(), platform: platform, cpuModel: cpuModel(), cores: cores, memoryBytes: memoryBytes(),
            diskFreeBytes: diskFreeBytes(folder),
            benchmarkFlopsPerSecond: min(Benchmark.flopsPerSecond(), flopsPerSecondMax), clientVersion: clientVersion)
    }

    // What a server takes, by FORMAT.md, 7.3; one figure beyond it would refuse the whole request. Some network file
    // systems say that they have room without end.
    static let coresMax = 4096
    static let memoryBytesMax: Int64 = 1_000_000_000_000_000
    static let diskFreeBytesMax: Int64 = 1_000_000_000_000_000_000
    static let flopsPerSecondMax = 1e15

    /// Processors that this process may use.
    public static var cores: Int { min(ProcessorCount.usable(), coresMax) }

    public static var platform: String {
        #if arch(x86_64)
            "x86_64-linux"
        #elseif arch(arm64)
            "aarch64-linux"
        #else
            "unknown-linux"
        #endif
    }

    private static func hostName() -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let status = buffer.withUnsafeMutableBytes {
            gethostname($0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count - 1)
        }
        return status == 0 ? cut(String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self), 64) : "host"
    }

    private static func cpuModel() -> String {
        let line = lines("/proc/cpuinfo").first { $0.hasPrefix("model name") || $0.hasPrefix("Model") }
        let name = line?.split(separator: ":", maxSplits: 1).last.map { String($0.drop { $0 == " " }) }
        return cut(name ?? "unknown", 128)
    }

    private static func memoryBytes() -> Int64 {
        min(max(0, MemoryGauge().totalBytes() ?? 0), memoryBytesMax)
    }

    static func diskFreeBytes(_ folder: String) -> Int64 {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return 0 }
        return diskFreeBytes(blocks: UInt64(status.f_bavail), blockBytes: UInt64(status.f_frsize))
    }

    package static func diskFreeBytes(blocks: UInt64, blockBytes: UInt64) -> Int64 {
        let bytes = blocks.multipliedReportingOverflow(by: blockBytes)
        return bytes.overflow ? diskFreeBytesMax : min(Int64(clamping: bytes.partialValue), diskFreeBytesMax)
    }

    private static func lines(_ path: String) -> [String] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        var lines: [String] = []
        var buffer = [UInt8](repeating: 0, count: 1024)
        while lines.count < 64 {
            let more = buffer.withUnsafeMutableBytes {
                fgets($0.baseAddress!.assumingMemoryBound(to: CChar.self), 1024, file) != nil
            }
            guard more else { break }
            lines.append(String(decoding: buffer.prefix { $0 != 0 && $0 != 10 }, as: UTF8.self))
        }
        return lines
    }

    private static func cut(_ text: String, _ bytesMax: Int) -> String {
        let printable = text.utf8.filter { $0 >= 0x20 && $0 < 0x7F }
        return String(decoding: printable.prefix(bytesMax), as: UTF8.self)
    }
}

/// A tenth of a second of arithmetic: a first guess at this machine's speed, until real tasks were measured.
public enum Benchmark {
    /// FLOPs per second of one core in a chain of complex rotations, which is what transforms are made of.
    public static func flopsPerSecond(seconds: Double = 0.03) -> Double {
        var points = (0..<64).map { SIMD8<Float>(repeating: Float($0) / 64) }
        let (cosine, sine) = (SIMD8<Float>(repeating: 0.8), SIMD8<Float>(repeating: 0.6))
        let started = millrace_own_cpu_seconds()
        var rounds = 0.0
        var used = 0.0
        while used < seconds {
            for _ in 0..<200 {
                for at in stride(from: 0, to: 64, by: 2) {
                    let (x, y) = (points[at], points[at + 1])
                    points[at] = x * cosine - y * sine
                    points[at + 1] = x * sine + y * cosine
                }
            }
            rounds += 200
            used = millrace_own_cpu_seconds() - started
        }
        // Four products and two sums for each of 32 pairs of 8 lanes. The last value keeps the loop from being dropped.
        let flops = rounds * 32 * 8 * 6
        return points[0][0].isFinite ? flops / used : 0
    }
}
