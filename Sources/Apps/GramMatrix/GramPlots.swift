/// The principal components as images, for a slide.
struct ComponentPlot {
    let answer: GramAnswer
    let components: PrincipalComponents
    /// Pixels.
    let width: Int
    let height: Int

    /// More than these would be too small to see.
    private static let imagesMax = 20
    private static let across = 5
    private static let shades = 24

    /// - Returns: nil when rows of the matrix are no images.
    init?(answer: GramAnswer, components: PrincipalComponents) {
        width = answer.project.parameters.imageWidth
        guard width > 0 else { return nil }
        height = components.width / width
        self.answer = answer
        self.components = components
    }

    var document: String {
        let count = min(components.count, Self.imagesMax)
        let lines = (count + Self.across - 1) / Self.across
        let unit = 180 / Double(max(width, height))
        let (cellWidth, cellHeight) = (220.0, Double(height) * unit + 52)
        var plot = SVGPlot(
            width: 1200, height: 130 + Double(lines) * cellHeight,
            title: "Principal components 1 to \(count) of \(answer.shape) numbers",
            subtitle: answer.explained(components) + ".")
        for index in 0..<count {
            let x = 50 + Double(index % Self.across) * cellWidth
            let y = 130 + Double(index / Self.across) * cellHeight
            draw(index, on: &plot, x: x, y: y, unit: unit)
        }
        return plot.document
    }

    /// Each image has its own scale, symmetric about zero.
    private func draw(_ index: Int, on plot: inout SVGPlot, x: Double, y: Double, unit: Double) {
        let vector = components.vector(index)
        let reach = vector.reduce(0) { max($0, $1.magnitude) }
        let scale = ShadeScale(-reach...reach, shades: Self.shades)
        let (right, bottom) = (x + Double(width) * unit, y + Double(height) * unit)
        plot.cells(rows: Array(0...height), columns: Array(0...width), x: x, y: y, unit: unit, scale) { row, column in
            let value = vector[vector.startIndex + row * width + column]
            // White is the ground already.
            return scale.shade(value) == Self.shades ? nil : value
        }
        for (a, b, c, d) in [
            (x, y, right, y), (x, bottom, right, bottom), (x, y, x, bottom), (right, y, right, bottom),
        ] {
            plot.line(a, b, c, d, colour: "#c9d1d9", width: 1)
        }
        plot.text(
            "\(index + 1): \(NumberText.fixed(100 * components.share(index), 1)) %", x: (x + right) / 2, y: bottom + 24,
            size: 17, anchor: .middle)
    }
}

/// How much each component holds, and the first ones together.
struct SpectrumPlot {
    let answer: GramAnswer
    let components: PrincipalComponents

    /// More than these would be too narrow to see.
    private static let barsMax = 50

    var document: String {
        let count = min(components.width, max(components.count, Self.barsMax))
        let whole = answer.isCovariance ? "variance" : "trace"
        var plot = SVGPlot(
            width: 1200, height: 640, title: "What the principal components of \(answer.shape) numbers hold",
            subtitle: answer.explained(components) + ".")
        let frame = PlotFrame(
            left: 110, top: 120, width: 1040, height: 420, xRange: 0...Double(count + 1), yRange: 0...100)
        let step = frame.x(1) - frame.x(0)
        var line: [(Double, Double)] = []
        var sum = 0.0
        for index in 0..<count {
            let share = components.share(index)
            sum += share
            let (x, y) = (frame.x(Double(index + 1)), frame.y(100 * max(0, share)))
            plot.rectangle(
                x: x - 0.4 * step, y: y, width: 0.8 * step, height: frame.y(0) - y,
                fill: index < components.count ? SVGPlot.blue : "#a9bfd4")
            line.append((x, frame.y(100 * min(1, max(0, sum)))))
        }
        plot.path(line, colour: SVGPlot.orange, width: 3)
        frame.draw(on: &plot, xLabel: "component", yLabel: "part of the \(whole) (%)")
        plot.text(
            "orange: the first components together; blue: each (those listed darker)", x: 1150, y: 112, size: 16,
            colour: "#4b5a69", anchor: .end)
        return plot.document
    }
}

/// The Gram matrix of the rows as a picture: the mean of each cell.
struct GramPlot {
    let answer: GramAnswer
    let rows: RowStatistics

    private static let shades = 24
    private static let (left, top, size) = (130.0, 120.0, 750.0)

    var document: String {
        let map = rows.map
        let count = rows.grid.rows
        let kind = answer.isCovariance ? "centred columns" : "as given"
        var plot = SVGPlot(
            width: 1120, height: 950, title: "Gram matrix of \(count) rows (\(kind))",
            subtitle: map.side < count ? "Mean product of the rows in each cell." : "Products of the rows.")
        let scale = ShadeScale(map.range, shades: Self.shades)
        let unit = Self.size / Double(count)
        plot.cells(rows: map.edges, columns: map.edges, x: Self.left, y: Self.top, unit: unit, scale) { map[$0, $1] }
        for (a, b, c, d) in [(0.0, 0.0, 1.0, 0.0), (0, 1, 1, 1), (0, 0, 0, 1), (1, 0, 1, 1)] {
            plot.line(
                Self.left + a * Self.size, Self.top + b * Self.size, Self.left + c * Self.size,
                Self.top + d * Self.size, colour: SVGPlot.ink)
        }
        let (ticks, decimals) = PlotFrame.ticks(0...Double(count), about: 6)
        for tick in ticks {
            let place = tick * unit
            let name = NumberText.fixed(tick, decimals)
            plot.text(name, x: Self.left + place, y: Self.top + Self.size + 26, size: 17, anchor: .middle)
            plot.text(name, x: Self.left - 10, y: Self.top + place + 6, size: 17, anchor: .end)
        }
        plot.text("row", x: Self.left + Self.size / 2, y: Self.top + Self.size + 56, size: 19, anchor: .middle)
        plot.text("row", x: Self.left - 88, y: Self.top + Self.size / 2, size: 19, anchor: .middle, turned: true)
        plot.key(to: scale, x: Self.left + Self.size + 40, y: Self.top + 40, height: 480, title: "product")
        return plot.document
    }
}
