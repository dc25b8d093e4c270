import Domain
import Foundation
import Plugins
import Testing

/// The real table, its control, and injected pulsars, over the band that matters.
@Suite struct DetectionTests {
    private static let real = Result { try PhotonTable.project("gamma-pulsar") }

    private static func search(_ table: PhotonTable, low: Double, ratios: [Double] = [0]) -> TestSearch {
        TestSearch(
            table,
            [
                "frequency_min_hz": .real(low), "frequency_max_hz": .real(low + 8), "f1_over_f": .reals(ratios),
                "epoch_mjd": .real(55_962),
            ])
    }

    @Test func thePulsarOfTheRealTableIsFound() throws {
        let golden = try PhotonTable.golden("gamma-pulsar")
        let answer = try Self.search(try Self.real.get(), low: 200, ratios: [0, -2.5e-17]).answer()
        let truth = try #require(golden["winner_frequency_hz"])
        #expect(answer.isDetection)
        #expect(abs(answer.winnerFrequency - truth.value) < truth.tolerance)
        #expect(answer.winnerSigma >= (try #require(golden["winner_sigma_min"]).value))
        let folded = try #require(answer.winner["folded"] as? [String: Any])
        let f1 = try #require(golden["folded_f1_hz_per_s"])
        #expect(abs((folded["f1_hz_per_s"] as? Double ?? .nan) - f1.value) < f1.tolerance)
        #expect((folded["h_test"] as? Double ?? 0) > (try #require(golden["h_test_min"]).value))
        let unrelated = answer.rows.filter { $0["related_to"] == "" }.compactMap { Double($0["sigma"] ?? "") }
        #expect(unrelated.count > 1)
        #expect(unrelated[1] < 7, "the next unrelated peak of this band is noise")
        #expect(answer.rows.contains { ($0["related_to"] ?? "").hasPrefix("side lobe of 205.53069911") })
        let noise = try #require(answer.summary["noise"] as? [String: Any])
        for (key, name) in [("sigma_theory", "noise"), ("sigma_measured", "noise"), ("gamma_shape", "gamma_shape")] {
            let expected = try #require(golden[name])
            let slack = key == "sigma_measured" ? 0.005 * expected.value : expected.tolerance
            #expect(abs((noise[key] as? Double ?? .nan) - expected.value) <= slack, "\(key)")
        }
    }

    @Test func theControlHoldsNoPulsar() throws {
        let golden = try PhotonTable.golden("gamma-pulsar-control")
        let answer = try Self.search(try PhotonTable.project("gamma-pulsar-control"), low: 200).answer()
        #expect(!answer.isDetection)
        #expect(answer.winnerSigma < (try #require(golden["strongest_sigma_max"]).value))
        #expect(answer.answer.summary[0].hasPrefix("no detection"))
        #expect(answer.file("spectrum.svg")?.contains("No detection") == true)
        #expect(answer.file("profile.svg")?.contains("No detection") == true)
    }

    /// Position in the band: hertz above its lower edge, and part of a step of the plain 2^22-point grid (1.9e-6 Hz).
    struct Place: Sendable {
        var low: Double
        var offset: Double
        var part: Double
        var sigma: Double

        var frequency: Double {
            let step = 8 / 4_194_304.0
            return ((low + offset) / step).rounded() * step + part * step
        }
    }

    static let places = [
        Place(low: 40, offset: 3.25, part: 0, sigma: 10), Place(low: 40, offset: 3.25, part: 0.25, sigma: 10),
        Place(low: 40, offset: 5.5, part: 0.5, sigma: 10), Place(low: 96, offset: 4, part: 0.125, sigma: 25),
        Place(low: 40, offset: 0.0502, part: 0.5, sigma: 10), Place(low: 40, offset: 7.9497, part: 0.25, sigma: 10),
        Place(low: 248, offset: 7.9, part: 0.5, sigma: 25), Place(low: 0, offset: 0.06, part: 0.25, sigma: 25),
    ]

    @Test(arguments: places)
    func anInjectedPulsarIsFoundWhereverItLies(_ place: Place) throws {
        let base = try Self.real.get().scrambled(seed: UInt64(1 + place.offset * 100))
        let injected = PulsarInjection(
            base, frequency: place.frequency, sigma: place.sigma, window: 524_288, seed: 11)
        let answer = try Self.search(injected.table, low: place.low).answer()
        #expect(answer.isDetection)
        #expect(abs(answer.winnerFrequency - place.frequency) < 2e-6)
        #expect(answer.winnerSigma >= injected.sigma - 1e-3, "the top is at least as high as the sum at the truth")
    }

    /// Too weak for the search alone, but among its strongest peaks: the second look folds it.
    @Test(arguments: 0..<3)
    func aWeakPulsarIsFoundByFolding(_ number: Int) throws {
        let base = try Self.real.get().scrambled(seed: UInt64(700 + number))
        let frequency = 43 + 0.0123457 * Double(number)
        let injected = PulsarInjection(base, frequency: frequency, sigma: 6.5, window: 524_288, seed: 50)
        let answer = try Self.search(injected.table, low: 40).answer()
        #expect(answer.isDetection)
        #expect(answer.summary["detected_by"] as? String == "coherent fold")
        #expect(abs(answer.winnerFrequency - frequency) < 2e-6)
        #expect(answer.rows.first?["frequency_hz"].flatMap { Double($0) }.map { abs($0 - frequency) < 2e-6 } == true)
        #expect((answer.winner["false_alarm"] as? Double ?? 1) < 1e-6)
        #expect(answer.summary["detected_sources"] as? Int == 1)
    }

    /// Eight folds of each, tuned: noise stays noise.
    @Test(arguments: 0..<4)
    func foldedNoiseIsNoDetection(_ number: Int) throws {
        let base = try Self.real.get().scrambled(seed: UInt64(900 + number))
        let answer = try Self.search(base, low: 8 * Double(5 * number + 3)).answer()
        #expect(!answer.isDetection)
        #expect(answer.summary["detected_by"] is NSNull)
    }

    @Test func aPulsarOfThreeSigmaIsNoDetection() throws {
        let base = try Self.real.get().scrambled(seed: 77)
        let injected = PulsarInjection(base, frequency: 43.21, sigma: 3, window: 524_288, seed: 12)
        #expect(try !Self.search(injected.table, low: 40).answer().isDetection)
    }

    /// A signal whose frequency drifts is lost at ratio 0 and found at its own.
    @Test func aDriftingPulsarIsFoundAtItsRatio() throws {
        let base = try Self.real.get().scrambled(seed: 5)
        let injected = PulsarInjection(base, frequency: 251.3, sigma: 40, window: 524_288, seed: 13)
        let ratio = -4e-16
        var table = injected.table
        let reference = table.meanTime
        // Solves t + r t²/2 = t0: the stretched time is the one in which the injected signal is periodic.
        table.times = table.times.map { time in
            let x = time - reference
            return time - 0.5 * ratio * x * x
        }
        let without = try Self.search(table, low: 248).answer()
        let with = try Self.search(table, low: 248, ratios: [0, -2e-16, -4e-16]).answer()
        #expect(with.isDetection)
        #expect(with.winner["f1_over_f"] as? Double == ratio)
        #expect(with.winnerSigma > 30)
        #expect(without.winnerSigma < 0.5 * with.winnerSigma)
    }
}
