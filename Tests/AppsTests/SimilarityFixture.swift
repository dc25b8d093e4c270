import Apps
import Bytes
import Domain
import Plugins
import Testing

/// A table of rows, and a project that compares them, through the app's public face only.
struct SimilarityFixture {
    var names: [String]
    /// Row by row.
    var rows: [[Double]]
    var parameters: [String: ParameterValue]
    var stepsPerUnit = 4
    var relativeTolerance: Double?
    var absoluteTolerance: Double?
    let app = AppCatalog.find("similarity")!

    init(_ rows: [[Double]], _ parameters: [String: ParameterValue] = [:]) {
        names = rows[0].indices.map { "c\($0)" }
        self.rows = rows
        self.parameters = parameters.merging(["block_rows": .integer(8)]) { given, _ in given }
    }

    /// Rows of normal deviates' poor relation: sums of three uniform numbers.
    static func random(rows: Int, columns: Int, seed: UInt64) -> [[Double]] {
        var draw = SeededGenerator(seed: seed)
        return (0..<rows).map { _ in
            (0..<columns).map { _ in (0..<3).reduce(0) { sum, _ in sum + Double.random(in: -1...1, using: &draw) } }
        }
    }

    var context: AppContext {
        let columns = names.indices.map { column in rows.map { $0[column] } }
        return AppContext(
            project: "test", title: "Test", parameters: parameters,
            inputs: InputSet(["table": .table(Table(names: names, columns: columns)!)]), stepsPerUnit: stepsPerUnit,
            flopsPerStep: nil, relativeTolerance: relativeTolerance, absoluteTolerance: absoluteTolerance)
    }

    func drafts() throws -> [UnitDraft] {
        var drafts: [UnitDraft] = []
        var cursor: [UInt8] = []
        while true {
            let step = try app.splitter.next(context, cursor: cursor, limit: 3)
            drafts += step.drafts
            cursor = step.cursor
            if step.finished { return drafts }
        }
    }

    func result(_ unit: Payload) throws -> Payload {
        var kernel = try app.kernel!.init(
            unit: unit, inputs: context.inputs, environment: KernelEnvironment(cachePath: nil))
        while try kernel.advance(budgetSeconds: 1) != .done {}
        return try kernel.result()
    }

    func check(_ result: Payload, _ unit: Payload, challenge: UInt64 = 1) -> CheckVerdict {
        app.validator.check(result, unit: unit, context: context, challenge: challenge)
    }

    /// Files of the answer by name.
    func answer() throws -> (files: [String: String], summary: [String]) {
        var assembler = try app.assembler.init(context: context)
        for draft in try drafts() { try assembler.add(result: try result(draft.payload), unit: draft.payload) }
        let answer = try assembler.finish()
        let files = answer.files.map { ($0.name, String(decoding: $0.bytes, as: UTF8.self)) }
        return (Dictionary(uniqueKeysWithValues: files), answer.summary)
    }

    /// What the splitter refuses, or nil.
    func refusal() -> String? {
        do throws(AppError) {
            _ = try app.splitter.next(context, cursor: [], limit: 1)
            return nil
        } catch {
            return error.description
        }
    }

    /// Rows of a CSV text as columns by name.
    static func table(_ text: String) -> [[String: String]] {
        let lines = text.split(separator: "\n")
        let names = lines[0].split(separator: ",").map(String.init)
        return lines.dropFirst().map { line in
            Dictionary(uniqueKeysWithValues: zip(names, line.split(separator: ",").map(String.init)))
        }
    }
}

/// Similarities written out by their definitions.
enum PlainSimilarity {
    static func value(_ measure: String, _ x: [Double], _ y: [Double]) -> Double {
        let isCentred = measure == "correlation" || measure == "covariance"
        let (a, b) = isCentred ? (centred(x), centred(y)) : (x, y)
        let dot = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
        switch measure {
        case "correlation", "cosine": return dot / (norm(a) * norm(b))
        case "covariance": return dot / Double(x.count - 1)
        default: return dot
        }
    }

    private static func centred(_ x: [Double]) -> [Double] {
        let mean = x.reduce(0, +) / Double(x.count)
        return x.map { $0 - mean }
    }

    private static func norm(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
}
