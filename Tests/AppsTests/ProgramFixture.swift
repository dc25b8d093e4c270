import Apps
import Domain
import Plugins
import Testing

/// A project with its own program, through the apps' public face only.
struct ProgramFixture {
    var parameters: [String: ParameterValue] = ["steps": .integer(25), "rows": .text("")]
    var inputs = InputSet([:])
    var stepsPerUnit = 10
    var results = [
        ProgramResult(file: "sums.csv", joining: .csv), ProgramResult(file: "log.txt", isOptional: true),
    ]
    var app = ProgramApps.executable

    var context: AppContext {
        AppContext(
            project: "test", title: "Test", parameters: parameters, inputs: inputs, stepsPerUnit: stepsPerUnit,
            flopsPerStep: 1e6, relativeTolerance: nil, absoluteTolerance: nil,
            program: ProjectProgram(
                releases: "releases", name: "solver", version: "1.0", arguments: [], fuel: 0, results: results))
    }

    func drafts(limit: Int = 1000) throws -> [UnitDraft] {
        var drafts: [UnitDraft] = []
        var cursor: [UInt8] = []
        for _ in 0..<10_000 {
            let step = try app.splitter.next(context, cursor: cursor, limit: limit)
            #expect(step.drafts.count <= limit)
            drafts += step.drafts
            cursor = step.cursor
            if step.finished { return drafts }
        }
        Issue.record("the splitter never finishes")
        return drafts
    }

    static func result(_ files: [(String, String)]) -> Payload {
        Payload(sections: files.map { PayloadSection(name: $0.0, kind: .bytes, bytes: Array($0.1.utf8)) })
    }

    func answer(_ results: [Payload]) throws -> Answer {
        var assembler = try app.assembler.init(context: context)
        for (draft, result) in zip(try drafts(), results) { try assembler.add(result: result, unit: draft.payload) }
        return try assembler.finish()
    }
}

extension Payload {
    func text(_ name: String) -> String? { self[name].map { String(decoding: $0.bytes, as: UTF8.self) } }
}
