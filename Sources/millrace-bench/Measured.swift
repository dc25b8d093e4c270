import FoundationEssentials
import Glibc
import Measuring

/// What one measurement found.
struct Measured {
    var outcome: LoadOutcome
    var serverCPU: Double
    var loadCPU: Double
    var serverMiB: Double
    var loadMiB: Double
    var unitsValidated: UInt64
    /// That were waiting at the end; none means that the splitter was the bound.
    var unitsReady: UInt64

    var unitsPerSecond: Double { Double(unitsValidated) / max(outcome.seconds, 1e-9) }
    var bytesPerTask: Double { Double(outcome.bytes) / Double(max(1, outcome.tasks)) }

    var text: String {
        func short(_ value: Double) -> String { BenchTable.short(value) }
        let calls = Double(max(1, outcome.calls))
        let lines = [
            "calls: \(outcome.calls), \(short(outcome.callsPerSecond)) a second; tasks \(short(outcome.tasksPerSecond))"
                + " a second; units validated \(short(unitsPerSecond)) a second",
            "latency: \(outcome.latencies)" + (outcome.missed > 0 ? "; never made: \(outcome.missed)" : ""),
            "bytes, both directions: \(short(Double(outcome.bytes) / calls)) a call, \(short(bytesPerTask)) a task",
            "server: \(short(serverCPU)) s of CPU, \(short(serverCPU * 1e6 / calls)) us a call, \(short(serverMiB)) MiB"
                + " resident",
            "load: \(short(loadCPU)) s of CPU, \(short(loadCPU * 1e6 / calls)) us a call, \(short(loadMiB)) MiB",
        ]
        let starved = unitsReady == 0 ? ["no unit was waiting at the end: the splitter may have been the bound"] : []
        let failed = outcome.failed > 0 ? ["calls that failed: \(outcome.failed)"] : []
        return (lines + starved + failed + outcome.failures.prefix(3).map { "failed: \($0)" }).joined(separator: "\n")
    }

    /// For a program: the same, by names.
    var values: [String: Double] {
        [
            "calls": Double(outcome.calls), "seconds": outcome.seconds, "calls_per_second": outcome.callsPerSecond,
            "tasks_per_second": outcome.tasksPerSecond, "units_validated_per_second": unitsPerSecond,
            "p50_ms": outcome.milliseconds(0.5), "p90_ms": outcome.milliseconds(0.9),
            "p99_ms": outcome.milliseconds(0.99), "p999_ms": outcome.milliseconds(0.999),
            "longest_ms": Double(outcome.histogram.longest) / 1000, "mean_ms": outcome.histogram.mean / 1000,
            "calls_never_made": Double(outcome.missed), "bytes": Double(outcome.bytes), "bytes_per_task": bytesPerTask,
            "server_cpu_seconds": serverCPU, "load_cpu_seconds": loadCPU, "server_resident_mib": serverMiB,
            "load_resident_mib": loadMiB, "failures": Double(outcome.failed),
        ]
    }
}

/// A file of JSON beside the text.
enum BenchFile {
    static func write(_ measurements: [String: [String: Double]], to path: String?) throws {
        guard let path else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(measurements).write(to: URL(filePath: path))
    }
}

/// A server that closes a connection must not end the load.
func signalsIgnored() { signal(SIGPIPE, SIG_IGN) }

/// A folder that nobody else uses.
func benchFolder(_ parent: String, _ name: String) -> String {
    "\(parent)/millrace-bench-\(getpid())-\(name)"
}

/// Of the last minute, as the kernel counts.
func loadAverage() -> String {
    var loads = [0.0, 0.0, 0.0]
    return getloadavg(&loads, 3) == 3 ? loads.map { BenchTable.short($0) }.joined(separator: " ") : "unknown"
}
