import Apps
import Bytes
import Domain
import Foundation
import Plugins
import Testing

/// How the work of a project's own program is cut, and how its results are judged.
@Suite struct ProgramAppTests {
    @Test func bothAppsAreInTheCatalogueAndHaveNoKernel() throws {
        for name in ["executable", "wasm"] {
            let app = try #require(AppCatalog.find(name))
            #expect(app.kernel == nil && app.schema.program?.rawValue == name)
        }
        #expect(AppCatalog.all.count { $0.kernel == nil } == 2)
    }

    // MARK: Cutting

    @Test func stepsAreCutIntoRuns() throws {
        let drafts = try ProgramFixture().drafts()
        #expect(drafts.map(\.label) == ["steps-00-09", "steps-10-19", "steps-20-24"])
        #expect(drafts.map(\.flops) == [1e7, 1e7, 5e6])
        #expect(drafts.allSatisfy { $0.payload.sections.map(\.name) == ["parameters.json"] })
    }

    /// Every total and size up to 12: each step once, in order, whatever the size of a call.
    @Test func everyStepIsInOneUnit() throws {
        for total in 1...12 {
            for size in 1...13 {
                var fixture = ProgramFixture()
                fixture.parameters["steps"] = .integer(Int64(total))
                fixture.stepsPerUnit = size
                let drafts = try fixture.drafts()
                for limit in 1...3 { #expect(try fixture.drafts(limit: limit) == drafts) }
                var next = 0
                for draft in drafts {
                    let unit = try Self.description(draft)
                    #expect(unit["first"] as? Int == next && unit["label"] as? String == draft.label)
                    next += try #require(unit["count"] as? Int)
                }
                #expect(next == total && Set(drafts.map(\.label)).count == drafts.count)
                #expect(drafts.map(\.label) == drafts.map(\.label).sorted())
                #expect(drafts.allSatisfy { ProgramFileName.isValid($0.label) })
            }
        }
    }

    private static func description(_ draft: UnitDraft) throws -> [String: Any] {
        let bytes = try #require(draft.payload["parameters.json"]).bytes
        return try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }

    @Test func theUnitSaysWhatTheManifestSays() throws {
        var fixture = ProgramFixture()
        fixture.parameters["order"] = .integer(4)
        fixture.parameters["step_s"] = .real(0.1)
        fixture.parameters["mode"] = .text("a \"word\"\n")
        fixture.parameters["list"] = .reals([1, -2.5e-9])
        let unit = try Self.description(try fixture.drafts()[1])
        let parameters = try #require(unit["parameters"] as? [String: Any])
        #expect(Set(parameters.keys) == ["order", "step_s", "mode", "list"])
        #expect(parameters["order"] as? Int == 4 && parameters["step_s"] as? Double == 0.1)
        #expect(parameters["mode"] as? String == "a \"word\"\n" && parameters["list"] as? [Double] == [1, -2.5e-9])
        let results = try #require(unit["results"] as? [[String: Any]])
        #expect(results.map { $0["file"] as? String } == ["sums.csv", "log.txt"])
        #expect(results.map { $0["optional"] as? Bool } == [false, true])
    }

    @Test func rowsTravelInTheUnits() throws {
        var fixture = ProgramFixture()
        let x: [Double] = [1, 0.1, -3e-300, 1e21, 5]
        let table = try #require(Table(names: ["x", "y s"], columns: [x, [2, -0.0, 1 / 3, 4, 1e15]]))
        fixture.inputs = InputSet(["stars": .table(table)])
        fixture.parameters = ["steps": .integer(0), "rows": .text("stars")]
        fixture.stepsPerUnit = 2
        let drafts = try fixture.drafts()
        #expect(drafts.map(\.label) == ["rows-0-1", "rows-2-3", "rows-4-4"])
        #expect(
            drafts.map { $0.payload.sections.map(\.name) }
                == [[String]](repeating: ["parameters.json", "rows.csv"], count: 3))
        #expect(drafts[0].payload.text("rows.csv") == "x,y s\n1,2\n0.1,-0\n")
        // Every number comes back as it was.
        var read: [Double] = []
        for draft in drafts {
            let lines = try #require(draft.payload.text("rows.csv")).split(separator: "\n").dropFirst()
            read += lines.flatMap { $0.split(separator: ",").compactMap { Double($0) } }
        }
        #expect(
            read.map(\.bitPattern)
                == (0..<5).flatMap { [table.columns[0][$0], table.columns[1][$0]] }.map(\.bitPattern))
    }

    @Test func whatSaysNothingIsRefused() throws {
        let one = try #require(Table(names: ["x"], columns: [[1]]))
        let none = try #require(Table(names: ["x"], columns: [[]]))
        let cases: [([String: ParameterValue], String)] = [
            (["steps": .integer(0), "rows": .text("")], "parameter steps: nothing says how much work there is"),
            (["steps": .integer(5), "rows": .text("one")], "parameter rows: it stands beside `steps`"),
            (["rows": .text("two")], "parameter rows: there is no input `two`"),
            (["rows": .text("none")], "parameter rows: the table `none` has no rows"),
            (["rows": .text("plain")], "parameter rows: the input `plain` has no rows"),
            (["steps": .integer(-1)], "parameter steps: the value is out of range"),
            (["steps": .integer(1_000_000_000_000_001)], "parameter steps: the value is out of range"),
            (["steps": .text("x")], "parameter steps: the value is out of range"),
        ]
        for (parameters, message) in cases {
            var fixture = ProgramFixture()
            fixture.parameters = parameters
            fixture.inputs = InputSet(["one": .table(one), "none": .table(none), "plain": .bytes([1])])
            let error = #expect(throws: AppError.self) { try fixture.drafts() }
            #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
        }
        var context = ProgramFixture().context
        context.program = nil
        #expect(throws: AppError.self) { try ProgramApps.wasm.splitter.next(context, cursor: [], limit: 1) }
        for cursor in [[1], LittleEndian.bytes(of: [Int64(-1)]), LittleEndian.bytes(of: [Int64(4)])] as [[UInt8]] {
            #expect(throws: AppError.self) {
                try ProgramApps.wasm.splitter.next(ProgramFixture().context, cursor: cursor, limit: 1)
            }
        }
    }

    // MARK: Judging

    @Test(
        arguments: [
            ([("sums.csv", "a\n")], nil), ([("log.txt", "x"), ("sums.csv", "a\n")], nil),
            ([("sums.csv", "a\n"), ("log.txt", "")], nil),
            ([("log.txt", "x")], "the file sums.csv is missing"), ([], "the file sums.csv is missing"),
            (
                [("sums.csv", "a\n"), ("core\u{1B}", "x")],
                "is none of those that the manifest declares: sums.csv, log.txt"
            ),
            ([("sums.csv", "")], "the table sums.csv is empty"),
        ] as [([(String, String)], String?)])
    func theDeclaredFilesAreThere(files: [(String, String)], fault: String?) throws {
        let fixture = ProgramFixture()
        let validator = fixture.app.validator
        let unit = try #require(try fixture.drafts().first).payload
        let result = ProgramFixture.result(files)
        let found = validator.malformation(of: result, unit: unit, context: fixture.context)
        #expect(
            found.map { $0.contains(fault ?? "?") && !$0.contains("\u{1B}") } == fault.map { _ in true },
            "\(found ?? "")")
        let verdict = validator.check(result, unit: unit, context: fixture.context, challenge: 1)
        #expect(verdict == found.map { .malformed($0) } ?? .plausible)
    }

    @Test func sectionsOfNumbersAreNoFiles() throws {
        let fixture = ProgramFixture()
        let unit = try #require(try fixture.drafts().first).payload
        let result = Payload(sections: [
            PayloadSection(name: "sums.csv", kind: .float64, bytes: [UInt8](repeating: 0, count: 8))
        ])
        let found = fixture.app.validator.malformation(of: result, unit: unit, context: fixture.context)
        #expect(found == "the file sums.csv has not the kind bytes")
    }

    /// Symmetric and reflexive, and the first difference in words.
    @Test func resultsAgreeByteByByte() throws {
        let fixture = ProgramFixture()
        let unit = try #require(try fixture.drafts().first).payload
        let results = [
            [("sums.csv", "a,b\n1,2\n")], [("sums.csv", "a,b\n1,3\n")], [("sums.csv", "a,b\n1,2\n3")],
            [("sums.csv", "a,b\n1,2\n"), ("log.txt", "x")],
        ].map(ProgramFixture.result)
        func compare(_ a: Int, _ b: Int) -> Agreement {
            fixture.app.validator.compare(results[a], results[b], unit: unit, context: fixture.context)
        }
        for a in results.indices {
            for b in results.indices { #expect((compare(a, b) == .same) == (a == b) && compare(a, b) == compare(b, a)) }
        }
        #expect(compare(0, 1) == .different(Difference(element: "sums.csv, byte 6, line 2", distance: 1, tolerance: 0)))
        #expect(compare(0, 2) == .different(Difference(element: "sums.csv, byte 8, line 3", distance: 1, tolerance: 0)))
        guard case .different(let difference) = compare(0, 3) else { Issue.record("the same"); return }
        #expect(difference.element == "log.txt, which only one result has")
        // The order in which files were packed is nobody's matter.
        let turned = Payload(sections: results[3].sections.reversed())
        #expect(fixture.app.validator.compare(results[3], turned, unit: unit, context: fixture.context) == .same)
    }
}
