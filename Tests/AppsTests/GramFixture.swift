import Apps
import Bytes
import Domain
import Foundation
import Plugins
import Testing

/// A matrix as a file, and a project that multiplies it, through the app's public face only.
struct GramFixture {
    var file: [UInt8]
    var parameters: [String: ParameterValue]
    var stepsPerUnit = 2
    var relativeTolerance: Double?
    var absoluteTolerance: Double?
    /// Whether the file is read in pieces, as one of gigabytes is.
    var isRaw = false
    let app = AppCatalog.find("gram")!

    /// - Parameter parameters: what differs from blocks of 8.
    init(file: [UInt8], _ parameters: [String: ParameterValue] = [:]) {
        self.file = file
        self.parameters = parameters.merging(["block_rows": .integer(8), "components": .integer(3)]) { given, _ in given
        }
    }

    init(_ rows: [[Double]], _ parameters: [String: ParameterValue] = [:]) {
        self.init(file: Npy.file("<f8", rows) { LittleEndian.bytes(of: [$0]) }, parameters)
    }

    /// Numbers with a mean that is not zero.
    static func random(rows: Int, columns: Int, seed: UInt64) -> [[Double]] {
        var draw = SeededGenerator(seed: seed)
        return (0..<rows).map { _ in (0..<columns).map { Double($0) / 7 + Double.random(in: -1...1, using: &draw) } }
    }

    private var content: InputSet.Content {
        guard isRaw else { return .bytes(file) }
        let raw = RawInput(digest: SHA256Hash.digest(of: file), size: Int64(file.count)) { [file] offset, buffer in
            buffer.copyBytes(from: file[Int(offset)..<Int(offset) + buffer.count])
        }
        return .raw(raw)
    }

    var context: AppContext {
        AppContext(
            project: "test", title: "Test", parameters: parameters, inputs: InputSet(["matrix": content]),
            stepsPerUnit: stepsPerUnit, flopsPerStep: nil, relativeTolerance: relativeTolerance,
            absoluteTolerance: absoluteTolerance)
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

    func kernel(_ unit: Payload) throws -> any Kernel {
        try app.kernel!.init(unit: unit, inputs: context.inputs, environment: KernelEnvironment(cachePath: nil))
    }

    func result(_ unit: Payload) throws -> Payload {
        var kernel = try kernel(unit)
        while try kernel.advance(budgetSeconds: 1) != .done {}
        return try kernel.result()
    }

    func check(_ result: Payload, _ unit: Payload, challenge: UInt64 = 1) -> CheckVerdict {
        app.validator.check(result, unit: unit, context: context, challenge: challenge)
    }

    func compare(_ a: Payload, _ b: Payload, _ unit: Payload) -> Agreement {
        app.validator.compare(a, b, unit: unit, context: context)
    }

    /// The answer's files by name. - Parameter order: of the units; nil: as they were cut.
    func answer(order: ([UnitDraft]) -> [UnitDraft] = { $0 }) throws -> [String: [UInt8]] {
        var assembler = try app.assembler.init(context: context)
        for draft in order(try drafts()) { try assembler.add(result: try result(draft.payload), unit: draft.payload) }
        let answer = try assembler.finish()
        #expect(!answer.summary.isEmpty)
        return Dictionary(uniqueKeysWithValues: answer.files.map { ($0.name, $0.bytes) })
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
}

/// Files as NumPy writes them, written here a second time.
enum Npy {
    /// - Parameter number: the bytes of one number.
    static func file(
        _ type: String, _ rows: [[Double]], byColumns: Bool = false, version: UInt8 = 1, number: (Double) -> [UInt8]
    ) -> [UInt8] {
        let (height, width) = (rows.count, rows[0].count)
        let values = byColumns ? (0..<width).flatMap { c in rows.map { $0[c] } } : rows.flatMap { $0 }
        let shape = "(\(height), \(width))"
        return file(
            "{'descr': '\(type)', 'fortran_order': \(byColumns ? "True" : "False"), 'shape': \(shape), }", version)
            + values.flatMap(number)
    }

    /// Only the header.
    static func file(_ dictionary: String, _ version: UInt8 = 1) -> [UInt8] {
        let prefix = version == 1 ? 10 : 12
        let text = dictionary + String(repeating: " ", count: 63 - (prefix + dictionary.utf8.count) % 64) + "\n"
        let count = text.utf8.count
        let length = [UInt8(count & 255), UInt8(count >> 8)] + (version == 1 ? [] : [0, 0])
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(text.utf8)
    }

    /// The numbers of a file of doubles, row after row, with its shape as text.
    static func read(_ bytes: [UInt8]) throws -> (shape: String, values: [Double]) {
        let length = Int(bytes[8]) | Int(bytes[9]) << 8
        let header = String(decoding: bytes[10..<10 + length], as: UTF8.self)
        #expect(header.contains("'descr': '<f8'") && header.contains("'fortran_order': False"))
        #expect((10 + length) % 64 == 0)
        let shape = header.split(separator: "(")[1].prefix { $0 != ")" }
        return (String(shape), try #require(LittleEndian.doubles(from: Array(bytes[(10 + length)...]))))
    }
}

/// Products written out by their definitions.
enum PlainProduct {
    static func centred(_ rows: [[Double]]) -> [[Double]] {
        let means = rows[0].indices.map { column in rows.reduce(0) { $0 + $1[column] } / Double(rows.count) }
        return rows.map { row in row.indices.map { row[$0] - means[$0] } }
    }

    static func transposed(_ rows: [[Double]]) -> [[Double]] {
        rows[0].indices.map { column in rows.map { $0[column] } }
    }

    /// All vectors with all vectors, by the plainest sums.
    static func gram(_ vectors: [[Double]]) -> [[Double]] {
        vectors.map { a in
            vectors.map { b in
                var sum = 0.0
                for at in a.indices { sum += a[at] * b[at] }
                return sum
            }
        }
    }
}
