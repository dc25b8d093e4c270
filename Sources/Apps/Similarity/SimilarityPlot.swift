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
        let edges = Array(0...map.side)
        plot.cells(rows: edges, columns: edges, x: Self.left, y: Self.top, unit: Self.size / Double(map.side), scale) {
            map[$0, $1]
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
        plot.key(
            to: scale, x: Self.left + Self.size + 40, y: Self.top + 40, height: 480,
            title: answer.project.parameters.measure.rawValue)
    }
}
