import CPosix
import ClientCore
import Domain
import Glibc
import Synchronization

/// One look through every probe, for a person who wants to know what this machine tells.
public struct ProbeReport: Hashable, Sendable, Codable {
    public struct Row: Hashable, Sendable, Codable {
        public var name: String
        /// In words, for example `idle for 12 s`.
        public var value: String
        /// Whether it tells anything.
        public var isAvailable: Bool
        /// Milliseconds since 1970.
        public var atMs: Int64
        /// Milliseconds from the reading to this report.
        public var ageMs: Int64
    }

    public var rows: [Row]

    /// - Parameter readings: the last one of a kind counts; a kind without one did not answer.
    package init(_ readings: [ProbeReading], waitedSeconds: Double, now: Timestamp) {
        rows = ProbeKind.allCases.map { kind in
            let reading =
                readings.last { $0.kind == kind }
                ?? ProbeReading(kind: kind, value: .unavailable("did not answer for \(Int(waitedSeconds)) s"), at: now)
            var isAvailable = true
            if case .unavailable = reading.value { isAvailable = false }
            return Row(
                name: kind.rawValue, value: reading.value.words, isAvailable: isAvailable,
                atMs: reading.at.milliseconds, ageMs: max(0, now.milliseconds - reading.at.milliseconds))
        }
    }

    /// Looks until every probe has answered, or the time is over. Blocks meanwhile.
    public static func take(
        settings: ProbeSettings, roots: ProbeRoots = ProbeRoots(), x11: X11Display = .ofEnvironment,
        waitSeconds: Double
    ) -> ProbeReport {
        let collected = Collected()
        let set = ProbeSet(settings: settings, roots: roots, x11: x11) { collected.add($0) }
        defer { set.stop() }
        let start = millrace_monotonic_seconds()
        repeat {
            set.tend(isComputing: true, ownCPUSeconds: millrace_own_cpu_seconds)
            usleep(50_000)
        } while !collected.isComplete && millrace_monotonic_seconds() - start < waitSeconds
        return ProbeReport(
            collected.all, waitedSeconds: waitSeconds, now: Timestamp(milliseconds: millrace_wall_milliseconds()))
    }

    /// For a terminal.
    public var lines: [String] {
        let width = (rows.map(\.name.count).max() ?? 0) + 2
        return rows.map { row in
            let name = row.name + String(repeating: " ", count: width - row.name.count)
            let tenths = (row.ageMs + 50) / 100
            return "\(name)\(row.value)" + (row.isAvailable ? ", \(tenths / 10).\(tenths % 10) s ago" : "")
        }
    }

    private final class Collected: Sendable {
        private let readings = Mutex<[ProbeReading]>([])

        func add(_ new: [ProbeReading]) { readings.withLock { $0 += new } }
        var all: [ProbeReading] { readings.withLock { $0 } }
        var isComplete: Bool { Set(all.map(\.kind)).count == ProbeKind.allCases.count }
    }
}
