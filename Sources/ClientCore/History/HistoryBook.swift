import Domain

/// What a host did for a project, day by day: made of the sums that the client keeps anyhow, so that a crash between
/// two saves loses nothing; what came meanwhile counts for the day of the next look.
public struct HistoryBook: Hashable, Sendable, Codable {
    /// One day in which something was done.
    public struct Day: Hashable, Sendable, Codable {
        /// As `UTCDay.number`, of the local time.
        public var number: Int64
        public var sums: WorkSums
    }

    /// A scientist's project of which this host has had tasks.
    public struct Worked: Hashable, Sendable, Codable {
        public var name: String
        /// Local days as in `Day`.
        public var firstDay: Int64
        public var lastDay: Int64
    }

    /// What was done before the first day that is kept.
    public private(set) var before = WorkSums()
    /// Ascending, at most `daysMax`.
    public private(set) var days: [Day] = []
    /// In order of their names, at most `projectsMax`: those that were worked on last.
    public private(set) var projects: [Worked] = []
    /// The sums at the last look; nil: there was none.
    private var noted: WorkSums?

    /// Ten years.
    public static let daysMax = 3660
    public static let projectsMax = 200

    public init() {}

    /// Everything that is known of.
    public var total: WorkSums { days.reduce(before) { $0 + $1.sums } }

    /// Takes a look at the sums since the host attached.
    ///
    /// - Parameter day: the local day.
    /// - Parameter projects: names of projects of which tasks are held.
    /// - Returns: whether anything is new.
    @discardableResult
    public mutating func note(_ sums: WorkSums, day: Int64, projects names: some Sequence<String> = []) -> Bool {
        let old = self
        for name in Set(names) { note(project: name, day: day) }
        guard let noted else {
            // A client that kept no book did this, or the book was lost.
            before = sums
            self.noted = sums
            return true
        }
        let growth = sums.growth(since: noted)
        self.noted = sums
        if growth != WorkSums() { add(growth, day: day) }
        return self != old
    }

    private mutating func add(_ growth: WorkSums, day: Int64) {
        // The last one nearly always; another one after the clock was set.
        let place = days.lastIndex { $0.number <= day }
        if let place, days[place].number == day {
            days[place].sums += growth
        } else {
            days.insert(Day(number: day, sums: growth), at: place.map { $0 + 1 } ?? 0)
        }
        while days.count > Self.daysMax { before += days.removeFirst().sums }
    }

    private mutating func note(project name: String, day: Int64) {
        if let place = projects.firstIndex(where: { $0.name == name }) {
            projects[place].firstDay = min(projects[place].firstDay, day)
            projects[place].lastDay = max(projects[place].lastDay, day)
            return
        }
        let place = projects.firstIndex { $0.name > name } ?? projects.endIndex
        projects.insert(Worked(name: name, firstDay: day, lastDay: day), at: place)
        guard projects.count > Self.projectsMax else { return }
        if let oldest = projects.indices.min(by: { projects[$0].lastDay < projects[$1].lastDay }) {
            projects.remove(at: oldest)
        }
    }

    /// Whether it is one that this code could have made.
    var isSound: Bool {
        let isAscending = zip(days, days.dropFirst()).allSatisfy { $0.number < $1.number }
        let isNear = days.allSatisfy { abs($0.number / 2) < 1 << 40 && $0.sums.isSound }
        return isAscending && isNear && days.count <= Self.daysMax && projects.count <= Self.projectsMax
            && before.isSound && noted?.isSound ?? true
    }
}
