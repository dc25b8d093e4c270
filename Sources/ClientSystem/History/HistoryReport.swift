import CPosix
import ClientCore
import Domain
import FoundationEssentials
import Glibc

/// What a computer did for science: of each project by day, and what its site calls its projects.
public struct HistoryReport: Hashable, Sendable, Encodable {
    /// In sums, as `--json` prints them.
    public struct Sums: Hashable, Sendable, Encodable {
        public var results: Int64
        public var failures: Int64
        public var valid: Int64
        public var invalid: Int64
        public var cpuSeconds: Double
        public var creditCobblestones: Double

        init(_ sums: WorkSums) {
            (results, failures, valid, invalid) = (sums.results, sums.failures, sums.valid, sums.invalid)
            (cpuSeconds, creditCobblestones) = (sums.cpuSeconds, sums.cobblestones)
        }
    }

    public struct Day: Hashable, Sendable, Encodable {
        /// `YYYY-MM-DD`, local time.
        public var date: String
        public var sums: Sums
    }

    /// A scientist's project.
    public struct Science: Hashable, Sendable, Encodable {
        public var name: String
        /// nil: the site does not say it.
        public var title: String?
        public var area: String?
        /// First and last day with a task of it; nil: none is known of.
        public var firstDate: String?
        public var lastDate: String?
    }

    public struct Project: Hashable, Sendable, Encodable {
        /// Of its folder.
        public var name: String
        public var site: String
        public var server: String
        public var total: Sums
        /// Before the first day.
        public var before: Sums
        public var days: [Day]
        /// Those that this computer has worked on; where none is known of, all of the site.
        public var science: [Science]
        /// Why the days are not known; nil: they are.
        public var problem: String?
    }

    public let projects: [Project]
    /// Today, local time.
    public let today: String
    let books: [HistoryBook]
    let lastDay: Int64

    private enum CodingKeys: String, CodingKey { case projects, today }

    /// Reads the histories in a client's folder, with what the last status adds to them.
    ///
    /// - Parameter status: nil: of the file.
    public init(folder: String, status: ClientStatus? = nil) {
        let now = Timestamp(milliseconds: millrace_wall_milliseconds())
        let day = NetworkUsage.day(of: now, utcOffsetSeconds: PreferenceKeeper.utcOffset(at: now))
        let status = status ?? (try? DataDirectory.status(in: folder))
        var (projects, books): ([Project], [HistoryBook]) = ([], [])
        for known in status?.projects ?? [] {
            let path = ProjectNames.path(known.name, in: folder)
            var (book, problem): (HistoryBook, String?) = (HistoryBook(), nil)
            do throws(Fault) { book = try HistoryFile(folder: path).read() ?? HistoryBook() } catch {
                problem = "\(error)"
            }
            // A project that is set aside has no figures.
            if known.state != "set aside" {
                book.note(WorkSums(known), day: day, projects: known.tasks.map(\.project))
            }
            books.append(book)
            projects.append(Self.project(known, book, about: AboutFile(folder: path).read(), problem))
        }
        self.init(projects: projects, books: books, lastDay: day)
    }

    package init(projects: [Project], books: [HistoryBook], lastDay: Int64) {
        self.projects = projects
        self.books = books
        self.lastDay = lastDay
        today = UTCDay(number: lastDay).description
    }

    package static func project(
        _ known: ClientStatus.Project, _ book: HistoryBook, about: [AboutFile.Project], _ problem: String?
    ) -> Project {
        let worked = book.projects.map(\.name)
        let names = worked.isEmpty ? about.map(\.name) : worked
        let science = names.map { name in
            let told = about.first { $0.name == name }
            let days = book.projects.first { $0.name == name }
            return Science(
                name: name, title: told?.title, area: told?.area,
                firstDate: days.map { UTCDay(number: $0.firstDay).description },
                lastDate: days.map { UTCDay(number: $0.lastDay).description })
        }
        return Project(
            name: known.name, site: known.site, server: known.server, total: Sums(book.total),
            before: Sums(book.before),
            days: book.days.map { Day(date: UTCDay(number: $0.number).description, sums: Sums($0.sums)) },
            science: science, problem: problem)
    }

    // MARK: For a terminal

    /// - Parameter look: what the terminal shows of bars.
    public func lines(isUnicode: Bool) -> [String] {
        let look = TerminalLook(hasColour: false, isUnicode: isUnicode)
        guard !projects.isEmpty else { return ["nothing yet: `millrace-client attach URL` joins a project"] }
        var lines: [String] = []
        for project in projects {
            let total = project.total
            lines.append(project.site.isEmpty ? project.name : "\(project.site) (\(project.server))")
            if let problem = project.problem { lines.append("  problem  \(problem)") }
            for science in project.science { lines.append("  for      \(Self.words(science))") }
            lines += [
                "  credit   \(StatusText.decimal(total.creditCobblestones)) cobblestones",
                "  results  \(total.results) sent, \(total.valid) valid, \(total.invalid) invalid; "
                    + "\(total.failures) failed",
                "  CPU      \(Self.hours(total.cpuSeconds))",
            ]
        }
        return lines + [""] + chart(look)
    }

    static func words(_ science: Science) -> String {
        let title = science.title.map { "\($0) (\(science.name))" } ?? science.name
        return science.area.map { "\(title), \($0)" } ?? title
    }

    /// `3.4 hours`, `12 minutes`, `2.1 days`.
    static func hours(_ seconds: Double) -> String {
        switch seconds {
        case ..<120: "\(Int(max(0, seconds))) seconds"
        case ..<7200: "\(Int(seconds / 60)) minutes"
        case ..<172_800: "\(tenth(seconds / 3600)) hours"
        default: "\(tenth(min(seconds, 1e15) / 86_400)) days"
        }
    }

    private static func tenth(_ value: Double) -> String {
        let tenths = Int64((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    private func chart(_ look: TerminalLook) -> [String] {
        let bars = HistoryBars(books, lastDay: lastDay, barsMax: 30)
        let most = bars.bars.map(\.sums.cobblestones).max() ?? 0
        let step = bars.daysPerBar == 1 ? "day" : "\(bars.daysPerBar) days, from"
        var lines = ["\(step)         cobblestones  results  CPU"]
        for bar in bars.bars {
            let full = look.bar(most > 0 ? bar.sums.cobblestones / most : 0, columns: 24).full
            let credit = StatusText.decimal(bar.sums.cobblestones)
            let row = [
                UTCDay(number: bar.firstDay).description,
                Self.right(credit, 13), Self.right("\(bar.sums.results)", 7),
                Self.left(Self.hours(bar.sums.cpuSeconds), 13), full,
            ].joined(separator: "  ")
            lines.append(row)
        }
        return lines.map { line in
            var line = line
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
