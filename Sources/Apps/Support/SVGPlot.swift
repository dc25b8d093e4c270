import Glibc

/// A drawing for slides, as SVG: white ground, large type, no script, no outside reference.
struct SVGPlot {
    static let ink = "#1b2733"
    static let faint = "#8794a1"
    static let blue = "#1f5f99"
    static let orange = "#c8561b"
    static let band = "#dfe8f1"

    let width: Double
    let height: Double
    private var body: [String] = []

    init(width: Double, height: Double, title: String, subtitle: String) {
        self.width = width
        self.height = height
        text(title, x: 40, y: 46, size: 27, weight: "600")
        text(subtitle, x: 40, y: 78, size: 18, colour: "#4b5a69")
    }

    var document: String {
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(SVGPlot.n(width)) \(SVGPlot.n(height))" \
        width="\(SVGPlot.n(width))" height="\(SVGPlot.n(height))" \
        font-family="'DejaVu Sans', 'Liberation Sans', Helvetica, Arial, sans-serif">
        <rect width="100%" height="100%" fill="#ffffff"/>
        \(body.joined(separator: "\n"))
        </svg>

        """
    }

    enum Anchor: String { case start, middle, end }

    mutating func text(
        _ value: String, x: Double, y: Double, size: Double, colour: String = SVGPlot.ink, anchor: Anchor = .start,
        weight: String = "400", turned: Bool = false
    ) {
        let turn = turned ? " transform=\"rotate(-90 \(SVGPlot.n(x)) \(SVGPlot.n(y)))\"" : ""
        body.append(
            "<text x=\"\(SVGPlot.n(x))\" y=\"\(SVGPlot.n(y))\" font-size=\"\(SVGPlot.n(size))\" fill=\"\(colour)\" "
                + "text-anchor=\"\(anchor.rawValue)\" font-weight=\"\(weight)\"\(turn)>\(SVGPlot.escaped(value))</text>"
        )
    }

    mutating func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, colour: String, width: Double = 1.5,
        dashes: String? = nil
    ) {
        let dash = dashes.map { " stroke-dasharray=\"\($0)\"" } ?? ""
        body.append(
            "<line x1=\"\(SVGPlot.n(x1))\" y1=\"\(SVGPlot.n(y1))\" x2=\"\(SVGPlot.n(x2))\" y2=\"\(SVGPlot.n(y2))\" "
                + "stroke=\"\(colour)\" stroke-width=\"\(SVGPlot.n(width))\"\(dash)/>")
    }

    mutating func path(_ points: [(Double, Double)], colour: String, width: Double = 2, fill: String = "none") {
        guard points.count > 1 else { return }
        let steps = points.map { "\(SVGPlot.n($0.0)) \(SVGPlot.n($0.1))" }.joined(separator: " L")
        body.append(
            "<path d=\"M\(steps)\" fill=\"\(fill)\" stroke=\"\(colour)\" stroke-width=\"\(SVGPlot.n(width))\" "
                + "stroke-linejoin=\"round\"/>")
    }

    /// Closed shapes without an outline in SVG's own path notation: many small ones as one element.
    /// - Parameter unit: length of the path's unit; its origin is at x, y.
    mutating func area(_ data: String, x: Double, y: Double, unit: Double, fill: String) {
        body.append(
            "<path transform=\"translate(\(SVGPlot.n(x)) \(SVGPlot.n(y))) scale(\(unit))\" d=\"\(data)\" "
                + "fill=\"\(fill)\" shape-rendering=\"crispEdges\"/>")
    }

    mutating func rectangle(x: Double, y: Double, width: Double, height: Double, fill: String) {
        body.append(
            "<rect x=\"\(SVGPlot.n(x))\" y=\"\(SVGPlot.n(y))\" width=\"\(SVGPlot.n(width))\" "
                + "height=\"\(SVGPlot.n(height))\" fill=\"\(fill)\"/>")
    }

    mutating func dot(x: Double, y: Double, radius: Double, colour: String) {
        body.append(
            "<circle cx=\"\(SVGPlot.n(x))\" cy=\"\(SVGPlot.n(y))\" r=\"\(SVGPlot.n(radius))\" fill=\"\(colour)\"/>")
    }

    /// Coordinates to a hundredth: finer than any screen, and short.
    static func n(_ value: Double) -> String {
        let rounded = (value * 100).rounded() / 100
        return NumberText.short(rounded + 0)
    }

    private static func escaped(_ text: String) -> String {
        var out = ""
        for character in text {
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            default: out.append(character)
            }
        }
        return out
    }
}

/// A frame with two linear axes inside a drawing.
struct PlotFrame {
    var left: Double
    var top: Double
    var width: Double
    var height: Double
    var xRange: ClosedRange<Double>
    var yRange: ClosedRange<Double>

    func x(_ value: Double) -> Double {
        left + (value - xRange.lowerBound) / (xRange.upperBound - xRange.lowerBound) * width
    }

    func y(_ value: Double) -> Double {
        top + height - (value - yRange.lowerBound) / (yRange.upperBound - yRange.lowerBound) * height
    }

    /// Draws axes with round ticks and labels.
    func draw(on plot: inout SVGPlot, xLabel: String, yLabel: String) {
        plot.line(left, top + height, left + width, top + height, colour: SVGPlot.ink)
        plot.line(left, top, left, top + height, colour: SVGPlot.ink)
        let (xTicks, xDecimals) = PlotFrame.ticks(xRange, about: max(4, Int(width / 120)))
        for value in xTicks {
            plot.line(x(value), top + height, x(value), top + height + 7, colour: SVGPlot.ink)
            plot.text(
                NumberText.fixed(value, xDecimals), x: x(value), y: top + height + 28, size: 17, anchor: .middle)
        }
        let (yTicks, yDecimals) = PlotFrame.ticks(yRange, about: max(4, Int(height / 70)))
        for value in yTicks {
            plot.line(left - 7, y(value), left, y(value), colour: SVGPlot.ink)
            plot.text(NumberText.fixed(value, yDecimals), x: left - 13, y: y(value) + 6, size: 17, anchor: .end)
        }
        plot.text(xLabel, x: left + width / 2, y: top + height + 60, size: 19, anchor: .middle)
        plot.text(yLabel, x: left - 68, y: top + height / 2, size: 19, anchor: .middle, turned: true)
    }

    /// Steps of 1, 2 or 5 times a power of ten.
    static func ticks(_ range: ClosedRange<Double>, about count: Int) -> (values: [Double], decimals: Int) {
        let span = range.upperBound - range.lowerBound
        guard span > 0, span.isFinite else { return ([], 0) }
        let rough = span / Double(count)
        let power = pow(10, log10(rough).rounded(.down))
        let step = [1.0, 2, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 } ?? 10 * power
        var values: [Double] = []
        var index = (range.lowerBound / step - 1e-9).rounded(.up)
        while index * step <= range.upperBound + 1e-9 * span {
            values.append(index * step + 0)
            index += 1
        }
        return (values, max(0, Int(-(log10(step) + 1e-9).rounded(.down))))
    }
}
