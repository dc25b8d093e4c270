import Glibc

/// Numbers for people: three digits or so, with a unit.
public enum Amounts {
    /// `0.1234` gives `0.123`: `digits` significant digits at least, and no exponent between 1e-4 and 1e9.
    public static func number(_ value: Double, digits: Int = 3) -> String {
        guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
        if value == 0 { return "0" }
        // The exponent after rounding: 0.9996 becomes 1.00, not 1.000.
        let rounded = scientific(value, digits: digits)
        let magnitude = rounded.split(separator: "e").last.flatMap { Int($0) } ?? 0
        if magnitude < -4 || magnitude >= 9 { return rounded }
        return fixed(value, decimals: max(0, digits - 1 - magnitude))
    }

    /// With so many decimals, rounded to nearest.
    public static func fixed(_ value: Double, decimals: Int) -> String {
        formatted("%.\(min(17, max(0, decimals)))f", value)
    }

    static func scientific(_ value: Double, digits: Int) -> String {
        formatted("%.\(min(17, max(0, digits - 1)))e", value)
    }

    private static func formatted(_ format: String, _ value: Double) -> String {
        var buffer = [CChar](repeating: 0, count: 400)
        let count = withVaList([value]) { vsnprintf(&buffer, buffer.count, format, $0) }
        let bytes = buffer.prefix(max(0, min(Int(count), buffer.count - 1))).map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `1.5 MiB`.
    public static func bytes(_ bytes: Int64) -> String {
        var value = Double(bytes)
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value < 1024 { return (unit == "B" ? "\(bytes)" : number(value)) + " " + unit }
            value /= 1024
        }
        return "\(number(value)) TiB"
    }

    /// `12.3 s`, `4 min 5 s`, `2 h 3 min`, `3 d 4 h`.
    public static func seconds(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0 else { return "unknown" }
        if seconds < 1 { return "\(number(seconds * 1000, digits: 2)) ms" }
        if seconds < 59.95 { return "\(number(seconds)) s" }
        let whole = Int64(min(seconds, 1e12).rounded())
        if whole < 3600 { return "\(whole / 60) min" + (whole % 60 == 0 ? "" : " \(whole % 60) s") }
        if whole < 86_400 { return "\(whole / 3600) h" + (whole % 3600 < 60 ? "" : " \(whole % 3600 / 60) min") }
        let days = whole / 86_400
        return "\(days) d" + (days > 30 || whole % 86_400 < 3600 ? "" : " \(whole % 86_400 / 3600) h")
    }

    /// `3.21 GFLOP/s`.
    public static func flopsPerSecond(_ value: Double) -> String { scaled(value) + "FLOP/s" }

    /// `3.21 GFLOP`.
    public static func flops(_ value: Double) -> String { scaled(value) + "FLOP" }

    private static func scaled(_ value: Double) -> String {
        var value = value
        for prefix in ["", "k", "M", "G", "T", "P"] {
            if abs(value) < 999.5 { return "\(number(value)) \(prefix)" }
            value /= 1000
        }
        return "\(number(value)) E"
    }

    /// `12.346` cobblestones from millionths; 6 decimals are exact.
    public static func cobblestones(_ micro: Int64, decimals: Int = 3) -> String {
        fixed(Double(micro) / 1e6, decimals: decimals)
    }

    /// Decimals for a column of credit: all six while the largest amount is under one cobblestone.
    static func decimals(forCredits credits: [Int64]) -> Int {
        (credits.max() ?? 0) < 1_000_000 ? 6 : 3
    }

    /// `12.3 %`; nothing for 0.
    static func share(_ share: Double) -> String { share > 0 ? "\(number(share * 100)) %" : "" }

    /// A chance for people: `1.20e-9`, or a bound for one too small for a number.
    static func chance(_ chance: Double) -> String { chance > 0 ? number(chance) : "below 1e-300" }

    /// `1 unit`, `2 units`.
    public static func count(_ count: UInt64, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }

    /// `2026-11-22 17:42:06` in the local time zone; empty for 0.
    public static func moment(_ milliseconds: UInt64) -> String { moment(milliseconds, format: "%Y-%m-%d %H:%M:%S") }

    /// `11-22 17:42`, for tables.
    static func shortMoment(_ milliseconds: UInt64) -> String { moment(milliseconds, format: "%m-%d %H:%M") }

    private static func moment(_ milliseconds: UInt64, format: String) -> String {
        guard milliseconds > 0, var seconds = time_t(exactly: milliseconds / 1000) else { return "" }
        var parts = tm()
        guard localtime_r(&seconds, &parts) != nil else { return "" }
        var buffer = [CChar](repeating: 0, count: 64)
        let count = strftime(&buffer, buffer.count, format, &parts)
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
