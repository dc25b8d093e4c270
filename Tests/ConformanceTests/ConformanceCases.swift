import Apps
import Bytes
import Domain
import Foundation
import Plugins
import Testing

/// An app with a small piece of work.
struct ConformanceCase: Sendable, CustomTestStringConvertible {
    let app: AppDescriptor
    let context: AppContext
    /// Folder under `projects` whose `golden/conformance.txt` holds the first unit's result.
    let project: String

    var testDescription: String { app.schema.name }

    /// One for each app of the catalogue that has a kernel; AppsTests has those that run a project's own program.
    static let all: [ConformanceCase] = AppCatalog.all.filter { $0.kernel != nil }.map { app in
        guard let make = makers[app.schema.name] else { fatalError("no conformance case for \(app.schema.name)") }
        return make(app)
    }

    private static let makers: [String: @Sendable (AppDescriptor) -> ConformanceCase] = [
        "gamma-pulsar": gammaPulsar,
        "similarity": similarity,
        "gram": gram,
    ]

    /// 400 photons with every fourth one on a pulse of 3.21 Hz.
    private static func gammaPulsar(_ app: AppDescriptor) -> ConformanceCase {
        var draw = SeededGenerator(seed: 4)
        let times = (0..<400).map { index -> Double in
            let time = Double.random(in: 0..<100_000, using: &draw)
            return index % 4 == 0 ? (time * 3.21).rounded() / 3.21 : time
        }
        let weights = times.map { _ in Double.random(in: 0.3...1, using: &draw) }
        let table = Table(names: ["time_s", "weight"], columns: [times, weights])!
        let parameters: [String: ParameterValue] = [
            "frequency_min_hz": .real(2), "frequency_max_hz": .real(6), "band_width_hz": .real(2),
            "lag_window_s": .real(2048), "f1_over_f": .reals([0, -1e-9, -2e-9, -3e-9, -4e-9]),
            "candidates": .integer(8),
        ]
        return ConformanceCase(
            app: app,
            context: AppContext(
                project: "conformance", title: "Conformance", parameters: parameters,
                inputs: InputSet(["photons": .table(table)]), stepsPerUnit: 3, flopsPerStep: nil,
                relativeTolerance: nil, absoluteTolerance: nil),
            project: "gamma-pulsar")
    }

    /// 25 rows of 6 numbers in three kinds: four blocks along a side, the last one of a single row.
    private static func similarity(_ app: AppDescriptor) -> ConformanceCase {
        var draw = SeededGenerator(seed: 7)
        let kinds = (0..<25).map { Double($0 % 3) }
        let columns = (0..<6).map { column in
            kinds.map { sin(Double(column) * ($0 + 1)) + Double.random(in: -0.5...0.5, using: &draw) }
        }
        let table = Table(names: (0..<6).map { "x\($0)" } + ["kind"], columns: columns + [kinds])!
        let parameters: [String: ParameterValue] = [
            "measure": .text("correlation"), "block_rows": .integer(8), "neighbours": .integer(3),
            "strongest": .integer(10), "label_column": .text("kind"),
        ]
        return ConformanceCase(
            app: app,
            context: AppContext(
                project: "conformance", title: "Conformance", parameters: parameters,
                inputs: InputSet(["table": .table(table)]), stepsPerUnit: 3, flopsPerStep: nil,
                relativeTolerance: nil, absoluteTolerance: nil),
            project: "digit-neighbours")
    }

    /// 21 rows of 13 numbers, both products: two and three blocks along a side, the last ones smaller.
    private static func gram(_ app: AppDescriptor) -> ConformanceCase {
        let parameters: [String: ParameterValue] = [
            "product": .text("both"), "centre": .text("mean"), "block_rows": .integer(8), "components": .integer(4),
            "image_width": .integer(13),
        ]
        return ConformanceCase(
            app: app,
            context: AppContext(
                project: "conformance", title: "Conformance", parameters: parameters,
                inputs: InputSet(["matrix": .bytes(Array("synthetic rows=21 columns=13 seed=7".utf8))]),
                stepsPerUnit: 3, flopsPerStep: nil, relativeTolerance: nil, absoluteTolerance: nil),
            project: "gram-matrix")
    }

    /// All drafts, `limit` at a time.
    func drafts(limit: Int) throws -> [UnitDraft] {
        var drafts: [UnitDraft] = []
        var cursor: [UInt8] = []
        for _ in 0..<10_000 {
            let step = try app.splitter.next(context, cursor: cursor, limit: limit)
            drafts += step.drafts
            cursor = step.cursor
            if step.finished { return drafts }
        }
        Issue.record("the splitter never finishes")
        return drafts
    }

    func kernel(_ unit: Payload) throws -> any Kernel {
        try #require(app.kernel).init(
            unit: unit, inputs: context.inputs, environment: KernelEnvironment(cachePath: nil))
    }

    func result(_ unit: Payload) throws -> Payload {
        var kernel = try kernel(unit)
        while try kernel.advance(budgetSeconds: 5) != .done {}
        return try kernel.result()
    }

    func firstUnit() throws -> Payload { try #require(try drafts(limit: 1).first).payload }
}

/// A result as text: a line for each section with its name, kind and the bytes in hexadecimal.
enum GoldenFile {
    static func url(_ project: String) -> URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "projects/\(project)/golden/conformance.txt")
    }

    static func text(_ payload: Payload) -> String {
        payload.sections.map { "\($0.name) \($0.kind.rawValue) \(Hex.encode($0.bytes))\n" }.joined()
    }

    static func payload(_ text: String) throws -> Payload {
        Payload(
            sections: try text.split(separator: "\n").map { line in
                let fields = line.split(separator: " ", omittingEmptySubsequences: false)
                return PayloadSection(
                    name: String(fields[0]), kind: try #require(Int(fields[1]).flatMap(PayloadSection.Kind.init)),
                    bytes: try #require(Hex.decode(String(fields[2]))))
            })
    }
}
