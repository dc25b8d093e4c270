import Domain

/// Times of the week, in local time, to the minute. Minute 0 of a week is Monday, 00:00.
public struct WeeklyWindows: Hashable, Sendable {
    /// The same hours on some days. Hours over midnight belong to the day on which they begin.
    public struct Window: Hashable, Sendable {
        /// Bit 0: Monday ... bit 6: Sunday.
        public var days: UInt8
        /// Minutes after midnight, 0 ... 1439.
        public var start: Int
        /// Minutes after midnight, 1 ... 1440, and not `start`; before it: on the next day.
        public var end: Int

        public init(days: UInt8, start: Int, end: Int) {
            self.days = days
            self.start = start
            self.end = end
        }

        /// Minutes from start to end.
        var length: Int { end > start ? end - start : end + Self.dayMinutes - start }

        /// Whether it is open in this minute of the week.
        func contains(_ minute: Int) -> Bool {
            (0..<7).contains { day in
                guard days >> UInt8(day) & 1 == 1 else { return false }
                let begin = day * Self.dayMinutes + start
                let since = (minute - begin + WeeklyWindows.weekMinutes) % WeeklyWindows.weekMinutes
                return since < length
            }
        }

        static let dayMinutes = 1440
    }

    public static let weekMinutes = 10_080
    public static let windowsMax = 64
    public static let always = WeeklyWindows([])

    /// None: always open.
    public var windows: [Window]

    public init(_ windows: [Window]) {
        self.windows = windows
    }

    /// - Parameter minute: of the week, 0 ..< 10080.
    public func contains(_ minute: Int) -> Bool {
        windows.isEmpty || windows.contains { $0.contains(minute) }
    }

    /// Minutes from the beginning of this minute of the week until open becomes closed, or closed open.
    ///
    /// - Returns: 1 ... 10080; nil when it never does.
    public func minutesToChange(from minute: Int) -> Int? {
        let now = contains(minute)
        // Only at a start or an end of a window can it change.
        var nearest: Int?
        for window in windows {
            for day in 0..<7 where window.days >> UInt8(day) & 1 == 1 {
                let begin = day * Window.dayMinutes + window.start
                for edge in [begin, begin + window.length] {
                    let step = (edge - minute - 1 + 2 * Self.weekMinutes) % Self.weekMinutes + 1
                    if step < nearest ?? .max, contains((minute + step) % Self.weekMinutes) != now { nearest = step }
                }
            }
        }
        return nearest
    }

    /// The local minute of the week in which a moment lies.
    ///
    /// - Parameter utcOffsetSeconds: local time minus UTC.
    public static func minute(of moment: Timestamp, utcOffsetSeconds: Int) -> Int {
        let local = moment + TimeSpan(milliseconds: Int64(utcOffsetSeconds) * 1000)
        let day = UTCDay(local).number
        let inDay = Int((local.milliseconds - day * UTCDay.milliseconds) / 60_000)
        // 1970-01-01 was a Thursday.
        let weekday = Int(((day + 3) % 7 + 7) % 7)
        return weekday * Window.dayMinutes + inDay
    }

    /// `mon 22:00` for a minute of the week.
    public static func text(minute: Int) -> String {
        "\(dayNames[minute / Window.dayMinutes]) \(clock(minute % Window.dayMinutes))"
    }

    static let dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

    static func clock(_ minute: Int) -> String {
        let two = { (value: Int) in value < 10 ? "0\(value)" : "\(value)" }
        return "\(two(minute / 60)):\(two(minute % 60))"
    }
}

extension WeeklyWindows.Window {
    private static let longNames = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    /// Words for several days.
    private static let groups: [(word: String, days: UInt8)] = [
        ("daily", 0b111_1111), ("weekdays", 0b001_1111), ("weekend", 0b110_0000),
    ]
    /// For messages.
    static let dayWords = WeeklyWindows.dayNames + groups.map(\.word)

    /// Reads `mon-fri 22:00-06:00`, `sat,sun 00:00-24:00`, `daily 12:00-13:30`.
    ///
    /// - Returns: nil when it is none; `unknown` is then the word that is no day, if one is to blame.
    init?(_ text: String, unknown: inout String?) {
        let parts = text.split(separator: " ")
        guard parts.count == 2 else { return nil }
        var days: UInt8 = 0
        for piece in parts[0].lowercased().split(separator: ",", omittingEmptySubsequences: false) {
            guard let some = Self.days(String(piece), unknown: &unknown) else { return nil }
            days |= some
        }
        let clocks = parts[1].split(separator: "-", omittingEmptySubsequences: false)
        guard clocks.count == 2, let start = Self.minute(clocks[0]), let end = Self.minute(clocks[1]), start != end,
            start < Self.dayMinutes
        else { return nil }
        // Midnight as an end is the end of the day that was begun.
        self.init(days: days, start: start, end: end == 0 ? Self.dayMinutes : end)
    }

    private static func days(_ text: String, unknown: inout String?) -> UInt8? {
        if let group = groups.first(where: { $0.word == text }) { return group.days }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard (1...2).contains(ends.count) else { return nil }
        var numbers: [Int] = []
        for name in ends {
            guard let day = WeeklyWindows.dayNames.firstIndex(of: name) ?? longNames.firstIndex(of: name) else {
                unknown = name
                return nil
            }
            numbers.append(day)
        }
        var days: UInt8 = 0
        var day = numbers[0]
        while true {
            days |= 1 << UInt8(day)
            if day == numbers[numbers.count - 1] { return days }
            day = (day + 1) % 7
        }
    }

    /// `06:30`; 0 ... 1440.
    private static func minute(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...2).contains(parts[0].utf8.count), parts[1].utf8.count == 2,
            parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), minute < 60, hour < 24 || hour == 24 && minute == 0
        else { return nil }
        return hour * 60 + minute
    }

    /// As it would be written, the shortest way.
    public var text: String {
        let days: String
        if let group = Self.groups.first(where: { $0.days == self.days }) {
            days = group.word
        } else {
            var pieces: [String] = []
            var day = 0
            while day < 7 {
                guard self.days >> UInt8(day) & 1 == 1 else {
                    day += 1
                    continue
                }
                var last = day
                while last + 1 < 7, self.days >> UInt8(last + 1) & 1 == 1 { last += 1 }
                let (first, end) = (WeeklyWindows.dayNames[day], WeeklyWindows.dayNames[last])
                pieces += last == day ? [first] : last == day + 1 ? [first, end] : ["\(first)-\(end)"]
                day = last + 1
            }
            days = pieces.joined(separator: ",")
        }
        return "\(days) \(WeeklyWindows.clock(start))-\(WeeklyWindows.clock(end))"
    }
}
