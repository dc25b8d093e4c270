/// Days gathered into bars of equal length, so that any time fits a chart.
public struct HistoryBars: Hashable, Sendable {
    public struct Bar: Hashable, Sendable {
        /// Its first day, as `UTCDay.number`.
        public var firstDay: Int64
        public var sums: WorkSums
    }

    /// Days in a bar: 1, 7, 30, 90 or more.
    public let daysPerBar: Int64
    /// Ascending, without gaps; the last one ends with the last day, or later.
    public let bars: [Bar]

    /// - Parameter books: whose days are added.
    /// - Parameter lastDay: the day of the last bar, mostly today.
    /// - Parameter barsMax: 1 or more.
    /// - Parameter barsMin: so many are made at least, the first ones empty perhaps.
    public init(_ books: [HistoryBook], lastDay: Int64, barsMax: Int, barsMin: Int = 1) {
        let days = books.flatMap(\.days).filter { $0.number <= lastDay }
        let first = days.map(\.number).min() ?? lastDay
        let span = lastDay - first + 1
        let step = [1, 7, 30, 90, 365].first { $0 * Int64(barsMax) >= span } ?? (span / Int64(barsMax) + 1)
        let count = min(Int64(barsMax), max(Int64(min(barsMin, barsMax)), (span + step - 1) / step))
        let start = lastDay + 1 - count * step
        var sums = [WorkSums](repeating: WorkSums(), count: Int(count))
        for day in days where day.number >= start { sums[Int((day.number - start) / step)] += day.sums }
        daysPerBar = step
        bars = sums.indices.map { Bar(firstDay: start + Int64($0) * step, sums: sums[$0]) }
    }
}
