import Apps
import Bytes
import Domain
import Plugins
import Testing

/// The numbers of a recipe, drawn one after another.
enum PlainSynthetic {
    static func row(_ row: Int, columns: Int, seed: UInt64) -> [Double] {
        var generator = SeededGenerator(seed: seed)
        let draws = (columns + 3) / 4
        for _ in 0..<row * draws { _ = generator.next() }
        let words = (0..<draws).flatMap { _ -> [UInt16] in
            let draw = generator.next()
            return (0..<4).map { UInt16(truncatingIfNeeded: draw >> (16 * $0)) }
        }
        return words.prefix(columns).map { Double(Int16(bitPattern: $0)) / 32768 }
    }
}

@Suite struct MatrixInputTests {
    private static let small = (0..<5).map { row in (0..<3).map { Double(row * 3 + $0 * $0) } }

    private func products(_ file: [UInt8], _ product: String = "rows", isRaw: Bool = false) throws -> [Double] {
        var fixture = GramFixture(file: file, ["product": .text(product), "centre": .text("none")])
        fixture.isRaw = isRaw
        return try fixture.result(try #require(try fixture.drafts().first).payload).reals("products")
    }

    /// Every type that NumPy may have saved, in both orders, gives the same product.
    @Test func allTypesAndOrdersAreRead() throws {
        func word<T: FixedWidthInteger>(_ type: T.Type) -> (Double) -> [UInt8] {
            { value in withUnsafeBytes(of: T(value).littleEndian) { Array($0) } }
        }
        let kinds: [(String, (Double) -> [UInt8])] = [
            ("|u1", word(UInt8.self)), ("|i1", word(Int8.self)), ("<u2", word(UInt16.self)), ("<i2", word(Int16.self)),
            ("<u4", word(UInt32.self)), ("<i4", word(Int32.self)), ("<f4", { LittleEndian.bytes(of: [Float($0)]) }),
            ("<f8", { LittleEndian.bytes(of: [$0]) }),
        ]
        let rows = PlainProduct.gram(Self.small).flatMap { $0 }
        let columns = PlainProduct.gram(PlainProduct.transposed(Self.small)).flatMap { $0 }
        for (type, number) in kinds {
            for (byColumns, version) in [(false, 1), (true, 2), (false, 3)] as [(Bool, UInt8)] {
                let file = Npy.file(type, Self.small, byColumns: byColumns, version: version, number: number)
                for isRaw in [false, true] {
                    #expect(try products(file, isRaw: isRaw) == rows, "\(type)")
                    #expect(try products(file, "columns", isRaw: isRaw) == columns, "\(type)")
                }
            }
        }
    }

    /// More than one piece of a mebibyte, with means and several blocks.
    @Test func aLargeFileReadInPiecesGivesTheSame() throws {
        for byColumns in [false, true] {
            let rows = GramFixture.random(rows: 40, columns: 6000, seed: 9)
            let file = Npy.file("<f8", rows, byColumns: byColumns) { LittleEndian.bytes(of: [$0]) }
            func results(isRaw: Bool) throws -> [Payload] {
                var fixture = GramFixture(file: file, ["product": .text("rows"), "block_rows": .integer(16)])
                fixture.isRaw = isRaw
                return try fixture.drafts().map { try fixture.result($0.payload) }
            }
            #expect(try results(isRaw: true) == results(isRaw: false))
        }
    }

    @Test func aRawFileMustBeWhole() throws {
        let file = Npy.file("|u1", [[1, 2], [3, 4]]) { [UInt8($0)] }
        for bytes in [Array(file.dropLast()), file + [0], Array(file.prefix(5)), []] {
            var fixture = GramFixture(file: bytes, ["product": .text("rows")])
            fixture.isRaw = true
            #expect(fixture.refusal()?.hasPrefix("input: matrix: ") == true)
        }
    }

    @Test func negativeNumbersKeepTheirSign() throws {
        let rows = [[-1.0, 2], [3, -128]]
        let byte = Npy.file("|i1", rows) { [UInt8(bitPattern: Int8($0))] }
        #expect(try products(byte) == [5, -259, -259, 16393])
    }

    /// Numbers follow from their place alone: a part of the matrix is the part of the whole.
    @Test func aRecipeGivesTheDrawsOfItsSeed() throws {
        let recipe = Array("synthetic rows=19 columns=11 seed=42".utf8)
        let rows = (0..<19).map { PlainSynthetic.row($0, columns: 11, seed: 42) }
        #expect(Set(rows.flatMap { $0 }).count > 190)
        let expected = ["rows": PlainProduct.gram(rows), "columns": PlainProduct.gram(PlainProduct.transposed(rows))]
        for (product, truth) in expected {
            let fixture = GramFixture(file: recipe, ["product": .text(product), "centre": .text("none")])
            for draft in try fixture.drafts() {
                let result = try fixture.result(draft.payload)
                #expect(fixture.check(result, draft.payload) == .proven)
                // Exact sums: the last number of the product bit for bit, whatever the order.
                if draft == (try fixture.drafts().last) {
                    #expect(result.reals("products").last == truth.last?.last)
                }
            }
            let answer = try fixture.answer()
            #expect(answer["rows.csv"] == nil || product == "rows")
        }
        let spread = rows.flatMap { $0 }
        #expect(abs(spread.reduce(0, +)) / Double(spread.count) < 0.15)
    }

    @Test func bytesThatAreNoMatrixAreNamed() {
        func refusal(_ file: [UInt8]) -> String { GramFixture(file: file).refusal() ?? "nothing" }
        let good = Npy.file("|u1", Self.small) { [UInt8($0)] }
        #expect(refusal(good) == "nothing")
        let dictionary = "{'descr': '|u1', 'fortran_order': False, 'shape': (5, 3), }"
        let numbers = [UInt8](repeating: 1, count: 15)
        #expect(refusal(Npy.file(dictionary) + numbers) == "nothing")
        #expect(refusal(Npy.file(dictionary) + numbers + [1]).contains("16 bytes of numbers; expected: 15 for 5 x 3"))
        #expect(refusal(Array(good.dropLast())).contains("14 bytes of numbers; expected: 15"))
        #expect(refusal(Array(good.prefix(40))).contains("header is damaged"))
        #expect(refusal(Array(good.prefix(11))).contains("no .npy file of version"))
        var later = good
        later[6] = 4
        #expect(refusal(later).contains("no .npy file of version"))
        func changed(_ from: String, _ to: String) -> String {
            refusal(Npy.file(dictionary.replacing(from, with: to)) + numbers)
        }
        #expect(changed("|u1", ">f8").contains("type `>f8` cannot be read; expected: one of |u1, |i1"))
        #expect(changed("|u1", "|O").contains("type `|O` cannot be read"))
        #expect(changed("(5, 3)", "(5, 3, 1)").contains("3 dimensions; expected: a matrix"))
        #expect(changed("(5, 3)", "(5, -3)").contains("5 x -3 numbers; expected"))
        #expect(changed("(5, 3)", "(0, 3)").contains("0 x 3 numbers; expected"))
        #expect(changed("(5, 3)", "(99999999999, 3)").contains("expected: 1 to 16777216 rows"))
        #expect(changed("(5, 3)", "(x, 3)").contains("header is damaged"))
        #expect(changed("False", "Maybe").contains("header is damaged"))
        #expect(changed("'descr'", "'type'").contains("header is damaged"))
        for text in [
            "", "hello", "synthetic", "synthetic rows=3 columns=3", "synthetic rows=3 columns=3 seed=-1",
            "synthetic rows=3 columns=3 seed=1 seed=1", "synthetic rows=3 columns=3 seed=1 more=1",
            "synthetic rows = 3 columns=3 seed=1",
            "synthetic rows=3 columns=3 seed=1" + String(repeating: " ", count: 200),
        ] {
            #expect(refusal(Array(text.utf8)).contains("expected: `synthetic rows=N columns=N seed=N`"), "\(text)")
        }
        #expect(refusal(Array("synthetic rows=0 columns=3 seed=1".utf8)).contains("0 x 3 numbers"))
        #expect(refusal(Array("synthetic rows=3 columns=18446744073709551615 seed=1".utf8)).contains("expected: 1 to"))
    }

    @Test func faultsAreReportedTogetherWithTheirPlace() throws {
        var rows = GramFixture.random(rows: 12, columns: 6, seed: 5)
        func refusal(_ parameters: [String: ParameterValue]) -> String {
            GramFixture(rows, parameters).refusal() ?? "nothing"
        }
        #expect(refusal([:]) == "nothing")
        #expect(refusal(["components": .integer(7)]).contains("parameter components: 7 are too many for 6 columns"))
        #expect(refusal(["components": .integer(7), "product": .text("rows")]) == "nothing")
        #expect(refusal(["image_width": .integer(4)]).contains("parameter image_width: 6 columns make no lines of 4"))
        #expect(
            refusal(["product": .text("all")]).contains("`all` is no product; expected: one of columns, rows, both"))
        #expect(refusal(["centre": .integer(1)]).contains("parameter centre: the value has another type"))
        #expect(refusal(["block_rows": .integer(3000)]).contains("parameter block_rows: the value is out of range"))
        rows[7][2] = .infinity
        let text = refusal(["components": .integer(0), "image_width": .integer(5)])
        for part in ["components: the value", "row 8, column 3 is not a finite", "image_width: 6 columns"] {
            #expect(text.contains(part), "\(text)")
        }
        rows[7][2] = -1e101
        #expect(refusal([:]).contains("row 8, column 3 is not a finite one of at most 1e100"))
        rows = [rows[0]]
        #expect(refusal([:]).contains("1 row has no covariance"))
        #expect(refusal(["centre": .text("none")]) == "nothing")
    }

    @Test func whatFitsNowhereIsRefused() throws {
        func refusal(_ recipe: String, _ parameters: [String: ParameterValue], steps: Int = 1) -> String {
            var fixture = GramFixture(file: Array(recipe.utf8), parameters)
            fixture.stepsPerUnit = steps
            return fixture.refusal() ?? "nothing"
        }
        let tall = "synthetic rows=5000 columns=30 seed=1"
        let large: [String: ParameterValue] = ["product": .text("rows"), "block_rows": .integer(2500)]
        #expect(refusal(tall, large) == "nothing")
        #expect(refusal(tall, large, steps: 2).contains("do not fit into a result"))
        let wide = "synthetic rows=3000 columns=50000 seed=1"
        #expect(refusal(wide, large) == "nothing")
        let wider = "synthetic rows=30 columns=70000 seed=1"
        #expect(refusal(wider, large).contains("means of 70000 columns do not fit into a work unit"))
        #expect(refusal(wider, ["product": .text("rows"), "centre": .text("none")]) == "nothing")
        #expect(refusal(wide, ["product": .text("both")]).contains("does not fit into the answer; expected: `rows`"))
    }

    /// A matrix that is not the one of the unit, and one with a number that cannot be multiplied.
    @Test func unitsOfOtherMatricesDoNotRun() throws {
        let fixture = GramFixture(GramFixture.random(rows: 12, columns: 6, seed: 5))
        let unit = try fixture.drafts()[0].payload
        var other = GramFixture(GramFixture.random(rows: 11, columns: 6, seed: 5))
        #expect(throws: AppError.badInput("matrix: 11 x 6 numbers, the work unit is for 12 x 6")) {
            try other.kernel(unit)
        }
        var rows = GramFixture.random(rows: 12, columns: 6, seed: 5)
        rows[3][1] = .nan
        other = GramFixture(rows)
        #expect(throws: AppError.self) { try other.result(unit) }
        #expect(throws: AppError.badInput("matrix: the matrix is missing")) {
            try fixture.app.kernel!.init(
                unit: unit, inputs: InputSet([:]), environment: KernelEnvironment(cachePath: nil))
        }
    }
}
