import Apps
import Bytes
import Domain
import Foundation
import Plugins
import Testing

@Suite struct GramTests {
    static let cases = ["columns", "rows", "both"].flatMap { product in ["mean", "none"].map { (product, $0) } }

    /// Every block on and above the diagonal of each product once, its numbers as the definitions give them.
    @Test(arguments: cases)
    func everyNumberIsComputedOnceAndRight(_ product: String, _ centre: String) throws {
        let rows = GramFixture.random(rows: 29, columns: 19, seed: 3)
        let fixture = GramFixture(rows, ["product": .text(product), "centre": .text(centre)])
        let matrix = centre == "mean" ? PlainProduct.centred(rows) : rows
        let truths = [PlainProduct.gram(PlainProduct.transposed(matrix)), PlainProduct.gram(matrix)]
        var seen = [Set<[Int]>(), Set<[Int]>()]
        for draft in try fixture.drafts() {
            let place = try #require(LittleEndian.int64s(from: draft.payload["place"]!.bytes)).map { Int($0) }
            #expect(place[4...] == [8, 29, 19] && place[1] == (centre == "mean" ? 1 : 0))
            let truth = truths[place[0]]
            let side = (truth.count + 7) / 8
            // The numbering of the format: along block rows, from the diagonal on.
            let pairs = (0..<side).flatMap { i in (i..<side).map { (i, $0) } }
            let values = try fixture.result(draft.payload).reals("products")
            var at = 0
            for index in place[2]..<place[2] + place[3] {
                for row in pairs[index].0 * 8..<min(truth.count, pairs[index].0 * 8 + 8) {
                    for column in pairs[index].1 * 8..<min(truth.count, pairs[index].1 * 8 + 8) {
                        #expect(seen[place[0]].insert([row, column]).inserted)
                        #expect(abs(values[at] - truth[row][column]) <= 1e-12 * max(1, abs(truth[row][column])))
                        at += 1
                    }
                }
            }
            #expect(at == values.count)
        }
        // Whole blocks on the diagonal, nothing below them.
        func numbers(_ side: Int) -> Int {
            (0..<side).reduce(0) { sum, row in sum + side - row / 8 * 8 }
        }
        #expect(seen[0].count == (product == "rows" ? 0 : numbers(19)))
        #expect(seen[1].count == (product == "columns" ? 0 : numbers(29)))
    }

    /// Long sums are added up slab by slab, and a kernel may stop between two slabs of a block.
    @Test func slabsAddUpAndCanBeStoppedBetween() throws {
        let recipe = "synthetic rows=700 columns=6500 seed=5\n"
        var fixture = GramFixture(
            file: Array(recipe.utf8),
            ["product": .text("rows"), "centre": .text("none"), "block_rows": .integer(700)])
        fixture.stepsPerUnit = 1
        let unit = try #require(try fixture.drafts().first).payload
        var kernel = try fixture.kernel(unit)
        var stops = 0
        while case .more(let fraction) = try kernel.advance(budgetSeconds: 0) {
            #expect(fraction > 0 && fraction < 1)
            let saved = kernel.checkpoint()
            kernel = try fixture.kernel(unit)
            try kernel.restore(from: saved)
            stops += 1
        }
        #expect(stops >= 2)
        let values = try kernel.result().reals("products")
        let row = PlainSynthetic.row(699, columns: 6500, seed: 5)
        let first = PlainSynthetic.row(0, columns: 6500, seed: 5)
        #expect(values[0] == zip(first, first).reduce(0) { $0 + $1.0 * $1.1 })
        #expect(values[699] == zip(first, row).reduce(0) { $0 + $1.0 * $1.1 })
        #expect(values[700 * 699 + 699] == zip(row, row).reduce(0) { $0 + $1.0 * $1.1 })
    }

    /// What the answer says is what the whole product says, and the order of the units does not change a bit.
    @Test(arguments: ["mean", "none"])
    func theAnswerIsThatOfTheWholeProduct(_ centre: String) throws {
        let rows = GramFixture.random(rows: 30, columns: 21, seed: 9)
        let fixture = GramFixture(rows, ["product": .text("both"), "centre": .text(centre)])
        let files = try fixture.answer()
        let matrix = centre == "mean" ? PlainProduct.centred(rows) : rows
        let scale = centre == "mean" ? 29.0 : 1
        let columns = PlainProduct.gram(PlainProduct.transposed(matrix))
        let found = try Npy.read(try #require(files[centre == "mean" ? "covariance.npy" : "columns.npy"]))
        #expect(found.shape == "21, 21")
        for (at, value) in columns.flatMap({ $0 }).enumerated() {
            #expect(abs(found.values[at] - value / scale) <= 1e-13 * max(1, abs(value)))
        }
        let gram = PlainProduct.gram(matrix)
        let listed = SimilarityFixture.table(String(decoding: try #require(files["rows.csv"]), as: UTF8.self))
        #expect(listed.map { $0["row"]! } == (1...30).map { "\($0)" })
        for (row, line) in zip(gram, listed) {
            let index = Int(line["row"]!)! - 1
            let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(abs(Double(line["square"]!)! - row[index]) <= 1e-13 * row[index])
            #expect(abs(Double(line["norm"]!)! - norm) <= 1e-13 * norm)
            #expect(abs(Double(line["sum"]!)! - row.reduce(0, +)) <= 1e-12 * norm)
        }
        let summary = try Self.summary(files)
        let check = try #require(summary["cross_check"] as? [String: Double])
        #expect(check["trace"]! < 1e-13 && check["frobenius_norm"]! < 1e-13)
        #expect(try fixture.answer { $0.reversed() } == files)
        #expect(
            try fixture.answer { $0.filter { $0.label.contains("rows") } + $0.filter { !$0.label.contains("rows") } }
                == files)
    }

    static func summary(_ files: [String: [UInt8]]) throws -> [String: Any] {
        let bytes = try #require(files["summary.json"])
        return try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }

    @Test func unitsMustComeOnceAndAll() throws {
        let fixture = GramFixture(GramFixture.random(rows: 20, columns: 12, seed: 2), ["product": .text("both")])
        let drafts = try fixture.drafts()
        var assembler = try fixture.app.assembler.init(context: fixture.context)
        for draft in drafts.dropFirst() {
            try assembler.add(result: try fixture.result(draft.payload), unit: draft.payload)
        }
        #expect(throws: AppError.badResult("block 0 of columns is missing")) { try assembler.finish() }
        let last = drafts[drafts.count - 1].payload
        #expect(throws: AppError.self) { try assembler.add(result: try fixture.result(last), unit: last) }
        var other = fixture
        other.parameters["centre"] = .text("none")
        let stranger = try other.drafts()[0].payload
        #expect(throws: AppError.badUnit("it is not one of this project")) {
            try assembler.add(result: try other.result(stranger), unit: stranger)
        }
        try assembler.add(result: try fixture.result(drafts[0].payload), unit: drafts[0].payload)
        #expect(try !assembler.finish().files.isEmpty)
    }

    @Test func flopsAreThoseOfTheProduct() throws {
        let fixture = GramFixture(GramFixture.random(rows: 20, columns: 5, seed: 1), ["product": .text("rows")])
        // Blocks of 8, 8 and 4 rows; 3 operations for each number of both factors of each of the six.
        let cells = 8 * 8 + 8 * 8 + 8 * 4 + 8 * 8 + 8 * 4 + 4 * 4
        let vectors = 16 + 16 + 12 + 16 + 12 + 8
        #expect(try fixture.drafts().reduce(0) { $0 + $1.flops } == Double(2 * 5 * cells + 3 * 5 * vectors))
    }
}

@Suite struct PrincipalComponentTests {
    /// Differences of neighbours: AᵀA has 2 on and -1 beside the diagonal, and sines as eigenvectors.
    @Test func componentsAreTheKnownOnes() throws {
        let n = 16
        let rows = (0...n).map { row in
            (0..<n).map { column -> Double in column == row ? 1 : column == row - 1 ? -1 : 0 }
        }
        let fixture = GramFixture(
            rows, ["centre": .text("none"), "components": .integer(4), "image_width": .integer(4)])
        let files = try fixture.answer()
        func table(_ name: String) throws -> [[String: String]] {
            SimilarityFixture.table(String(decoding: try #require(files[name]), as: UTF8.self))
        }
        let values = try table("eigenvalues.csv")
        #expect(values.count == n)
        var sum = 0.0
        for (index, line) in values.enumerated() {
            let expected = 2 - 2 * cos(Double(n - index) * .pi / Double(n + 1))
            #expect(abs(Double(line["eigenvalue"]!)! - expected) < 1e-13)
            #expect(abs(Double(line["share"]!)! - expected / Double(2 * n)) < 1e-14)
            sum += expected / Double(2 * n)
            #expect(abs(Double(line["cumulative"]!)! - sum) < 1e-13)
        }
        let vectors = try table("components.csv")
        for index in 0..<4 {
            let found = try vectors.map { try #require(Double($0["component_\(index + 1)"]!)) }
            let k = Double(n - index)
            let expected = (1...n).map { sin(Double($0) * k * .pi / Double(n + 1)) * (2 / Double(n + 1)).squareRoot() }
            let sign = zip(found, expected).reduce(0) { $0 + $1.0 * $1.1 } > 0 ? 1.0 : -1
            for (a, b) in zip(found, expected) { #expect(abs(a - sign * b) < 1e-12) }
        }
        let product = try #require(try GramTests.summary(files)["columns_product"] as? [String: Any])
        #expect(try #require(product["residual"] as? Double) < 1e-14)
        #expect(try #require(product["orthogonality"] as? Double) < 1e-14)
        #expect(product["trace"] as? Double == Double(2 * n) && product["divided_by"] as? Int == 1)
    }

    /// Everything lies on one line: one component holds all, and what is zero is no trouble.
    @Test func aLineHasOneComponent() throws {
        let rows = (0..<9).map { [Double($0), 2 * Double($0), 7, -2 * Double($0)] }
        let files = try GramFixture(rows, ["components": .integer(2), "image_width": .integer(2)]).answer()
        let product = try #require(try GramTests.summary(files)["columns_product"] as? [String: Any])
        let values = try #require(product["eigenvalues"] as? [Double])
        // The variance of 0 ... 8 is 7.5, and the direction (1, 2, 0, -2) has the square 9.
        #expect(abs(values[0] - 67.5) < 1e-12 && abs(values[1]) < 1e-12)
        let lines = SimilarityFixture.table(String(decoding: try #require(files["components.csv"]), as: UTF8.self))
        let first = lines.map { Double($0["component_1"]!)! }
        // Of the two largest elements either may be the positive one.
        let sign = first[0] > 0 ? 1.0 : -1
        for (a, b) in zip(first, [1.0 / 3, 2.0 / 3, 0, -2.0 / 3]) { #expect(abs(a - sign * b) < 1e-14) }
        #expect(files["components.svg"] != nil && files["spectrum.svg"] != nil && files["rows.svg"] == nil)
    }

    @Test func constantNumbersHaveNoVarianceAndStillAnAnswer() throws {
        let rows = [[Double]](repeating: [4, 4, 4], count: 5)
        let files = try GramFixture(rows, ["product": .text("both"), "image_width": .integer(3)]).answer()
        let text = String(decoding: try #require(files["eigenvalues.csv"]), as: UTF8.self)
        #expect(text == "component,eigenvalue,share,cumulative\n1,0.0,0.0,0.0\n2,0.0,0.0,0.0\n3,0.0,0.0,0.0\n")
        for name in ["components.svg", "spectrum.svg", "rows.svg"] {
            let picture = String(decoding: try #require(files[name]), as: UTF8.self)
            #expect(!picture.contains("nan") && !picture.contains("inf\""))
        }
    }
}
