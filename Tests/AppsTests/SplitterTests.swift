import Bytes
import Domain
import Plugins
import Testing

@Suite struct SplitterTests {
    private let table = PhotonTable.random(seed: 1, count: 200, span: 1e6)

    private func place(_ draft: UnitDraft) throws -> [Int64] {
        try #require(draft.payload["place"].flatMap { LittleEndian.int64s(from: $0.bytes) })
    }

    /// For random searches and limits: bands and ratios, laid end to end, are the whole search, and nothing twice.
    @Test(arguments: 0..<40)
    func everyBandAndEveryRatioExactlyOnce(_ seed: Int) throws {
        var draw = SeededGenerator(seed: UInt64(seed))
        let width = [0.5, 1, 2, 8, 8.5].randomElement(using: &draw)!
        let low = Double.random(in: 0...300, using: &draw)
        let high = low + Double.random(in: 0.1...90, using: &draw)
        let ratios = (0..<Int.random(in: 1...30, using: &draw)).map { Double($0) * -1e-15 }
        let search = TestSearch(
            table,
            [
                "frequency_min_hz": .real(low), "frequency_max_hz": .real(high), "band_width_hz": .real(width),
                "lag_window_s": .real(8192), "f1_over_f": .reals(ratios),
            ], stepsPerUnit: Int.random(in: 1...12, using: &draw))
        let drafts = try search.drafts(limit: Int.random(in: 1...7, using: &draw))
        var bands: [Double: [Double]] = [:]
        var highs: [Double: Double] = [:]
        for draft in drafts {
            let reals = draft.payload.reals("search")
            bands[reals[0], default: []] += draft.payload.reals("ratios")
            highs[reals[0]] = reals[2]
            #expect(draft.payload.reals("ratios").count <= search.context.stepsPerUnit)
            #expect(draft.flops > 0)
        }
        var at = low
        for band in bands.keys.sorted() {
            #expect(abs(band - at) < 1e-9, "bands touch")
            at = try #require(highs[band])
            #expect(bands[band]?.sorted() == ratios.sorted(), "every ratio once")
        }
        #expect(abs(at - high) < 1e-9, "the last band ends where the search does")
        #expect(Set(try drafts.map(place)).count == drafts.count)
        #expect(Set(drafts.map(\.label)).count == drafts.count)
    }

    @Test func theSameCursorGivesTheSameDrafts() throws {
        let search = TestSearch(
            table, ["frequency_max_hz": .real(64), "f1_over_f": .reals([0, -1e-15, -2e-15])], stepsPerUnit: 1)
        let one = try search.app.splitter.next(search.context, cursor: [], limit: 5)
        let again = try search.app.splitter.next(search.context, cursor: [], limit: 5)
        #expect(one == again)
        let rest = try search.app.splitter.next(search.context, cursor: one.cursor, limit: 1000)
        #expect(rest.finished)
        #expect(try one.drafts + rest.drafts == search.drafts(limit: 1))
    }

    @Test(
        arguments: [[1, 2, 3], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [0, 0, 0, 1, 0, 0, 0, 0]] as [[UInt8]])
    func aForeignCursorIsRefused(_ cursor: [UInt8]) {
        let search = TestSearch(table, [:])
        #expect(throws: AppError.self) { try search.app.splitter.next(search.context, cursor: cursor, limit: 1) }
    }

    static let wrongParameters: [(String, ParameterValue)] = [
        ("frequency_max_hz", .real(-1)), ("frequency_max_hz", .text("many")), ("band_width_hz", .real(1e-9)),
        ("lag_window_s", .real(1e12)), ("f1_over_f", .reals([])), ("f1_over_f", .reals([0, -0.0])),
        ("f1_over_f", .reals([1e-3])), ("candidates", .integer(0)), ("candidates", .integer(.max)),
        ("veto_hz", .real(5)), ("detection_probability", .real(0)),
    ]

    @Test(arguments: wrongParameters)
    func aWrongParameterIsNamed(_ name: String, _ value: ParameterValue) {
        let search = TestSearch(table, [name: value])
        #expect {
            try search.drafts()
        } throws: { error in
            guard case AppError.badParameter(let named, _) = error else { return false }
            return named == name || name == "band_width_hz"
        }
    }

    private func refusal(_ table: PhotonTable, _ parameters: [String: ParameterValue]) -> [String] {
        do {
            _ = try TestSearch(table, parameters).drafts()
            return []
        } catch {
            return "\(error)".replacing("; parameter ", with: "\nparameter ").replacing("; input: ", with: "\ninput: ")
                .split(separator: "\n").map(String.init)
        }
    }

    @Test func everyFaultIsReportedAtOnce() {
        var bad = table
        bad.weights[0] = -2
        bad.weights[2] = 5
        bad.times[2] = 1e12
        let parameters: [String: ParameterValue] = [
            "frequency_min_hz": .real(300), "frequency_max_hz": .real(200), "f1_over_f": .reals([0, 0]),
            "veto_hz": .real(5), "candidates": .text("x"),
        ]
        let faults = refusal(bad, parameters)
        #expect(
            faults.map { $0.split(separator: " ").prefix(5).joined(separator: " ").prefix(27) } == [
                "parameter candidates: the v", "parameter frequency_max_hz:", "parameter veto_hz: 5.0 Hz i",
                "parameter f1_over_f: a rati", "input: photons: row 1: weig", "input: photons: row 3: time",
                "input: photons: row 3: weig",
            ], "\(faults)")
        #expect(faults.allSatisfy { $0.contains("; expected: ") })
        bad.weights = bad.weights.map { $0 + 1 }
        let many = refusal(bad, [:])
        #expect(many.count == 21)
        #expect(many.last?.contains("the first 20 are shown") == true)
    }

    @Test func aBrokenParameterDoesNotHideWhatTheTableSays() {
        let far = PhotonTable(times: (0..<9).map { Double($0) * 1e9 }, weights: .init(repeating: 1, count: 9))
        let faults = refusal(far, ["veto_hz": .real(9), "f1_over_f": .reals([1e-9])])
        #expect(faults.count == 3, "\(faults)")
        #expect(refusal(far, ["lag_window_s": .real(1)]).count == 1)
    }

    @Test func aWrongTableIsNamedWithItsRow() {
        var bad = table
        bad.weights[17] = 3
        #expect(throws: AppError.badInput("photons: row 18: weight 3.0 is not a probability; expected: 0 to 1")) {
            try TestSearch(bad, [:]).drafts()
        }
        var far = table
        far.times = far.times.indices.map { Double($0) * 1e7 }
        #expect(throws: AppError.badInput("photons: no two of them lie within lag_window_s")) {
            try TestSearch(far, [:]).drafts()
        }
        // What every volunteer would have to refuse is refused before it is sent to any.
        for weight in [0, 1e-30] {
            var weightless = table
            weightless.weights = weightless.weights.map { _ in weight }
            #expect(throws: AppError.self) { try TestSearch(weightless, [:]).drafts() }
        }
        let crowd = PhotonTable.random(seed: 5, count: 4200, span: 1000)
        #expect(throws: AppError.self) { try TestSearch(crowd, [:]).drafts() }
    }
}
