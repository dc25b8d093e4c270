import Bytes
import Domain
import Plugins
import Testing

@Suite struct ValidatorTests {
    private struct Honest {
        var search: TestSearch
        var unit: Payload
        var result: Payload
    }

    /// Two bands of lags to 16,384 s with a pulsar, so that there are candidates of all heights.
    private static let honest: Result<[Honest], any Error> = Result {
        let base = PhotonTable.random(seed: 8, count: 900, span: 2e6)
        let injected = PulsarInjection(base, frequency: 9.123456, sigma: 25, window: 16_384, seed: 9)
        let search = TestSearch(
            injected.table,
            [
                "frequency_min_hz": .real(8), "frequency_max_hz": .real(16), "band_width_hz": .real(4),
                "lag_window_s": .real(16_384), "f1_over_f": .reals([0, -1e-11]), "candidates": .integer(5),
            ])
        return try search.drafts().map {
            Honest(search: search, unit: $0.payload, result: try search.result($0.payload))
        }
    }

    private func verdict(_ result: Payload, challenge: UInt64 = 0) throws -> CheckVerdict {
        let honest = try Self.honest.get()[0]
        return honest.search.app.validator.check(
            result, unit: honest.unit, context: honest.search.context, challenge: challenge)
    }

    private func agreement(_ a: Payload, _ b: Payload) throws -> Agreement {
        let honest = try Self.honest.get()[0]
        return honest.search.app.validator.compare(a, b, unit: honest.unit, context: honest.search.context)
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func anHonestResultIsPlausible(_ challenge: UInt64) throws {
        #expect(try verdict(try Self.honest.get()[0].result, challenge: challenge) == .plausible)
        #expect(try Self.honest.get()[0].result.reals("candidates.frequency").count == 5)
    }

    private func isRefuted(_ result: Payload, _ element: String) throws -> Bool {
        // Some claims are drawn by the challenge: all draws together must catch them.
        for challenge in 0..<10 as Range<UInt64> {
            if case .refuted(let difference, let why) = try verdict(result, challenge: challenge) {
                #expect(difference.element.hasPrefix(element), "\(difference.element): \(why)")
                #expect(difference.distance > difference.tolerance)
                #expect(!why.isEmpty)
                return true
            }
        }
        return false
    }

    private func isMalformed(_ result: Payload) throws -> Bool {
        if case .malformed = try verdict(result) { return true }
        return false
    }

    @Test func aChangedPowerIsRefuted() throws {
        let honest = try Self.honest.get()[0].result
        #expect(try isRefuted(honest.changing("candidates.power") { $0[4] *= -1 }, "candidates[4].power"))
        #expect(try isRefuted(honest.changing("candidates.power") { $0[0] *= 1.01 }, "candidates[0].power"))
        let scaled = honest.changingAll(["candidates.power", "candidates.sigma"]) { $0 = $0.map { $0 * 1.003 } }
        #expect(try isRefuted(scaled, "candidates[0].power"))
        #expect(try isRefuted(honest.changing("candidates.sigma") { $0[2] += 0.1 }, "candidates[2].sigma"))
    }

    @Test func aMovedFrequencyIsRefuted() throws {
        let honest = try Self.honest.get()[0].result
        let spacing = 1 / 32_768.0
        #expect(try isRefuted(honest.changing("candidates.frequency") { $0[1] += 0.2 * spacing }, "candidates[1]"))
        #expect(try isRefuted(honest.changing("candidates.frequency") { $0.swapAt(1, 3) }, "candidates[1]"))
    }

    @Test func anInventedCandidateIsRefuted() throws {
        let honest = try Self.honest.get()[0].result
        var invented = honest.changing("candidates.frequency") { $0[0] = 10.5 }
        invented = invented.changingAll(["candidates.power", "candidates.sigma"]) { $0[0] *= 2 }
        #expect(try isRefuted(invented, "candidates[0].power"))
    }

    @Test func changedSumsAreRefuted() throws {
        let honest = try Self.honest.get()[0].result
        #expect(try isRefuted(honest.changing("grid.sum") { $0[1] += 20 }, "grid.sum[1]"))
        #expect(try isRefuted(honest.changing("grid.sum_of_squares") { $0[0] *= 1.2 }, "grid.sum_of_squares[0]"))
    }

    @Test func whatIsNoResultIsMalformed() throws {
        let honest = try Self.honest.get()[0].result
        let columns = Payload.candidateColumns
        #expect(try isMalformed(honest.changing("candidates.power") { $0[1] = .nan }))
        #expect(try isMalformed(honest.changing("grid.sum") { $0[0] = .infinity }))
        #expect(try isMalformed(honest.changing("candidates.power") { $0.removeLast() }), "lengths differ")
        #expect(try isMalformed(honest.changingAll(columns) { $0 += $0 }), "too many, and twice")
        #expect(try isMalformed(honest.changingAll(columns) { $0.reverse() }), "order")
        #expect(try isMalformed(honest.changing("candidates.ratio") { $0[0] = 1e-12 }), "not a ratio of the unit")
        #expect(try isMalformed(honest.changing("candidates.frequency") { $0[0] = 8.001 }), "vetoed")
        #expect(try isMalformed(honest.changing("candidates.frequency") { $0[0] = 12.5 }), "outside the band")
        #expect(try isMalformed(Payload(sections: [])))
        for index in honest.sections.indices {
            var cut = honest
            cut.sections[index].bytes.removeLast()
            #expect(try isMalformed(cut), "truncated \(honest.sections[index].name)")
            var renamed = honest
            renamed.sections[index].name += "x"
            #expect(try isMalformed(renamed))
            var retyped = honest
            retyped.sections[index].kind = .bytes
            #expect(try isMalformed(retyped))
        }
    }

    @Test func theResultOfAnotherBandIsNotThisUnits() throws {
        let other = try Self.honest.get()[1].result
        if case .plausible = try verdict(other) { Issue.record("the other band's result passed") }
    }

    @Test func comparisonIsReflexiveAndToleratesRounding() throws {
        let honest = try Self.honest.get()[0].result
        #expect(try agreement(honest, honest) == .same)
        let rounded = honest.changingAll(["candidates.power", "candidates.sigma"]) { $0 = $0.map { $0 * 1.00001 } }
        #expect(try agreement(honest, rounded) == .same)
        #expect(try agreement(rounded, honest) == .same)
    }

    /// What only a comparison can see: something true that was left out.
    @Test func aDroppedCandidateIsADifference() throws {
        let honest = try Self.honest.get()[0].result
        let dropped = honest.changingAll(Payload.candidateColumns) { $0.removeFirst() }
        #expect(try verdict(dropped) == .plausible, "the check alone cannot know")
        guard case .different(let difference) = try agreement(honest, dropped),
            case .different = try agreement(dropped, honest)
        else {
            Issue.record("a dropped winner went unnoticed")
            return
        }
        #expect(difference.element == "candidates[0]")
        #expect(difference.distance > difference.tolerance)
    }

    /// Two honest lists may end with different peaks of equal height, but for the tolerance.
    @Test func aTieAtTheEndOfTheListIsNoDifference() throws {
        let honest = try Self.honest.get()[0].result
        let last = honest.reals("candidates.power").count - 1
        var tied = honest.changing("candidates.frequency") { $0[last] += 0.01 }
        tied = tied.changing("candidates.power") { $0[last] *= 1.00005 }
        #expect(try agreement(honest, tied) == .same)
        #expect(try agreement(tied, honest) == .same)
        let higher = tied.changing("candidates.power") { $0[last] *= 1.01 }
        #expect(try agreement(honest, higher) != .same)
        #expect(try agreement(higher, honest) != .same)
    }

    /// Also where no single result is checked first.
    @Test func aClaimDoesNotSetItsOwnTolerance() throws {
        let honest = try Self.honest.get()[0].result
        let vague = honest.changing("candidates.sigma") { $0 = $0.map { _ in 1e-303 } }
        #expect(try agreement(honest, vague) != .same)
        #expect(try agreement(vague, honest) != .same)
        let outside = honest.changing("candidates.frequency") { $0[0] = 12.5 }
        #expect(try agreement(honest, outside) != .same)
        #expect(try agreement(honest, honest.changing("candidates.sigma") { $0[0] *= 1.01 }) != .same)
    }

    /// Tables merged from overlapping files hold some photons twice.
    @Test func photonsAtTheSameTimeConvictNobody() throws {
        var table = PhotonTable.random(seed: 21, count: 900, span: 2e6)
        for index in 0..<60 { table.times[2 * index + 1] = table.times[2 * index] }
        let search = TestSearch(
            table,
            [
                "frequency_min_hz": .real(8), "frequency_max_hz": .real(12), "band_width_hz": .real(4),
                "lag_window_s": .real(16_384),
            ])
        let unit = try search.drafts()[0].payload
        let verdict = search.app.validator.check(
            try search.result(unit), unit: unit, context: search.context, challenge: 1)
        #expect(verdict == .plausible)
    }

    @Test func sumsAreCompared() throws {
        let honest = try Self.honest.get()[0].result
        #expect(try agreement(honest, honest.changing("grid.sum") { $0[0] += 5 }) != .same)
        #expect(try agreement(honest, honest.changing("grid.sum_of_squares") { $0[1] *= 1.001 }) != .same)
    }
}
