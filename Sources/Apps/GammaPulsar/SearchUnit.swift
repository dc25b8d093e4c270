import Bytes
import Compute
import Plugins

/// What one work unit searches: a band of frequencies and a slice of derivative ratios.
struct SearchUnit: Hashable, Sendable {
    /// Position in the project's grid.
    var bandIndex: Int
    var firstRatio: Int
    /// Hz; the transform is centred on `bandLow + bandWidth / 2`.
    var bandLow: Double
    var bandWidth: Double
    /// Nothing above this is searched (the last band of a project may be cut), Hz.
    var searchHigh: Double
    var lagWindow: Double
    var veto: Double
    /// Where the stretching of the time axis starts: the mean arrival time, in the table's own seconds.
    var referenceTime: Double
    var candidatesMax: Int
    var ratios: [Double]

    static let candidatesLimit = 1000

    var centre: Double { bandLow + bandWidth / 2 }

    /// Whether a candidate may have this frequency.
    func isSearched(_ frequency: Double) -> Bool {
        guard frequency >= bandLow, frequency < searchHigh else { return false }
        let nearest = (frequency / bandWidth).rounded() * bandWidth
        return abs(frequency - nearest) >= veto && abs(frequency) >= veto
    }

    func geometry() throws(AppError) -> BandGeometry {
        guard let geometry = BandGeometry(lagWindow: lagWindow, bandWidth: bandWidth, oversampling: 1.1) else {
            throw .badUnit("lag window and band width do not fit together")
        }
        return geometry
    }

    func payload() -> Payload {
        Payload(sections: [
            PayloadSection(
                name: "place", kind: .int64,
                bytes: LittleEndian.bytes(of: [Int64(bandIndex), Int64(firstRatio), Int64(candidatesMax)])),
            PayloadSection(
                name: "search", kind: .float64,
                bytes: LittleEndian.bytes(of: [bandLow, bandWidth, searchHigh, lagWindow, veto, referenceTime])),
            PayloadSection(name: "ratios", kind: .float64, bytes: LittleEndian.bytes(of: ratios)),
        ])
    }
}

extension SearchUnit {
    /// - Throws: `.badUnit` when a section is missing or a value is out of its range.
    init(_ payload: Payload) throws(AppError) {
        guard let place = payload["place"], place.kind == .int64,
            let integers = LittleEndian.int64s(from: place.bytes), integers.count == 3
        else { throw .badUnit("section place: expected 3 integers") }
        guard let search = payload["search"], search.kind == .float64,
            let reals = LittleEndian.doubles(from: search.bytes), reals.count == 6
        else { throw .badUnit("section search: expected 6 numbers") }
        guard let list = payload["ratios"], list.kind == .float64,
            let ratios = LittleEndian.doubles(from: list.bytes), !ratios.isEmpty,
            ratios.count <= SearchParameters.ratiosMax
        else { throw .badUnit("section ratios: expected 1 to \(SearchParameters.ratiosMax) numbers") }
        guard (reals + ratios).allSatisfy(\.isFinite) else { throw .badUnit("a number is not finite") }
        guard (0...1_000_000).contains(integers[0]), (0...Int64(SearchParameters.ratiosMax)).contains(integers[1]),
            (1...Int64(SearchUnit.candidatesLimit)).contains(integers[2])
        else { throw .badUnit("section place: a number is out of range") }
        let cells = reals[3] * reals[1]
        guard reals[0] >= 0, reals[0] <= 1e5, reals[1] > 0, reals[2] > reals[0], reals[2] <= reals[0] + reals[1],
            reals[3] > 0, cells >= SearchParameters.cellsMin, cells <= SearchParameters.cellsMax, reals[4] >= 0
        else { throw .badUnit("section search: a number is out of range") }
        self.init(
            bandIndex: Int(integers[0]), firstRatio: Int(integers[1]), bandLow: reals[0], bandWidth: reals[1],
            searchHigh: reals[2], lagWindow: reals[3], veto: reals[4], referenceTime: reals[5],
            candidatesMax: Int(integers[2]), ratios: ratios)
    }
}
