import ClientCore
import Domain

/// Credit over time, as bars.
enum PageChart {
    private static let barsMax = 60
    private static let barsMin = 14
    private static let height = 100.0

    static func credit(_ history: HistoryReport) -> Markup {
        let bars = HistoryBars(history.books, lastDay: history.lastDay, barsMax: barsMax, barsMin: barsMin)
        let total = history.projects.reduce(0) { $0 + $1.total.creditCobblestones }
        let most = bars.bars.map(\.sums.cobblestones).max() ?? 0
        guard most > 0 else {
            return """
                <p class="big">\(StatusText.decimal(total)) <small>cobblestones</small></p>\
                <p class="quiet">Credit comes when results were checked; from then on it is shown here by day.</p>
                """
        }
        let before = history.projects.reduce(0) { $0 + $1.before.creditCobblestones }
        let older: Markup =
            before > 0 ? "<p class=\"quiet\">\(StatusText.decimal(before)) of it before the first day shown.</p>" : ""
        let step = bars.daysPerBar == 1 ? "a day" : "in \(bars.daysPerBar) days"
        return """
            <p class="big">\(StatusText.decimal(total)) <small>cobblestones</small></p>\
            <figure><figcaption class="quiet">the highest bar is \(StatusText.decimal(most)) \(step)</figcaption>\
            \(picture(bars, most))\
            <div class="axis quiet"><span>\(date(bars.bars.first))</span><span>\(date(bars.bars.last))</span></div>\
            </figure>\(older)\(table(bars))
            """
    }

    private static func picture(_ bars: HistoryBars, _ most: Double) -> Markup {
        let rects: [Markup] = bars.bars.enumerated().map { place, bar in
            // A day with any credit is seen.
            let share = max(0, bar.sums.cobblestones / most)
            let tall = share > 0 ? max(1.5, share * height) : 0
            let words = "\(date(bar)): \(StatusText.decimal(bar.sums.cobblestones)) cobblestones"
            let (x, y) = ("\(place * 10 + 1)", tenth(height - tall))
            return """
                <g><title>\(words)</title><rect class="ground" x="\(x)" y="0" width="8" height="100"/>\
                <rect class="bar" x="\(x)" y="\(y)" width="8" height="\(tenth(tall))"/></g>
                """
        }
        return """
            <svg class="chart" viewBox="0 0 \(bars.bars.count * 10) 100" preserveAspectRatio="none" role="img" \
            aria-label="Credit over time; the table below has its figures">\(rects)</svg>
            """
    }

    private static func table(_ bars: HistoryBars) -> Markup {
        let rows: [Markup] = bars.bars.reversed().filter { $0.sums != WorkSums() }.map { bar in
            """
            <tr><td>\(date(bar))</td><td class="number">\(StatusText.decimal(bar.sums.cobblestones))</td>\
            <td class="number">\(bar.sums.results)</td><td>\(HistoryReport.hours(bar.sums.cpuSeconds))</td></tr>
            """
        }
        let first = bars.daysPerBar == 1 ? "day" : "\(bars.daysPerBar) days from"
        return """
            <details data-keep="figures"><summary>figures</summary><table><thead><tr><th>\(first)</th>\
            <th class="number">cobblestones</th><th class="number">results</th><th>CPU time</th></tr></thead>\
            <tbody>\(rows)</tbody></table></details>
            """
    }

    private static func date(_ bar: HistoryBars.Bar?) -> String {
        bar.map { UTCDay(number: $0.firstDay).description } ?? ""
    }

    private static func tenth(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}

/// What the computer did for science.
struct PageScience {
    private let history: HistoryReport

    init(_ history: HistoryReport) { self.history = history }

    var markup: Markup {
        let sums = history.projects.map(\.total)
        let results = sums.reduce(0) { $0 + $1.results }
        let valid = sums.reduce(0) { $0 + $1.valid }
        let cpu = sums.reduce(0) { $0 + $1.cpuSeconds }
        let rows: [Markup] = history.projects.flatMap { project in project.science.map { row($0, project) } }
        let list: Markup =
            rows.isEmpty
            ? "<p class=\"quiet\">Its projects are named here after the first task.</p>"
            : "<ul class=\"science\">\(rows)</ul>"
        let problems: [Markup] = history.projects.compactMap(\.problem).map { "<p class=\"bad\">\($0)</p>" }
        return """
            <dl class="counts"><div><dt>CPU time</dt><dd>\(HistoryReport.hours(cpu))</dd></div>\
            <div><dt>results sent</dt><dd>\(results)</dd></div>\
            <div><dt>found valid</dt><dd>\(valid)</dd></div></dl>\(list)\(problems)
            """
    }

    private func row(_ science: HistoryReport.Science, _ project: HistoryReport.Project) -> Markup {
        let area: Markup = science.area.map { " <span class=\"area\">\($0)</span>" } ?? ""
        var words = project.site.isEmpty ? project.name : project.site
        if let first = science.firstDate, let last = science.lastDate {
            words += first == last ? ", on \(first)" : ", from \(first) to \(last)"
        }
        return """
            <li><b>\(science.title ?? science.name)</b>\(area)<br>\
            <span class="quiet">\(science.name) · \(words)</span></li>
            """
    }
}
