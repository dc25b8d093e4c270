import Bytes
import Plugins

/// What a work unit found.
struct SearchResult: Hashable, Sendable {
    /// Strongest first.
    var candidates: [Candidate]
    /// One for each ratio of the unit.
    var statistics: [GridStatistics]

    func payload() -> Payload {
        func reals(_ name: String, _ values: [Double]) -> PayloadSection {
            PayloadSection(name: name, kind: .float64, bytes: LittleEndian.bytes(of: values))
        }
        return Payload(sections: [
            reals("candidates.frequency", candidates.map(\.frequency)),
            reals("candidates.ratio", candidates.map(\.ratio)),
            reals("candidates.power", candidates.map(\.power)),
            reals("candidates.sigma", candidates.map(\.sigma)),
            PayloadSection(
                name: "grid.count", kind: .int64, bytes: LittleEndian.bytes(of: statistics.map { Int64($0.count) })),
            reals("grid.sum", statistics.map(\.sum)),
            reals("grid.sum_of_squares", statistics.map(\.sumOfSquares)),
        ])
    }
}

extension SearchResult {
    /// - Throws: `.badResult` for a missing or unknown section, a wrong size, too many candidates, NaN or infinity.
    init(_ payload: Payload, unit: SearchUnit) throws(AppError) {
        guard payload.sections.count == 7 else {
            throw .badResult("\(payload.sections.count) sections, expected 7")
        }
        let frequencies = try Self.reals(payload, "candidates.frequency")
        guard frequencies.count <= unit.candidatesMax else {
            throw .badResult("\(frequencies.count) candidates, at most \(unit.candidatesMax) allowed")
        }
        let count = frequencies.count
        let ratios = try Self.reals(payload, "candidates.ratio", count: count)
        let powers = try Self.reals(payload, "candidates.power", count: count)
        let sigmas = try Self.reals(payload, "candidates.sigma", count: count)
        let sums = try Self.reals(payload, "grid.sum", count: unit.ratios.count)
        let squares = try Self.reals(payload, "grid.sum_of_squares", count: unit.ratios.count)
        guard let section = payload["grid.count"], section.kind == .int64,
            let counts = LittleEndian.int64s(from: section.bytes), counts.count == unit.ratios.count,
            counts.allSatisfy({ $0 >= 0 && $0 < 1 << 40 })
        else { throw .badResult("section grid.count: expected \(unit.ratios.count) counts") }
        candidates = (0..<count).map {
            Candidate(frequency: frequencies[$0], ratio: ratios[$0], power: powers[$0], sigma: sigmas[$0])
        }
        statistics = sums.indices.map {
            GridStatistics(count: Int(counts[$0]), sum: sums[$0], sumOfSquares: squares[$0])
        }
    }

    private static func reals(_ payload: Payload, _ name: String, count: Int? = nil) throws(AppError) -> [Double] {
        guard let section = payload[name] else { throw .badResult("section \(name) is missing") }
        guard section.kind == .float64, let values = LittleEndian.doubles(from: section.bytes) else {
            throw .badResult("section \(name): expected 64-bit floating-point numbers")
        }
        if let count, values.count != count {
            throw .badResult("section \(name): \(values.count) numbers, expected \(count)")
        }
        if let bad = values.firstIndex(where: { !$0.isFinite }) {
            throw .badResult("section \(name): element \(bad) is not a finite number")
        }
        return values
    }
}
