/// Figures as the pages write them. Escaping is the templates' work.
public enum PageText {
    /// - Parameter milliseconds: since 1970. - Returns: for example `2026-03-01 14:05:09 UTC`; empty for 0.
    static func time(_ milliseconds: UInt64) -> String {
        guard milliseconds > 0 else { return "" }
        let seconds = Int64(clamping: milliseconds / 1000)
        let (year, month, day) = date(daysSince1970: seconds / 86_400)
        let rest = seconds % 86_400
        let clock = [rest / 3600, rest / 60 % 60, rest % 60].map { two($0) }.joined(separator: ":")
        return "\(year)-\(two(month))-\(two(day)) \(clock) UTC"
    }

    /// The Gregorian calendar, counted in eras of 400 years that begin in March.
    private static func date(daysSince1970: Int64) -> (Int64, Int64, Int64) {
        let days = daysSince1970 + 719_468
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// Credit in cobblestones with three decimals.
    static func credit(_ micro: Int64) -> String {
        let milli = (micro.magnitude + 500) / 1000
        let decimals = "\(1000 + milli % 1000)".dropFirst()
        return (micro < 0 ? "-" : "") + "\(milli / 1000).\(decimals)"
    }

    /// Cobblestones with three decimals.
    static func cobblestones(_ value: Double) -> String {
        credit(Int64((min(max(value.isFinite ? value : 0, -9e12), 9e12) * 1e6).rounded()))
    }

    /// Three significant digits, with a power of ten where the number is very large or small.
    static func figure(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "not a number" : "infinite" }
        if value == 0 { return "0" }
        var exponent = 0
        var mantissa = value.magnitude
        while mantissa >= 10 {
            mantissa /= 10
            exponent += 1
        }
        while mantissa < 1 {
            mantissa *= 10
            exponent -= 1
        }
        let sign = value < 0 ? "-" : ""
        if exponent >= -3 && exponent < 6 {
            let places = max(0, 2 - exponent)
            return sign + fixed(value.magnitude, places: places)
        }
        return sign + fixed(mantissa, places: 2) + "e\(exponent)"
    }

    private static func fixed(_ value: Double, places: Int) -> String {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let scaled = UInt64((value * scale).rounded())
        guard places > 0 else { return "\(scaled)" }
        let whole = scaled / UInt64(scale)
        return "\(whole).\("\(UInt64(scale) + scaled % UInt64(scale))".dropFirst())"
    }

    /// For example `12.5 %`; never 100 before all is done.
    public static func percent(ended: UInt64, of total: UInt64) -> String {
        guard total > 0 else { return "0 %" }
        let tenths = UInt64(Double(min(ended, total)) / Double(total) * 1000)
        let shown = ended < total ? min(tenths, 999) : 1000
        return shown % 10 == 0 ? "\(shown / 10) %" : "\(shown / 10).\(shown % 10) %"
    }

    /// For example `1 h 20 min`.
    static func span(_ seconds: Double) -> String {
        let whole = Int64(min(max(seconds, 0), 1e9).rounded())
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min" }
        if whole < 86_400 { return "\(whole / 3600) h \(whole / 60 % 60) min" }
        return "\(whole / 86_400) d \(whole / 3600 % 24) h"
    }
}
