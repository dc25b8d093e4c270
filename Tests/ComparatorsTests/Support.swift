import Bytes
import Comparators
import Domain
import Plugins
import Testing

func reals(_ name: String, _ values: [Double]) -> PayloadSection {
    PayloadSection(name: name, kind: .float64, bytes: LittleEndian.bytes(of: values))
}

func floats(_ name: String, _ values: [Float]) -> PayloadSection {
    PayloadSection(name: name, kind: .float32, bytes: LittleEndian.bytes(of: values))
}

func integers(_ name: String, _ values: [Int64]) -> PayloadSection {
    PayloadSection(name: name, kind: .int64, bytes: LittleEndian.bytes(of: values))
}

func smallIntegers(_ name: String, _ values: [Int32]) -> PayloadSection {
    PayloadSection(name: name, kind: .int32, bytes: LittleEndian.bytes(of: values))
}

func text(_ name: String, _ value: String) -> PayloadSection {
    PayloadSection(name: name, kind: .utf8, bytes: Array(value.utf8))
}

extension Payload {
    init(_ sections: PayloadSection...) { self.init(sections: sections) }

    /// Columns `c0`, `c1`, ... of a table given by rows.
    init(rows: [[Double]], columns: Int) {
        self.init(sections: (0..<columns).map { column in reals("c\(column)", rows.map { $0[column] }) })
    }
}

/// The verdict of one rule on two values of section `x`.
func differs(_ rule: ComparisonRule, _ a: PayloadSection, _ b: PayloadSection) throws -> Difference? {
    try ResultComparator(rule).difference(Payload(a), Payload(b))
}

func tableRule(_ rule: ComparisonRule, columns: Int) -> ComparisonRule {
    .sections(SectionRules(parts: [SectionRules.Part((0..<columns).map { "c\($0)" }, rule)]))
}

/// 10,000 trials with a seed each; the first failure names its seed and stops.
func trials(_ count: UInt64 = 10_000, _ body: (inout SeededGenerator) throws -> String?) rethrows {
    for seed in 0..<count {
        var random = SeededGenerator(seed: seed)
        if let failure = try body(&random) {
            Issue.record("seed \(seed): \(failure)")
            return
        }
    }
}

extension SeededGenerator {
    /// Multiples of 1/8 in a small range, so that closeness is decided without rounding, and many are equal.
    mutating func grid(_ span: Int = 40) -> Double { Double(nextIndex(below: span)) / 8 }

    mutating func oneOf<T>(_ values: [T]) -> T { values[nextIndex(below: values.count)] }

    /// Numbers of all kinds: zeros of both signs, denormals, the largest, infinities, ordinary ones.
    mutating func wild() -> Double {
        switch nextIndex(below: 8) {
        case 0: oneOf([0, -0.0])
        case 1: oneOf([.leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude])
        case 2: oneOf([.greatestFiniteMagnitude, -.greatestFiniteMagnitude, .infinity, -.infinity])
        case 3: Double(bitPattern: next())
        default: (nextUnit() - 0.5) * 8
        }
    }

    mutating func closeness() -> Closeness {
        Closeness(absolute: oneOf([0, 0.125, 0.25, 1, 1e300]), relative: oneOf([0, 0, 0.0625, 0.5, 1]))
    }
}

extension Closeness {
    /// Everything that is close stays close.
    func wider(_ random: inout SeededGenerator) -> Closeness {
        Closeness(
            absolute: min(1e300, absolute + random.oneOf([0, 0.125, 1])),
            relative: min(1, relative + random.oneOf([0, 0.0625, 0.25])))
    }
}

extension Array {
    func permuted(_ random: inout SeededGenerator) -> [Element] { shuffled(using: &random) }
}
