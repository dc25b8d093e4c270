import Apps
import Bytes
import Compute
import Domain
import Plugins
import Testing

/// What one result must survive before it is believed alone.
@Suite struct SimilarityCheckTests {
    static let measures = ["correlation", "cosine", "covariance", "dot"]

    private func fixture(_ measure: String = "correlation", seed: UInt64 = 11) -> SimilarityFixture {
        SimilarityFixture(SimilarityFixture.random(rows: 45, columns: 20, seed: seed), ["measure": .text(measure)])
    }

    @Test(arguments: measures)
    func honestResultsAreProvenWhateverTheChallenge(_ measure: String) throws {
        let fixture = fixture(measure)
        for draft in try fixture.drafts() {
            let result = try fixture.result(draft.payload)
            for challenge in [0, 1, 77, UInt64.max] {
                #expect(fixture.check(result, draft.payload, challenge: challenge) == .proven)
            }
        }
    }

    /// Where everything is zero nothing may be off, and nothing is divided by a norm.
    @Test func rowsOfZerosAreProvenAndForgedOnesRefuted() throws {
        var rows = SimilarityFixture.random(rows: 20, columns: 6, seed: 4)
        rows[2] = [0, 0, 0, 0, 0, 0]
        let fixture = SimilarityFixture(rows, ["measure": .text("dot")])
        let unit = try fixture.drafts()[0].payload
        let result = try fixture.result(unit)
        #expect(fixture.check(result, unit) == .proven)
        #expect(fixture.app.validator.compare(result, result, unit: unit, context: fixture.context) == .same)
        let bad = result.changing("similarities") { $0[2 * 8 + 5] = 1e-9 }
        guard case .refuted(let difference, _) = fixture.check(bad, unit) else {
            Issue.record("a similarity of a row of zeros was believed")
            return
        }
        #expect(difference.element == "similarity[3,6]" && difference.distance == 1e-9)
    }

    /// Rounding of another machine's library: the last bits of every number, at random.
    @Test func aResultRoundedDifferentlyIsProvenAndAgrees() throws {
        let fixture = fixture()
        let unit = try fixture.drafts()[1].payload
        let result = try fixture.result(unit)
        var draw = SeededGenerator(seed: 5)
        let other = result.changing("similarities") { values in
            for at in values.indices { values[at] += Double.random(in: -4e-16...4e-16, using: &draw) }
        }
        #expect(fixture.check(other, unit) == .proven)
        #expect(fixture.app.validator.compare(result, other, unit: unit, context: fixture.context) == .same)
    }

    /// The similarity that was moved is named, with rows as in the answer.
    @Test(arguments: [1e-9, 1e-6, 0.5, 1e300])
    func oneMovedNumberIsNamed(_ distance: Double) throws {
        let fixture = fixture()
        let unit = try fixture.drafts()[0].payload
        let result = try fixture.result(unit)
        // The second block: rows 1-8 with 9-16. Its third row, fifth column.
        let bad = result.changing("similarities") { $0[64 + 2 * 8 + 4] += distance }
        guard case .refuted(let difference, let why) = fixture.check(bad, unit, challenge: 4) else {
            Issue.record("a number that is \(distance) off was not refuted")
            return
        }
        #expect(difference.element == "similarity[3,13]")
        #expect(abs(difference.distance / distance - 1) < 1e-3 && difference.tolerance <= 1e-11 * max(1, distance))
        #expect(!why.isEmpty)
        #expect(
            fixture.app.validator.compare(result, bad, unit: unit, context: fixture.context)
                == .different(difference))
    }

    /// Falsehoods that keep sums, norms or symmetry.
    @Test(arguments: measures)
    func cunningFalsehoodsAreRefuted(_ measure: String) throws {
        let fixture = fixture(measure)
        let drafts = try fixture.drafts()
        let unit = drafts[0].payload
        let result = try fixture.result(unit)
        let forgeries: [(String, (inout [Double]) -> Void)] = [
            ("two numbers swapped", { $0.swapAt(70, 71) }),
            ("two rows swapped", { for at in 64..<72 { $0.swapAt(at, at + 8) } }),
            ("a pair that cancels", { ($0[65], $0[66]) = ($0[65] + 1e-5, $0[66] - 1e-5) }),
            ("a symmetric pair", { ($0[1], $0[8]) = ($0[1] + 1e-5, $0[8] + 1e-5) }),
            (
                "a transposed block",
                { values in
                    let block = Array(values[64..<128])
                    for at in 0..<64 { values[64 + at] = block[at % 8 * 8 + at / 8] }
                }
            ),
            ("signs turned", { for at in 64..<128 { $0[at].negate() } }),
            ("a block of zeros", { for at in 64..<128 { $0[at] = 0 } }),
            ("a block twice", { for at in 64..<128 { $0[at] = $0[at + 64] } }),
            ("everything a little larger", { for at in $0.indices { $0[at] *= 1 + 1e-8 } }),
            ("the last number of the last block", { $0[$0.count - 1] += 1e-5 }),
        ]
        for (name, forge) in forgeries {
            let bad = result.changing("similarities", forge)
            for challenge in 0..<8 as Range<UInt64> {
                guard case .refuted(let difference, _) = fixture.check(bad, unit, challenge: challenge) else {
                    Issue.record("\(name) passed challenge \(challenge)")
                    continue
                }
                #expect(difference.distance > difference.tolerance)
            }
        }
        // Right numbers of another table.
        let other = try self.fixture(measure, seed: 12).result(unit)
        guard case .refuted = fixture.check(other, unit) else {
            Issue.record("another table's result passed")
            return
        }
    }

    @Test func whatIsNoResultIsMalformed() throws {
        let fixture = fixture()
        let unit = try fixture.drafts()[0].payload
        let result = try fixture.result(unit)
        func isMalformed(_ payload: Payload) -> Bool {
            if case .malformed(let why) = fixture.check(payload, unit) { !why.isEmpty } else { false }
        }
        #expect(isMalformed(result.changing("similarities") { $0[3] = .nan }))
        #expect(isMalformed(result.changing("similarities") { $0[3] = .infinity }))
        #expect(isMalformed(result.changing("similarities") { $0.removeLast() }))
        #expect(isMalformed(result.changing("similarities") { $0.append(0) }))
        #expect(isMalformed(Payload(sections: [])))
        #expect(isMalformed(Payload(sections: result.sections + result.sections)))
        var single = result
        single.sections[0].kind = .float32
        #expect(isMalformed(single))
    }

    /// The README's figure: what a result can be off without being seen, for the project's own digits.
    @Test func whatCanHideIsFarBelowWhatTheAnswerShows() throws {
        let lines = try PhotonTable.text("projects/digit-neighbours/input/digits.csv").split(separator: "\n")
        let pixels = lines.dropFirst().prefix(256).map { $0.split(separator: ",").dropLast().compactMap { Double($0) } }
        let rows = pixels.map { row -> [Double] in
            let mean = row.reduce(0, +) / Double(row.count)
            let centred = row.map { $0 - mean }
            let norm = centred.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return centred.map { $0 / norm }
        }
        let first = MatrixOperand(Array(rows[..<128].joined()), rows: 128, columns: 64)
        let second = MatrixOperand(Array(rows[128...].joined()), rows: 64, columns: 128, transposed: true)
        var product = [Double](repeating: 0, count: 128 * 128)
        BLAS.multiply(first, second, into: &product)
        let claim = MatrixOperand(product, rows: 128, columns: 128)
        guard case .holds(let evidence) = ProductCheck(first, second, trials: 4).verify(claim, challenge: 3) else {
            Issue.record("an honest product was not proven")
            return
        }
        // The answer shows nine decimals.
        #expect(evidence.floor < 1e-9 && evidence.missProbability <= 1e-6)
    }

    /// Where a project compares results instead: its own tolerances count.
    @Test func comparisonTakesTheProjectsTolerances() throws {
        var fixture = fixture("dot")
        let unit = try fixture.drafts()[0].payload
        let result = try fixture.result(unit)
        let near = result.changing("similarities") { $0[9] *= 1 + 1e-7 }
        func agreement() -> Agreement {
            fixture.app.validator.compare(near, result, unit: unit, context: fixture.context)
        }
        guard case .different(let difference) = agreement() else {
            Issue.record("1e-7 was not seen")
            return
        }
        // The second row of the first block with its second column: rows 2 and 2.
        #expect(difference.element == "similarity[2,2]")
        fixture.relativeTolerance = 1e-6
        #expect(agreement() == .same)
        fixture.relativeTolerance = 0
        fixture.absoluteTolerance = 1e-6
        #expect(agreement() == .same)
    }
}
