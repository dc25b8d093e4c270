import Apps
import Bytes
import Domain
import Foundation
import Plugins
import Testing

/// A photon table of a test.
struct PhotonTable {
    var times: [Double]
    var weights: [Double]

    /// `photons.csv` of a project.
    static func project(_ name: String) throws -> PhotonTable {
        let rows = try text("projects/\(name)/input/photons.csv").split(separator: "\n").dropFirst()
        var table = PhotonTable(times: [], weights: [])
        for row in rows {
            let fields = row.split(separator: ",")
            table.times.append(try #require(Double(fields[0])))
            table.weights.append(try #require(Double(fields[1])))
        }
        return table
    }

    /// Photons at random times.
    static func random(seed: UInt64, count: Int, span: Double) -> PhotonTable {
        var draw = SeededGenerator(seed: seed)
        let times = (0..<count).map { _ in Double.random(in: 0..<span, using: &draw) }.sorted()
        return PhotonTable(times: times, weights: times.map { _ in Double.random(in: 0.2...1, using: &draw) })
    }

    static func text(_ path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Expected values of a project: name to value and tolerance.
    static func golden(_ project: String) throws -> [String: (value: Double, tolerance: Double)] {
        var out: [String: (value: Double, tolerance: Double)] = [:]
        for line in try text("projects/\(project)/golden/expected.csv").split(separator: "\n").dropFirst() {
            let fields = line.split(separator: ",")
            out[String(fields[0])] = (try #require(Double(fields[1])), try #require(Double(fields[2])))
        }
        return out
    }

    var inputs: InputSet {
        InputSet(["photons": .table(Table(names: ["time_s", "weight"], columns: [times, weights])!)])
    }

    var meanTime: Double { times.reduce(0, +) / Double(times.count) }

    /// Times moved by up to 50 ms: no fast pulsar is left.
    func scrambled(seed: UInt64) -> PhotonTable {
        var draw = SeededGenerator(seed: seed)
        var out = self
        out.times = times.map { $0 + Double.random(in: -0.05...0.05, using: &draw) }
        return out
    }

    /// Pairs closer than `window`: lag, mean time after the table's mean time, weight.
    func pairs(within window: Double) -> [(lag: Double, middle: Double, weight: Double)] {
        let order = times.indices.sorted { times[$0] < times[$1] }
        let reference = meanTime
        var pairs: [(lag: Double, middle: Double, weight: Double)] = []
        for (place, i) in order.enumerated() {
            for j in order[(place + 1)...] {
                let lag = times[j] - times[i]
                if lag >= window { break }
                pairs.append((lag, 0.5 * (times[i] + times[j]) - reference, weights[i] * weights[j]))
            }
        }
        return pairs
    }
}

/// Sums written out: what the search claims to compute.
struct PlainSearch {
    let pairs: [(lag: Double, middle: Double, weight: Double)]

    func power(_ frequency: Double, ratio: Double = 0) -> Double {
        pairs.reduce(0) { sum, pair in
            let turns = frequency * pair.lag * (1 + ratio * pair.middle)
            return sum + pair.weight * cos(2 * .pi * (turns - turns.rounded()))
        }
    }

    var noise: Double { (pairs.reduce(0) { $0 + $1.weight * $1.weight } / 2).squareRoot() }
}

/// A search through the app's public face only.
struct TestSearch {
    var context: AppContext
    let app = AppCatalog.find("gamma-pulsar")!

    init(_ table: PhotonTable, _ parameters: [String: ParameterValue], stepsPerUnit: Int = 1000) {
        context = AppContext(
            project: "test", title: "Test", parameters: parameters, inputs: table.inputs, stepsPerUnit: stepsPerUnit,
            flopsPerStep: nil, relativeTolerance: nil, absoluteTolerance: nil)
    }

    func drafts(limit: Int = 3) throws -> [UnitDraft] {
        var drafts: [UnitDraft] = []
        var cursor: [UInt8] = []
        while true {
            let step = try app.splitter.next(context, cursor: cursor, limit: limit)
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
        while try kernel.advance(budgetSeconds: 10) != .done {}
        return try kernel.result()
    }

    func answer() throws -> TestAnswer {
        var assembler = try app.assembler.init(context: context)
        for draft in try drafts() { try assembler.add(result: try result(draft.payload), unit: draft.payload) }
        return try TestAnswer(assembler.finish())
    }
}

/// The files of an answer, read back.
struct TestAnswer: Sendable {
    let answer: Answer
    /// Rows of candidates.csv by column name.
    let rows: [[String: String]]

    init(_ answer: Answer) throws {
        self.answer = answer
        let csv = try #require(answer.files.first { $0.name == "candidates.csv" })
        let lines = String(decoding: csv.bytes, as: UTF8.self).split(separator: "\n")
        let names = lines[0].split(separator: ",").map(String.init)
        rows = lines.dropFirst().map { line in
            let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            return Dictionary(uniqueKeysWithValues: zip(names, fields))
        }
    }

    /// summary.json; empty when it is not a JSON object.
    var summary: [String: Any] {
        let bytes = answer.files.first { $0.name == "summary.json" }?.bytes ?? []
        return (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any] ?? [:]
    }

    var isDetection: Bool { summary["detection"] as? Bool ?? false }
    var winner: [String: Any] { summary["winner"] as? [String: Any] ?? [:] }
    var winnerFrequency: Double { winner["frequency_hz"] as? Double ?? .nan }
    var winnerSigma: Double { winner["sigma"] as? Double ?? .nan }
    func file(_ name: String) -> String? {
        answer.files.first { $0.name == name }.map { String(decoding: $0.bytes, as: UTF8.self) }
    }
}

extension Payload {
    func reals(_ name: String) -> [Double] { self[name].flatMap { LittleEndian.doubles(from: $0.bytes) } ?? [] }

    /// A copy with one section's numbers changed.
    func changing(_ name: String, _ change: (inout [Double]) -> Void) -> Payload {
        var copy = self
        for index in copy.sections.indices where copy.sections[index].name == name {
            var values = reals(name)
            change(&values)
            copy.sections[index].bytes = LittleEndian.bytes(of: values)
        }
        return copy
    }

    func changingAll(_ names: [String], _ change: (inout [Double]) -> Void) -> Payload {
        names.reduce(self) { $0.changing($1, change) }
    }

    static let candidateColumns = [
        "candidates.frequency", "candidates.ratio", "candidates.power", "candidates.sigma",
    ]
}
