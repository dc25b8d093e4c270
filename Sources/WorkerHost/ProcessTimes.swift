import Domain
import Glibc

/// CPU times from `/proc`, in seconds; the folder can be another one for tests.
public enum ProcessTimes {
    private static let ticksPerSecond = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))

    /// User and system time of one process; nil when it is gone.
    public static func cpuSeconds(of pid: pid_t, proc: String = "/proc") -> Double? {
        guard let fields = statFields(of: pid, proc: proc), fields.count > 12, let user = Double(fields[11]),
            let system = Double(fields[12])
        else { return nil }
        return (user + system) / ticksPerSecond
    }

    /// User and system time of all living processes of a group and of the children that they waited for; nil when
    /// there are none.
    public static func cpuSeconds(ofGroup group: pid_t, proc: String = "/proc") -> Double? {
        var sum: Double?
        for name in (try? Files.names(in: proc)) ?? [] {
            guard let pid = pid_t(name), let fields = statFields(of: pid, proc: proc), fields.count > 14,
                pid_t(fields[2]) == group
            else { continue }
            sum = fields[11...14].reduce(sum ?? 0) { $0 + (Double($1) ?? 0) / ticksPerSecond }
        }
        return sum
    }

    /// User and system time of children that the process has collected, and of theirs; nil when it is gone.
    static func collectedCPUSeconds(of pid: pid_t, proc: String = "/proc") -> Double? {
        guard let fields = statFields(of: pid, proc: proc), fields.count > 14, let user = Double(fields[13]),
            let system = Double(fields[14])
        else { return nil }
        return (user + system) / ticksPerSecond
    }

    /// Bytes of memory that the process has in use; 0 when it is gone.
    package static func residentBytes(of pid: pid_t, proc: String = "/proc") -> Int {
        let fields = (text("\(proc)/\(pid)/statm") ?? "").split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
    }

    /// When the process was started, in clock ticks since the machine was: with the process number it names one
    /// process for ever. nil when it is gone.
    static func start(of pid: pid_t, proc: String = "/proc") -> UInt64? {
        guard let fields = statFields(of: pid, proc: proc), fields.count > 19 else { return nil }
        return UInt64(fields[19])
    }

    /// Whether the process is there and has not ended; a zombie has.
    static func isAlive(_ pid: pid_t, proc: String = "/proc") -> Bool {
        guard let state = statFields(of: pid, proc: proc)?.first else { return false }
        return state != "Z" && state != "X"
    }

    /// The process group; nil when the process is gone.
    public static func group(of pid: pid_t, proc: String = "/proc") -> pid_t? {
        guard let fields = statFields(of: pid, proc: proc), fields.count > 2 else { return nil }
        return pid_t(fields[2])
    }

    /// All processors together: seconds in which somebody ran, and seconds since the start in which nobody did.
    public static func system(proc: String = "/proc") -> (busy: Double, idle: Double)? {
        guard let text = text("\(proc)/stat"), let line = text.split(separator: "\n").first else { return nil }
        let values = line.split(separator: " ").dropFirst().compactMap { Double($0) }
        // user nice system idle iowait irq softirq steal; guest times are part of user already.
        guard line.hasPrefix("cpu "), values.count >= 4 else { return nil }
        let idle = values[3] + (values.count > 4 ? values[4] : 0)
        let busy = values.prefix(8).reduce(0, +) - idle
        return (busy / ticksPerSecond, idle / ticksPerSecond)
    }

    /// The fields of `/proc/PID/stat` from the state on; the name before it may contain anything, even parentheses.
    private static func statFields(of pid: pid_t, proc: String) -> [Substring]? {
        guard let text = text("\(proc)/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        return text[text.index(after: end)...].split(whereSeparator: { $0 == " " || $0 == "\n" })
    }

    /// Files of `/proc` have no size: read until the end, at most 64 KiB. nil: there is no such file, or it is empty.
    package static func text(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 8192)
        while bytes.count < 1 << 16 {
            let count = read(file, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}
