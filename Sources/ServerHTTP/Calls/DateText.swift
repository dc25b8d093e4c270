import Glibc
import Synchronization

/// The value of the header `Date` (RFC 9110, section 5.6.7), written once a second.
final class DateText: Sendable {
    private let known = Mutex<(second: time_t, text: String)>((-1, ""))

    var text: String {
        var now = time_t()
        time(&now)
        return known.withLock { known in
            if known.second != now { known = (now, Self.text(of: now)) }
            return known.text
        }
    }

    private static func text(of second: time_t) -> String {
        var (second, parts) = (second, tm())
        gmtime_r(&second, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return
            "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1900) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }
}
