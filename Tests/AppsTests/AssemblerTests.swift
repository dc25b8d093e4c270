import Domain
import Foundation
import Plugins
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite struct AssemblerTests {
    /// A pulsar whose second harmonic is in the search too, and three ratios.
    private static let table: PhotonTable = {
        let base = PhotonTable.random(seed: 21, count: 900, span: 2e6)
        return PulsarInjection(base, frequency: 5.43215, sigma: 40, window: 16_384, seed: 22).table
    }()

    private static func search(stepsPerUnit: Int) -> TestSearch {
        TestSearch(
            table,
            [
                "frequency_min_hz": .real(4), "frequency_max_hz": .real(12), "band_width_hz": .real(4),
                "lag_window_s": .real(16_384), "f1_over_f": .reals([0, -1e-11, -2e-11]),
            ], stepsPerUnit: stepsPerUnit)
    }

    private static let whole = Result { try search(stepsPerUnit: 3).answer() }
    private static let slices = Result { try search(stepsPerUnit: 1).answer() }

    @Test func theTableHasItsColumnsAndIsSorted() throws {
        let answer = try Self.whole.get()
        let csv = try #require(answer.file("candidates.csv"))
        #expect(csv.hasPrefix("frequency_hz,f1_over_f,power,sigma,false_alarm,band,related_to\n"))
        let sigmas = try answer.rows.map { try #require(Double($0["sigma"] ?? "")) }
        #expect(sigmas == sigmas.sorted(by: >))
        for row in answer.rows {
            #expect(row.count == 7)
            #expect(Double(row["frequency_hz"] ?? "") != nil && Double(row["f1_over_f"] ?? "") != nil)
            let alarm = try #require(Double(row["false_alarm"] ?? ""))
            #expect(alarm >= 0 && alarm <= 1)
            #expect(row["band"] == "4-8" || row["band"] == "8-12")
        }
    }

    @Test func theWinnerIsTheSourceAndItsHarmonicIsRelated() throws {
        let answer = try Self.whole.get()
        #expect(answer.isDetection)
        #expect(abs(answer.winnerFrequency - 5.43215) < 1e-5)
        #expect(answer.rows[0]["related_to"] == "")
        let harmonic = try #require(
            answer.rows.first { abs((Double($0["frequency_hz"] ?? "") ?? 0) - 10.8643) < 1e-5 })
        #expect(harmonic["related_to"]?.hasPrefix("harmonic of 5.4321") == true)
        #expect(answer.summary["detected_sources"] as? Int == 1)
    }

    /// Cutting the search finer changes neither the winner, nor the sums, nor loses a candidate.
    @Test func mergedSlicesAreTheWholeSearch() throws {
        let whole = try Self.whole.get()
        let merged = try Self.slices.get()
        #expect(merged.rows[0] == whole.rows[0])
        #expect(whole.summary["next_unrelated"] as? NSDictionary == merged.summary["next_unrelated"] as? NSDictionary)
        let frequencies = merged.rows.compactMap { Double($0["frequency_hz"] ?? "") }
        for row in whole.rows {
            let frequency = try #require(Double(row["frequency_hz"] ?? ""))
            #expect(frequencies.contains { abs($0 - frequency) < 8 / 32_768.0 })
        }
        #expect(merged.rows.contains { $0["related_to"]?.hasPrefix("other ratio of 5.4321") == true })
        let one = try #require(whole.summary["noise"] as? [String: Any])
        let other = try #require(merged.summary["noise"] as? [String: Any])
        #expect(one["grid_points"] as? Int == other["grid_points"] as? Int)
        // FFTW plans by the clock, and two plans differ in the last bits.
        let measured = try [one, other].map { try #require($0["sigma_measured"] as? Double) }
        #expect(abs(measured[0] - measured[1]) < 1e-6 * measured[0])
    }

    @Test func thePicturesAreWellFormed() throws {
        let answer = try Self.whole.get()
        for name in ["spectrum.svg", "profile.svg", "search-overview.svg"] {
            let text = try #require(answer.file(name))
            let parser = XMLParser(data: Data(text.utf8))
            #expect(parser.parse(), "\(name)")
            #expect(!text.contains("nan") && !text.contains("inf "))
            #expect(!text.contains("<script") && !text.contains("href"))
            #expect(text.contains("σ") || text.contains("H ="))
        }
        #expect(Set(answer.answer.files.map(\.name)).count == answer.answer.files.count)
    }

    @Test func theSummarySaysWhatWasSearched() throws {
        let answer = try Self.whole.get()
        let search = try #require(answer.summary["search"] as? [String: Any])
        #expect(search["transforms"] as? Int == 6)
        #expect(search["photons"] as? Int == 900)
        #expect(search["pairs"] as? Int == Self.table.pairs(within: 16_384).count)
        #expect(answer.answer.summary.count >= 3)
        let epoch = try #require(answer.summary["epoch"] as? [String: Any])
        #expect(epoch["mjd_tdb"] is NSNull, "no epoch was given")
    }

    @Test func anAnswerWithoutAnyCandidateIsStillAnAnswer() throws {
        let quiet = PhotonTable.random(seed: 2, count: 40, span: 3000)
        let search = TestSearch(
            quiet,
            [
                "frequency_min_hz": .real(1), "frequency_max_hz": .real(2), "band_width_hz": .real(1),
                "lag_window_s": .real(1024),
            ])
        let answer = try search.answer()
        #expect(!answer.isDetection)
        #expect(!answer.answer.summary.isEmpty)
        #expect(answer.file("search-overview.svg") != nil)
    }
}
