import Apps
import Bytes
import Domain
import Foundation
import Plugins
import Testing
import Wire

/// The matrix of `projects/gram-matrix`, with the figures that NumPy gives (`input/prepare.py --figures`).
@Suite struct GramDigitTests {
    private static func file() throws -> [UInt8] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let packed = try Data(contentsOf: root.appending(path: "projects/gram-matrix/input/digits.npy.zst"))
        return try ZstdFile.unpack(Array(packed), limit: Limits.plainInputBytesMax)
    }

    private static func answer(_ fixture: GramFixture) throws -> [String: [UInt8]] {
        var assembler = try fixture.app.assembler.init(context: fixture.context)
        for draft in try fixture.drafts() {
            let result = try fixture.result(draft.payload)
            #expect(fixture.check(result, draft.payload, challenge: 9) == .proven)
            try assembler.add(result: result, unit: draft.payload)
        }
        return Dictionary(uniqueKeysWithValues: try assembler.finish().files.map { ($0.name, $0.bytes) })
    }

    private static func expect(_ found: [String: Double], ofGroup prefix: String) throws {
        let golden = try PhotonTable.golden("gram-matrix").filter { $0.key.hasPrefix(prefix) }
        #expect(golden.count == found.count && !found.isEmpty)
        for (name, expected) in golden {
            let value = try #require(found[name], "\(name) is missing")
            #expect(abs(value - expected.value) <= expected.tolerance, "\(name): \(value)")
        }
    }

    /// All 5,000 digits: covariance of the 784 pixels, and the eigen-digits.
    @Test func theCovarianceIsThatOfNumPy() throws {
        let fixture = GramFixture(
            file: try Self.file(),
            ["block_rows": .integer(784), "components": .integer(20), "image_width": .integer(28)])
        let files = try Self.answer(fixture)
        let product = try #require(try GramTests.summary(files)["columns_product"] as? [String: Any])
        let values = try #require(product["eigenvalues"] as? [Double])
        let vectors = SimilarityFixture.table(String(decoding: try #require(files["components.csv"]), as: UTF8.self))
        func element(_ component: Int, _ pixel: Int) throws -> Double {
            abs(try #require(Double(vectors[pixel]["component_\(component)"]!)))
        }
        let matrix = try Npy.read(try #require(files["covariance.npy"]))
        #expect(matrix.shape == "784, 784")
        try Self.expect(
            [
                "columns_trace": try #require(product["trace"] as? Double),
                "columns_frobenius_norm": try #require(product["frobenius_norm"] as? Double),
                "columns_explained": try #require(product["explained"] as? Double),
                "columns_eigenvalue_1": values[0], "columns_eigenvalue_2": values[1],
                "columns_eigenvalue_20": values[19],
                "columns_element_407_435": matrix.values[406 * 784 + 434],
                "columns_component_1_pixel_407": try element(1, 406),
                "columns_component_20_pixel_407": try element(20, 406),
            ], ofGroup: "columns")
        #expect(try #require(product["residual"] as? Double) < 1e-13)
        #expect(try #require(product["orthogonality"] as? Double) < 1e-13)
        #expect(try #require(files["components.svg"]).count < 600_000)
    }

    /// Every tenth digit with every tenth digit.
    @Test func theGramMatrixOfASliceIsThatOfNumPy() throws {
        let whole = try Self.file()
        let slice =
            Npy.file("{'descr': '|u1', 'fortran_order': False, 'shape': (500, 784), }")
            + (0..<500).flatMap { whole[128 + $0 * 7840..<128 + $0 * 7840 + 784] }
        var fixture = GramFixture(file: slice, ["product": .text("rows"), "block_rows": .integer(128)])
        fixture.stepsPerUnit = 3
        let files = try Self.answer(fixture)
        let product = try #require(try GramTests.summary(files)["rows_product"] as? [String: Any])
        let lines = SimilarityFixture.table(String(decoding: try #require(files["rows.csv"]), as: UTF8.self))
        try Self.expect(
            [
                "rows_trace": try #require(product["trace"] as? Double),
                "rows_frobenius_norm": try #require(product["frobenius_norm"] as? Double),
                "rows_square_500": try #require(Double(lines[499]["square"]!)),
                "rows_norm_1": try #require(Double(lines[0]["norm"]!)),
                "rows_norm_500": try #require(Double(lines[499]["norm"]!)),
            ], ofGroup: "rows")
    }
}
