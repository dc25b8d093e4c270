/// A day in UTC, as days since 1970-01-01.
public struct UTCDay: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let number: Int64

    public init(number: Int64) {
        self.number = number
    }

    /// The day in which a moment lies.
    public init(_ moment: Timestamp) {
        let (days, rest) = moment.milliseconds.quotientAndRemainder(dividingBy: UTCDay.milliseconds)
        number = rest < 0 ? days - 1 : days
    }

    /// Reads `YYYY-MM-DD`, years 1 to 9999; nil when there is no such day.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.map(\.count) == [4, 2, 2], parts.allSatisfy({ $0.allSatisfy { (48...57).contains($0) } }) else {
            return nil
        }
        let numbers = parts.map { $0.reduce(Int64(0)) { $0 * 10 + Int64($1 - 48) } }
        let day = UTCDay(year: numbers[0], month: numbers[1], day: numbers[2])
        guard numbers[0] >= 1, (1...12).contains(numbers[1]), day.description == text else { return nil }
        self = day
    }

    /// By the algorithm `days_from_civil` of H. Hinnant (howardhinnant.github.io/date_algorithms.html): years begin in
    /// March, so that the leap day is a year's last.
    private init(year: Int64, month: Int64, day: Int64) {
        let marchYear = month <= 2 ? year - 1 : year
        let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        number = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    public static let milliseconds: Int64 = 86_400_000
    public static let first = UTCDay(number: Int64.min / milliseconds - 1)
    public static let last = UTCDay(number: Int64.max / milliseconds)
    public static func < (a: UTCDay, b: UTCDay) -> Bool { a.number < b.number }

    /// `YYYY-MM-DD`.
    public var description: String {
        let shifted = number + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return "\(UTCDay.padded(year, 4))-\(UTCDay.padded(month, 2))-\(UTCDay.padded(day, 2))"
    }

    private static func padded(_ number: Int64, _ digits: Int) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
