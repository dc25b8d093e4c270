import Plugins

/// The picture of the matrix: mean similarity per cell, rows ordered by label.
struct SimilarityPlot {
    let answer: SimilarityAnswer

    /// Shades on either side of white; neighbouring cells of one shade become one area.
    private static let shades = 24
    private static let top = 120.0
    private static let left = 120.0
    private static let size = 750.0
    /// More names than this would run into each other.
    private static let namesMax = 40

    var document: String {
        let measure = answer.project.parameters.measure.rawValue
        let cells = answer.map.side < answer.map.order.count ? ", mean of each cell" : ""
        var plot = SVGPlot(
            width: 1080, height: 950,
            title: "Similarity of \(answer.map.order.count) rows (\(measure)\(cells))",
            subtitle: answer.scoreLine ?? "Rows in the order of the table.")
        let scale = ShadeScale(answer.map.range, shades: Self.shades)
        drawCells(&plot, scale)
        drawGroups(&plot)
        drawScale(&plot, scale)
        return plot.document
    }

    private func drawCells(_ plot: inout SVGPlot, _ scale: ShadeScale) {
        let map = answer.map
        var areas = [String](repeating: "", count: scale.colours.count)
        for row in 0..<map.side {
            var column = 0
            while column < map.side {
                let shade = map[row, column].map(scale.shade)
                var end = column + 1
                while end < map.side, map[row, end].map(scale.shade) == shade { end += 1 }
                let width = end - column
                // One cell is one unit of the path: short numbers, and neighbours that meet.
                if let shade { areas[shade] += "M\(column) \(row)h\(width)v1h-\(width)z" }
                column = end
            }
        }
        for (shade, data) in areas.enumerated() where !data.isEmpty {
            plot.area(
                data, x: Self.left, y: Self.top, unit: Self.size / Double(map.side), fill: scale.colours[shade])
        }
    }

    /// Frame, lines between labels, and their names.
    private func drawGroups(_ plot: inout SVGPlot) {
        let (left, top, size) = (Self.left, Self.top, Self.size)
        if let score = answer.score, score.groups.count <= Self.namesMax {
            var start = 0
            for group in score.groups {
                let (from, end) = (Double(start) / Double(score.rows), Double(start + group.rows) / Double(score.rows))
                let middle = (from + end) / 2
                let name = NumberText.short(group.label)
                plot.text(name, x: left + middle * size, y: top - 10, size: 17, anchor: .middle)
                plot.text(name, x: left - 12, y: top + middle * size + 6, size: 17, anchor: .end)
                if start > 0 {
                    plot.line(left + from * size, top, left + from * size, top + size, colour: "#ffffff", width: 1)
                    plot.line(left, top + from * size, left + size, top + from * size, colour: "#ffffff", width: 1)
                }
                start += group.rows
            }
        }
        for (x, y) in [(0.0, 0.0), (1, 0)] {
            plot.line(left + x * size, top, left + x * size, top + size, colour: SVGPlot.ink)
            plot.line(left, top + (x + y) * size, left + size, top + (x + y) * size, colour: SVGPlot.ink)
        }
        let order = answer.project.parameters.labelColumn.map { "rows, ordered by \($0)" } ?? "rows of the table"
        plot.text(order, x: left + size / 2, y: top + size + 36, size: 19, anchor: .middle)
        plot.text(order, x: left - 60, y: top + size / 2, size: 19, anchor: .middle, turned: true)
    }

    /// The key to the colours.
    private func drawScale(_ plot: inout SVGPlot, _ scale: ShadeScale) {
        let (x, height) = (Self.left + Self.size + 40, 480.0)
        let top = Self.top + 40
        let step = height / Double(scale.colours.count)
        for (shade, colour) in scale.colours.enumerated() {
            plot.rectangle(
                x: x, y: top + height - Double(shade + 1) * step, width: 26, height: step + 0.3, fill: colour)
        }
        for part in 0...4 {
            let share = Double(part) / 4
            let value = scale.low + share * (scale.high - scale.low)
            let text =
                max(abs(scale.low), abs(scale.high)) < 1000
                ? NumberText.fixed(value, 2) : NumberText.scientific(value, 2)
            plot.text(text, x: x + 36, y: top + height * (1 - share) + 6, size: 17)
        }
        plot.text(answer.project.parameters.measure.rawValue, x: x, y: top - 18, size: 17)
    }
}

/// Colours for numbers: white to blue; with numbers on both sides of zero, orange below it and blue above.
struct ShadeScale: Hashable, Sendable {
    let low: Double
    let high: Double
    /// From low to high.
    let colours: [String]

    init(_ range: ClosedRange<Double>, shades: Int) {
        let isTwoSided = range.lowerBound < 0 && range.upperBound > 0
        let reach = max(abs(range.lowerBound), abs(range.upperBound))
        low = isTwoSided ? -reach : range.lowerBound
        high = isTwoSided ? reach : range.upperBound
        let blue = (31.0, 95.0, 153.0)
        let orange = (200.0, 86.0, 27.0)
        let count = isTwoSided ? 2 * shades + 1 : shades + 1
        colours = (0..<count).map { index in
            let depth = isTwoSided ? Double(index - shades) / Double(shades) : Double(index) / Double(shades)
            return Self.mixed(depth < 0 ? orange : blue, abs(depth))
        }
    }

    /// Index of the colour; what lies outside of the range takes that of its end.
    func shade(_ value: Double) -> Int {
        guard high > low else { return 0 }
        let place = (value - low) / (high - low) * Double(colours.count - 1)
        return Int(min(max(place, 0), Double(colours.count - 1)).rounded())
    }

    private static func mixed(_ colour: (Double, Double, Double), _ depth: Double) -> String {
        func part(_ value: Double) -> String {
            let number = Int((255 + (value - 255) * depth).rounded())
            let hex = String(number, radix: 16)
            return hex.count == 1 ? "0" + hex : hex
        }
        return "#" + part(colour.0) + part(colour.1) + part(colour.2)
    }
}
