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

extension SVGPlot {
    /// A matrix as coloured cells; neighbouring cells of one shade in a row become one area.
    /// - Parameter rows: edges of the cells' rows, rising, in the matrix's own units; `unit` is the length of one.
    /// - Parameter value: of the cell in a row and column; nil: nothing is drawn.
    mutating func cells(
        rows: [Int], columns: [Int], x: Double, y: Double, unit: Double, _ scale: ShadeScale,
        value: (Int, Int) -> Double?
    ) {
        var areas = [String](repeating: "", count: scale.colours.count)
        let (rowCount, columnCount) = (max(0, rows.count - 1), max(0, columns.count - 1))
        for row in 0..<rowCount {
            let height = rows[row + 1] - rows[row]
            var column = 0
            while column < columnCount {
                let shade = value(row, column).map(scale.shade)
                var end = column + 1
                while end < columnCount, value(row, end).map(scale.shade) == shade { end += 1 }
                let width = columns[end] - columns[column]
                // Short numbers, and neighbours that meet.
                if let shade { areas[shade] += "M\(columns[column]) \(rows[row])h\(width)v\(height)h-\(width)z" }
                column = end
            }
        }
        for (shade, data) in areas.enumerated() where !data.isEmpty {
            area(data, x: x, y: y, unit: unit, fill: scale.colours[shade])
        }
    }

    /// The key to the colours: an upright bar with five numbers.
    mutating func key(to scale: ShadeScale, x: Double, y top: Double, height: Double, title: String) {
        let step = height / Double(scale.colours.count)
        for (shade, colour) in scale.colours.enumerated() {
            rectangle(x: x, y: top + height - Double(shade + 1) * step, width: 26, height: step + 0.3, fill: colour)
        }
        for part in 0...4 {
            let share = Double(part) / 4
            let value = scale.low + share * (scale.high - scale.low)
            let label =
                max(abs(scale.low), abs(scale.high)) < 1000
                ? NumberText.fixed(value, 2) : NumberText.scientific(value, 2)
            text(label, x: x + 36, y: top + height * (1 - share) + 6, size: 17)
        }
        text(title, x: x, y: top - 18, size: 17)
    }
}
