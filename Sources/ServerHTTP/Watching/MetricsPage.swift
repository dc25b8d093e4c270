/// Writes the Prometheus text format, version 0.0.4.
struct MetricsPage {
    private(set) var text = ""

    typealias Labels = [(name: String, value: String)]

    mutating func family(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    mutating func sample(_ name: String, _ labels: Labels, _ value: Double) {
        let inside = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
        let figure = value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
        text += name + (inside.isEmpty ? "" : "{\(inside)}") + " \(figure)\n"
    }

    mutating func gauge(_ name: String, _ help: String, _ value: Double) {
        family(name, "gauge", help)
        sample(name, [], value)
    }

    mutating func counter(_ name: String, _ help: String, _ value: Double) {
        family(name, "counter", help)
        sample(name, [], value)
    }

    /// One family, with a histogram for each set of labels.
    mutating func histograms(_ name: String, _ help: String, _ all: [(labels: Labels, histogram: Histogram)]) {
        family(name, "histogram", help)
        for (labels, histogram) in all {
            var count = 0
            for (bound, added) in zip(histogram.bounds, histogram.counts) {
                count += added
                sample(name + "_bucket", labels + [("le", "\(bound)")], Double(count))
            }
            sample(name + "_bucket", labels + [("le", "+Inf")], Double(histogram.count))
            sample(name + "_sum", labels, histogram.sum)
            sample(name + "_count", labels, Double(histogram.count))
        }
    }

    static func escaped(_ text: String) -> String {
        text.map { $0 == "\\" ? "\\\\" : $0 == "\"" ? "\\\"" : $0 == "\n" ? "\\n" : String($0) }.joined()
    }
}
