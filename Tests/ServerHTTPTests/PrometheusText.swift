import Testing

/// Reads the Prometheus text format as strictly as its rules are written, and holds names to the conventions.
struct PrometheusText {
    struct Family {
        var type = ""
        var samples: [(name: String, labels: [String: String], value: Double)] = []
    }

    private(set) var families: [String: Family] = [:]
    private(set) var values: [String: Double] = [:]

    init(_ text: String) throws {
        try #require(text.hasSuffix("\n"), "the last line has no end")
        var current: String?
        var help: String?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if let match = line.wholeMatch(of: /# HELP ([a-z][a-z0-9_]*) (\S.*)/) {
                help = String(match.1)
                #expect(match.2.hasSuffix("."), "\(line): help is a sentence")
            } else if let match = line.wholeMatch(of: /# TYPE ([a-z][a-z0-9_]*) (counter|gauge|histogram)/) {
                let name = String(match.1)
                #expect(help == name, "\(name): HELP comes first")
                #expect(
                    families.updateValue(Family(type: String(match.2)), forKey: name) == nil, "\(name) stands twice")
                current = name
                checkName(name, String(match.2))
            } else {
                try take(line, current)
            }
        }
        for (name, family) in families where family.type == "histogram" { checkHistogram(name, family) }
    }

    private mutating func take(_ line: Substring, _ current: String?) throws {
        let match = try #require(
            line.wholeMatch(of: /([a-z][a-z0-9_]*)(\{(.*)\})? (-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?)/), "\(line)")
        let name = String(match.1)
        let family = try #require(current, "\(line): before every TYPE")
        let endings = families[family]?.type == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
        #expect(endings.contains { name == family + $0 }, "\(line) stands under \(family)")
        var labels: [String: String] = [:]
        var rest = match.3 ?? ""
        while !rest.isEmpty {
            let pair = try #require(rest.prefixMatch(of: /([a-z][a-z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(,|$)/), "\(line)")
            #expect(labels.updateValue(String(pair.2), forKey: String(pair.1)) == nil, "\(line): label twice")
            rest = rest[pair.range.upperBound...]
        }
        let value = try #require(Double(match.4))
        families[family]?.samples.append((name, labels, value))
        #expect(values.updateValue(value, forKey: String(line.dropLast(match.4.count + 1))) == nil, "\(line) twice")
    }

    /// https://prometheus.io/docs/practices/naming/: a prefix, base units, `_total` for what only grows.
    private func checkName(_ name: String, _ type: String) {
        #expect(name.hasPrefix("millrace_") || name.hasPrefix("process_"), "\(name)")
        #expect((type == "counter") == name.hasSuffix("_total"), "\(name) is a \(type)")
        for word in name.split(separator: "_") {
            #expect(
                ![
                    "ms", "milliseconds", "minutes", "hours", "kb", "mb", "mib", "kilobytes", "percent", "gauge",
                    "counter",
                ]
                .contains(word), "\(name): \(word)")
        }
    }

    /// Buckets only grow, the last is all, and sum and count stand once.
    private func checkHistogram(_ name: String, _ family: Family) {
        var groups: [[String: String]: [(le: Double, count: Double)]] = [:]
        for sample in family.samples where sample.name == name + "_bucket" {
            var labels = sample.labels
            let le = labels.removeValue(forKey: "le").flatMap { $0 == "+Inf" ? .infinity : Double($0) }
            #expect(le != nil, "\(name): a bucket without le")
            groups[labels, default: []].append((le ?? 0, sample.value))
        }
        for (labels, buckets) in groups {
            #expect(buckets.map(\.le) == buckets.map(\.le).sorted() && buckets.last?.le == .infinity, "\(name)")
            #expect(buckets.map(\.count) == buckets.map(\.count).sorted(), "\(name) \(labels)")
            let counts = family.samples.filter { $0.name == name + "_count" && $0.labels == labels }
            #expect(counts.count == 1 && counts.first?.value == buckets.last?.count, "\(name) \(labels)")
            let sums = family.samples.filter { $0.name == name + "_sum" && $0.labels == labels }
            #expect(sums.count == 1 && sums.first?.value ?? -1 >= 0, "\(name) \(labels)")
        }
    }
}
