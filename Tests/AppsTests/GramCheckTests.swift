import Apps
import Bytes
import Compute
import Domain
import Plugins
import Testing

/// What one result must survive before it is believed alone.
@Suite struct GramCheckTests {
    static let cases = ["columns", "rows"].flatMap { product in ["mean", "none"].map { (product, $0) } }

    private func fixture(_ product: String, _ centre: String = "mean", seed: UInt64 = 11) -> GramFixture {
        var fixture = GramFixture(
            GramFixture.random(rows: 37, columns: 33, seed: seed),
            ["product": .text(product), "centre": .text(centre)])
        // Fifteen blocks in four units: the first has three.
        fixture.stepsPerUnit = 4
        return fixture
    }

    @Test(arguments: cases)
    func honestResultsAreProvenWhateverTheChallenge(_ product: String, _ centre: String) throws {
        let fixture = fixture(product, centre)
        for draft in try fixture.drafts() {
            let result = try fixture.result(draft.payload)
            for challenge in [0, 1, 77, UInt64.max] {
                #expect(fixture.check(result, draft.payload, challenge: challenge) == .proven)
            }
        }
    }

    /// Rounding of another machine's library: the last bits of every number, at random.
    @Test(arguments: cases)
    func aResultRoundedDifferentlyIsProvenAndAgrees(_ product: String, _ centre: String) throws {
        let fixture = fixture(product, centre)
        let unit = try fixture.drafts()[1].payload
        let result = try fixture.result(unit)
        var draw = SeededGenerator(seed: 5)
        let other = result.changing("products") { values in
            for at in values.indices { values[at] *= 1 + Double.random(in: -4e-16...4e-16, using: &draw) }
        }
        #expect(fixture.check(other, unit) == .proven)
        #expect(fixture.compare(result, other, unit) == .same)
    }

    /// The number that was moved is named, with rows and columns as in the answer.
    @Test(arguments: [1e-8, 1e-4, 0.5, 1e300])
    func oneMovedNumberIsNamed(_ distance: Double) throws {
        for (product, centre) in Self.cases {
            let fixture = fixture(product, centre)
            let unit = try fixture.drafts()[0].payload
            let result = try fixture.result(unit)
            // The second block: 1-8 with 9-16. Its third row, fifth column.
            let bad = result.changing("products") { $0[64 + 2 * 8 + 4] += distance }
            guard case .refuted(let difference, let why) = fixture.check(bad, unit, challenge: 4) else {
                Issue.record("a number that is \(distance) off was not refuted")
                return
            }
            #expect(difference.element == "\(product)[3,13]" && !why.isEmpty)
            #expect(abs(difference.distance / distance - 1) < 1e-3)
            #expect(difference.distance > difference.tolerance)
            #expect(fixture.compare(result, bad, unit) == .different(difference))
        }
    }

    static let forgeries: [(String, @Sendable (inout [Double]) -> Void)] = [
        ("two numbers swapped", { $0.swapAt(70, 71) }),
        ("two rows swapped", { for at in 64..<72 { $0.swapAt(at, at + 8) } }),
        ("two columns swapped", { for at in stride(from: 64, to: 128, by: 8) { $0.swapAt(at, at + 1) } }),
        ("a pair that cancels", { ($0[65], $0[66]) = ($0[65] + 1e-4, $0[66] - 1e-4) }),
        ("a symmetric pair", { ($0[1], $0[8]) = ($0[1] + 1e-4, $0[8] + 1e-4) }),
        ("one sign turned", { $0[77].negate() }),
        ("all signs turned", { for at in $0.indices { $0[at].negate() } }),
        ("a block of zeros", { for at in 64..<128 { $0[at] = 0 } }),
        ("a block twice", { for at in 64..<128 { $0[at] = $0[at - 64] } }),
        ("blocks exchanged", { for at in 64..<128 { $0.swapAt(at, at - 64) } }),
        ("a little larger", { for at in $0.indices { $0[at] *= 1 + 1e-7 } }),
        ("the last bits of single precision", { for at in $0.indices { $0[at] = Double(Float($0[at])) } }),
        ("the last number", { $0[$0.count - 1] += 1e-4 }),
        (
            "a transposed block",
            { values in
                let block = Array(values[64..<128])
                for at in 0..<64 { values[64 + at] = block[at % 8 * 8 + at / 8] }
            }
        ),
    ]

    /// Falsehoods that keep sums, norms or symmetry, and some that are merely careless.
    @Test(arguments: cases)
    func falsehoodsAreRefuted(_ product: String, _ centre: String) throws {
        let fixture = fixture(product, centre)
        let unit = try fixture.drafts()[0].payload
        let result = try fixture.result(unit)
        for (name, forge) in Self.forgeries {
            let bad = result.changing("products", forge)
            for challenge in 0..<50 as Range<UInt64> {
                guard case .refuted(let difference, _) = fixture.check(bad, unit, challenge: challenge) else {
                    Issue.record("\(name) passed challenge \(challenge)")
                    continue
                }
                #expect(difference.distance > difference.tolerance)
            }
            guard case .different = fixture.compare(result, bad, unit) else {
                Issue.record("\(name) agrees with the truth")
                continue
            }
        }
    }

    /// Right numbers of another matrix, of the other way to centre, and of the matrix turned over.
    @Test func resultsOfOtherMatricesAreRefuted() throws {
        let fixture = fixture("rows")
        let unit = try fixture.drafts()[0].payload
        let rows = GramFixture.random(rows: 37, columns: 33, seed: 11)
        let square = Array(rows.prefix(33))
        var turned = GramFixture(PlainProduct.transposed(square), fixture.parameters)
        turned.parameters["product"] = .text("columns")
        turned.parameters["centre"] = .text("none")
        var straight = GramFixture(square, fixture.parameters)
        straight.parameters["centre"] = .text("none")
        (turned.stepsPerUnit, straight.stepsPerUnit) = (fixture.stepsPerUnit, fixture.stepsPerUnit)
        let same = try turned.result(try turned.drafts()[0].payload)
        // The columns of the matrix turned over are its rows: the sums are the same.
        #expect(straight.check(same, try straight.drafts()[0].payload) == .proven)
        let strangers = [
            try self.fixture("rows", seed: 12).result(unit),
            try self.fixture("rows", "none").result(try self.fixture("rows", "none").drafts()[0].payload), same,
        ]
        for stranger in strangers {
            guard case .refuted = fixture.check(stranger, unit) else {
                Issue.record("another matrix's result passed")
                continue
            }
        }
    }

    /// An error at the stated floor passes one time in a million; a thousand challenges must find every one.
    @Test func anErrorAtTheFloorIsFound() throws {
        let rows = GramFixture.random(rows: 40, columns: 25, seed: 6)
        let fixture = GramFixture(
            rows, ["product": .text("rows"), "centre": .text("none"), "block_rows": .integer(40)])
        let unit = try fixture.drafts()[0].payload
        let result = try fixture.result(unit)
        let matrix = MatrixOperand(rows.flatMap { $0 }, rows: 40, columns: 25)
        let claim = MatrixOperand(
            try #require(LittleEndian.doubles(from: result.sections[0].bytes)), rows: 40, columns: 40)
        // As the validator asks for it.
        guard
            case .holds(let evidence) = ProductCheck(matrix, matrix.transpose, trials: 4).verify(claim, challenge: 3)
        else {
            Issue.record("an honest product was not proven")
            return
        }
        let norm = rows.map { row in row.reduce(0) { $0 + $1 * $1 }.squareRoot() }.max()!
        // Of the norms of the two vectors, what can hide is less than a ten-billionth.
        #expect(evidence.floor < 1e-10 * norm * norm && evidence.missProbability <= 1e-6)
        var draw = SeededGenerator(seed: 8)
        for challenge in 0..<1000 as Range<UInt64> {
            let place = draw.nextIndex(below: 1600)
            let bad = result.changing("products") { $0[place] += evidence.floor }
            guard case .refuted = fixture.check(bad, unit, challenge: challenge) else {
                Issue.record("an error of the floor in element \(place) passed challenge \(challenge)")
                continue
            }
        }
    }

    @Test func whatIsNoResultIsMalformed() throws {
        let fixture = fixture("columns")
        let unit = try fixture.drafts()[0].payload
        let result = try fixture.result(unit)
        func isMalformed(_ payload: Payload) -> Bool {
            if case .malformed(let why) = fixture.check(payload, unit) { !why.isEmpty } else { false }
        }
        #expect(isMalformed(result.changing("products") { $0[3] = .nan }))
        #expect(isMalformed(result.changing("products") { $0[3] = .infinity }))
        #expect(isMalformed(result.changing("products") { $0.removeLast() }))
        #expect(isMalformed(result.changing("products") { $0.append(0) }))
        #expect(isMalformed(result.changing("products") { $0.removeAll() }))
        #expect(isMalformed(Payload(sections: [])))
        #expect(isMalformed(Payload(sections: result.sections + result.sections)))
        var other = result
        other.sections[0].name = "similarities"
        #expect(isMalformed(other))
        other = result
        other.sections[0].kind = .float32
        #expect(isMalformed(other))
        other = result
        other.sections[0].bytes.removeLast()
        #expect(isMalformed(other))
    }

    /// Where a project compares results instead: its own tolerances count.
    @Test func comparisonTakesTheProjectsTolerances() throws {
        var fixture = fixture("rows", "none")
        let unit = try fixture.drafts()[0].payload
        let result = try fixture.result(unit)
        let near = result.changing("products") { $0[9] *= 1 + 1e-7 }
        guard case .different(let difference) = fixture.compare(near, result, unit) else {
            Issue.record("1e-7 was not seen")
            return
        }
        // The second row of the first block with its second column.
        #expect(difference.element == "rows[2,2]")
        fixture.relativeTolerance = 1e-6
        #expect(fixture.compare(near, result, unit) == .same)
        fixture.relativeTolerance = 0
        fixture.absoluteTolerance = 1e-6
        #expect(fixture.compare(near, result, unit) == .same)
    }
}
