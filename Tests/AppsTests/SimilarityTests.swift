import Apps
import Bytes
import Domain
import Foundation
import Plugins
import Testing

@Suite struct SimilarityTests {
    static let measures = ["correlation", "cosine", "covariance", "dot"]

    /// Every block on and above the diagonal once, its numbers as the definitions give them.
    @Test(arguments: measures)
    func everyPairIsComputedOnceAndRight(_ measure: String) throws {
        let rows = SimilarityFixture.random(rows: 29, columns: 11, seed: 3)
        let fixture = SimilarityFixture(rows, ["measure": .text(measure)])
        let drafts = try fixture.drafts()
        // Four blocks along a side: ten of them, in units of at most four.
        #expect(drafts.count == 3)
        var seen: [[Int]: Double] = [:]
        for draft in drafts {
            let place = try #require(LittleEndian.int64s(from: draft.payload["place"]!.bytes)).map { Int($0) }
            let values = try fixture.result(draft.payload).reals("similarities")
            var at = 0
            for index in place[0]..<place[0] + place[1] {
                // The numbering of the format: along block rows, from the diagonal on.
                let pairs = (0..<4).flatMap { i in (i..<4).map { (i, $0) } }
                let (i, j) = pairs[index]
                for row in i * 8..<min(29, i * 8 + 8) {
                    for column in j * 8..<min(29, j * 8 + 8) {
                        #expect(seen.updateValue(values[at], forKey: [row, column]) == nil)
                        at += 1
                    }
                }
            }
            #expect(at == values.count)
        }
        for row in 0..<29 {
            for column in row..<29 {
                let expected = PlainSimilarity.value(measure, rows[row], rows[column])
                let found = try #require(seen[[row, column]])
                #expect(abs(found - expected) <= 1e-12 * max(1, abs(expected)))
            }
        }
    }

    @Test func flopsAreThoseOfTheProduct() throws {
        let fixture = SimilarityFixture(SimilarityFixture.random(rows: 20, columns: 5, seed: 1))
        // Blocks of 8, 8 and 4 rows.
        let cells = 8 * 8 + 8 * 8 + 8 * 4 + 8 * 8 + 8 * 4 + 4 * 4
        #expect(try fixture.drafts().reduce(0) { $0 + $1.flops } == Double(2 * 5 * cells))
    }

    @Test func theAnswerListsNeighboursPairsAndAccuracy() throws {
        var rows = SimilarityFixture.random(rows: 40, columns: 9, seed: 8)
        for at in rows.indices { rows[at].append(Double(at % 4)) }
        var fixture = SimilarityFixture(
            rows, ["neighbours": .integer(3), "strongest": .integer(7), "label_column": .text("kind")])
        fixture.names[9] = "kind"
        let (files, summary) = try fixture.answer()
        let truth = rows.map { x in
            rows.map { PlainSimilarity.value("correlation", Array(x.dropLast()), Array($0.dropLast())) }
        }
        let listed = SimilarityFixture.table(try #require(files["neighbours.csv"]))
        #expect(listed.count == 40 * 3)
        var right = 0
        for (place, line) in listed.enumerated() {
            let (row, rank) = place.quotientAndRemainder(dividingBy: 3)
            let others = truth.indices.filter { $0 != row }.sorted { truth[row][$0] > truth[row][$1] }
            #expect(line["row"] == "\(row + 1)" && line["rank"] == "\(rank + 1)")
            #expect(line["neighbour"] == "\(others[rank] + 1)")
            #expect(abs(Double(line["similarity"]!)! - truth[row][others[rank]]) <= 6e-10)
            #expect(line["neighbour_label"] == "\(others[rank] % 4)")
            if rank == 0, others[0] % 4 == row % 4 { right += 1 }
        }
        let pairs = (0..<40).flatMap { i in (i + 1..<40).map { (i, $0) } }
            .sorted { truth[$0.0][$0.1] > truth[$1.0][$1.1] }.prefix(7)
        let strongest = SimilarityFixture.table(try #require(files["strongest.csv"]))
        #expect(strongest.map { $0["row"]! + "-" + $0["other"]! } == pairs.map { "\($0.0 + 1)-\($0.1 + 1)" })
        let json = try JSONSerialization.jsonObject(with: Data(files["summary.json"]!.utf8)) as? [String: Any]
        let score = try #require(json?["nearest_neighbour"] as? [String: Any])
        #expect(score["right"] as? Int == right)
        // Ten rows of each of four labels: 9 of the 39 others have the same.
        #expect(abs(try #require(score["by_chance"] as? Double) - 9.0 / 39) < 1e-12)
        #expect(summary.contains { $0.contains("\(right) of 40 right") })
        #expect(files["similarity.svg"]!.contains("rows, ordered by kind"))
    }

    @Test func equalSimilaritiesComeInTheTablesOrder() throws {
        let fixture = SimilarityFixture(
            (0..<10).map { _ in [1, 2, 4] }, ["measure": .text("dot"), "neighbours": .integer(2)])
        let (files, _) = try fixture.answer()
        let listed = SimilarityFixture.table(try #require(files["neighbours.csv"]))
        #expect(listed[0]["neighbour"] == "2" && listed[1]["neighbour"] == "3")
        #expect(listed[18]["neighbour"] == "1" && listed[19]["neighbour"] == "2")
        #expect(listed[0]["label"] == nil && listed[0]["similarity"] == "2.100000000e+01")
        #expect(try SimilarityFixture.table(#require(files["strongest.csv"])).first?["other"] == "2")
    }

    @Test func rowsOfAnySizeAreStandardised() throws {
        // Squares of these would overflow or vanish.
        let rows = [[1e99, 2e99, 4e99], [1e-99, 2e-99, 4e-99], [-1, -2, -4], [4, 2, 1], [0, 1, 0]]
        for measure in ["correlation", "cosine"] {
            var fixture = SimilarityFixture(
                rows, ["measure": .text(measure), "block_rows": .integer(5), "neighbours": .integer(1)])
            fixture.stepsPerUnit = 1
            let unit = try fixture.drafts()[0].payload
            let result = try fixture.result(unit)
            #expect(fixture.check(result, unit) == .proven)
            let values = result.reals("similarities")
            #expect(abs(values[1] - 1) < 1e-15 && abs(values[2] + 1) < 1e-15)
        }
    }

    @Test func unitsMustComeInOrderAndOnce() throws {
        let fixture = SimilarityFixture(SimilarityFixture.random(rows: 30, columns: 4, seed: 2))
        let drafts = try fixture.drafts()
        let results = try drafts.map { try fixture.result($0.payload) }
        var assembler = try fixture.app.assembler.init(context: fixture.context)
        #expect(throws: AppError.self) { try assembler.add(result: results[1], unit: drafts[1].payload) }
        try assembler.add(result: results[0], unit: drafts[0].payload)
        #expect(throws: AppError.self) { try assembler.add(result: results[0], unit: drafts[0].payload) }
        #expect(throws: AppError.self) { try assembler.finish() }
        for at in drafts.indices.dropFirst() { try assembler.add(result: results[at], unit: drafts[at].payload) }
        #expect(try assembler.finish().files.count == 4)
    }
}

/// The project in `projects/digit-neighbours`, with the figures that NumPy and scikit-learn give.
@Suite struct DigitTests {
    @Test func theDigitsLookLikeTheirOwnKind() throws {
        let lines = try PhotonTable.text("projects/digit-neighbours/input/digits.csv").split(separator: "\n")
        let rows = lines.dropFirst().map { line in line.split(separator: ",").compactMap { Double($0) } }
        var fixture = SimilarityFixture(
            rows, ["block_rows": .integer(256), "neighbours": .integer(1), "label_column": .text("digit")])
        fixture.names = lines[0].split(separator: ",").map(String.init)
        fixture.stepsPerUnit = 12
        let golden = try PhotonTable.golden("digit-neighbours")
        let drafts = try fixture.drafts()
        #expect(drafts.count == 3)
        let units = drafts.map(\.payload)
        let results = try units.map { try fixture.result($0) }
        for (unit, result) in zip(units, results) { #expect(fixture.check(result, unit, challenge: 9) == .proven) }
        var assembler = try fixture.app.assembler.init(context: fixture.context)
        for (unit, result) in zip(units, results) { try assembler.add(result: result, unit: unit) }
        let answer = try assembler.finish()
        let bytes = try #require(answer.files.first { $0.name == "summary.json" }).bytes
        let json = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        let score = try #require(json["nearest_neighbour"] as? [String: Any])
        let strongest = try #require(json["strongest"] as? [String: Any])
        let found: [String: Any?] = [
            "rows": score["rows"], "right": score["right"], "strongest_row": strongest["row"],
            "strongest_other": strongest["other"], "strongest_similarity": strongest["similarity"],
        ]
        #expect(golden.count == found.count)
        for (name, expected) in golden {
            let value = try #require((found[name] ?? nil) as? NSNumber, "\(name) is missing").doubleValue
            #expect(abs(value - expected.value) <= expected.tolerance, "\(name): \(value)")
        }
        let picture = try #require(answer.files.first { $0.name == "similarity.svg" })
        #expect(picture.bytes.count < 400_000)
    }
}

@Suite struct SimilarityRefusalTests {
    let rows = SimilarityFixture.random(rows: 12, columns: 4, seed: 5)

    @Test func eachFaultIsNamed() {
        #expect(SimilarityFixture(rows).refusal() == nil)
        func refusal(_ parameters: [String: ParameterValue], _ change: (inout [[Double]]) -> Void = { _ in }) -> String
        {
            var changed = rows
            change(&changed)
            return SimilarityFixture(changed, parameters).refusal() ?? "nothing"
        }
        #expect(refusal(["block_rows": .integer(13)]).contains("parameter block_rows: 13 is too many"))
        #expect(refusal(["neighbours": .integer(12)]).contains("parameter neighbours: 12 is too many"))
        #expect(refusal(["label_column": .text("d")]).contains("no column `d`; expected: one of c0, c1, c2, c3"))
        #expect(refusal(["measure": .text("taste")]).contains("`taste` is no measure"))
        #expect(refusal(["measure": .real(1)]).contains("parameter measure: the value has another type"))
        #expect(refusal(["strongest": .integer(0)]).contains("parameter strongest: the value is out of range"))
        #expect(refusal(["label_column": .text("c3")]) == "nothing")
        #expect(refusal([:]) { $0[3] = [7, 7, 7, 7] }.contains("input: table: row 4: c0 and all other columns hold"))
        #expect(refusal(["measure": .text("dot")]) { $0[3] = [7, 7, 7, 7] } == "nothing")
        #expect(refusal(["measure": .text("cosine")]) { $0[3] = [0, 0, 0, 0] }.contains("row 4: c0 and all other"))
        #expect(refusal([:]) { $0[1][2] = .nan }.contains("input: table: row 2: c2 is not a finite number"))
        #expect(refusal(["measure": .text("dot")]) { $0[1][2] = 1e101 }.contains("row 2: c2 is not a finite"))
        #expect(refusal([:]) { $0 = [$0[0]] }.contains("1 rows cannot be compared"))
        #expect(refusal([:]) { $0 = $0.map { [$0[0]] } }.contains("1 column to compare; expected: at least 2"))
        let one = refusal(["measure": .text("cosine"), "label_column": .text("c0")]) { $0 = $0.map { [$0[0]] } }
        #expect(one.contains("no column is left to compare"))
    }

    @Test func faultsAreReportedTogether() throws {
        var changed = rows
        changed[2] = [1, 1, 1, 1]
        changed[5][0] = .infinity
        let text = try #require(
            SimilarityFixture(changed, ["neighbours": .integer(90), "block_rows": .integer(50)]).refusal())
        for part in ["neighbours: 90", "block_rows: 50", "row 3: c0", "row 6: c0"] { #expect(text.contains(part)) }
    }

    @Test func resultsThatFitNoSectionAreRefused() throws {
        var fixture = SimilarityFixture(
            (0..<4100).map { [Double($0), 2.5, Double($0 % 7)] }, ["block_rows": .integer(2048)])
        fixture.stepsPerUnit = 3
        #expect(try #require(fixture.refusal()).contains("do not fit into a result"))
        fixture.stepsPerUnit = 2
        #expect(fixture.refusal() == nil)
    }
}
