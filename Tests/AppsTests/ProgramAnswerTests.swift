import Apps
import Domain
import Foundation
import Plugins
import TestChild
import Testing

/// The answer of a project with its own program.
@Suite struct ProgramAnswerTests {
    private static func text(_ answer: Answer, _ name: String) -> String? {
        answer.files.first { $0.name == name }.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test func tablesAreJoinedInTheOrderOfTheUnits() throws {
        let results = [
            [("sums.csv", "n,sum\n1,1\n2,3\n")], [("sums.csv", "n,sum\r\n3,6")], [("sums.csv", "n,sum\n")],
        ].map(ProgramFixture.result)
        let answer = try ProgramFixture().answer(results)
        #expect(answer.files.map(\.name) == ["sums.csv"])
        #expect(Self.text(answer, "sums.csv") == "n,sum\n1,1\n2,3\n3,6\n")
        #expect(answer.summary == ["3 units of solver 1.0, 25 steps", "sums.csv: 3 rows of 3 units"])
    }

    @Test func aTableWithOtherColumnsIsKeptApart() throws {
        let results = [
            [("sums.csv", "n,sum\n1,1\n")], [("sums.csv", "n,total\n3,6\n")], [("sums.csv", "n,sum\n4,9\n")],
        ].map(ProgramFixture.result)
        let answer = try ProgramFixture().answer(results)
        #expect(Self.text(answer, "sums.csv") == "n,sum\n1,1\n4,9\n")
        #expect(answer.summary.contains("sums.csv: 1 units have other columns; theirs are in files.tar"))
        #expect(try Self.unpacked(answer) == ["files/steps-10-19/sums.csv": "n,total\n3,6\n"])
    }

    @Test func otherFilesAreArchivedByUnit() throws {
        var fixture = ProgramFixture()
        let long = String(repeating: "n", count: 64)
        fixture.results = [ProgramResult(file: "a.bin"), ProgramResult(file: long, isOptional: true)]
        let block = String(repeating: "x", count: 512)
        let results = [[("a.bin", "")], [("a.bin", block)], [(long, "last"), ("a.bin", block + "y")]]
            .map(ProgramFixture.result)
        let answer = try fixture.answer(results)
        #expect(answer.files.map(\.name) == ["files.tar"])
        #expect(
            try Self.unpacked(answer) == [
                "files/steps-00-09/a.bin": "", "files/steps-10-19/a.bin": block,
                "files/steps-20-24/a.bin": block + "y", "files/steps-20-24/\(long)": "last",
            ])
        // The same results, the same bytes.
        #expect(try fixture.answer(results) == answer)
    }

    /// By the system's own tar.
    private static func unpacked(_ answer: Answer) throws -> [String: String] {
        let archive = try #require(answer.files.first { $0.name == "files.tar" })
        let folder = FileManager.default.temporaryDirectory.appending(path: "apps-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(archive.bytes).write(to: folder.appending(path: "files.tar"))
        let child = TestChild()
        let said = FileManager.default.temporaryDirectory.appending(path: "apps-tests-\(UUID().uuidString).txt").path
        defer { try? FileManager.default.removeItem(atPath: said) }
        try child.run(
            "/usr/bin/tar", ["-C", folder.path, "-xf", folder.path + "/files.tar"], outputPath: said, errorPath: said)
        child.waitUntilExit()
        #expect(child.terminationStatus == 0, "\((try? String(contentsOfFile: said, encoding: .utf8)) ?? "")")
        var found: [String: String] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path) where path != "files.tar" {
            let url = folder.appending(path: path)
            if url.hasDirectoryPath || (try? FileManager.default.contentsOfDirectory(atPath: url.path)) != nil {
                continue
            }
            found[path] = try String(contentsOf: url, encoding: .utf8)
        }
        return found
    }

    @Test func unitsComeInOrderAndAllOfThem() throws {
        let fixture = ProgramFixture()
        let drafts = try fixture.drafts()
        let result = ProgramFixture.result([("sums.csv", "n\n")])
        var assembler = try fixture.app.assembler.init(context: fixture.context)
        #expect(throws: AppError.self) { try assembler.add(result: result, unit: drafts[1].payload) }
        try assembler.add(result: result, unit: drafts[0].payload)
        #expect(throws: AppError.self) { try assembler.finish() }
        #expect(throws: AppError.self) { try assembler.add(result: result, unit: drafts[0].payload) }
        try assembler.add(result: result, unit: drafts[1].payload)
        try assembler.add(result: result, unit: drafts[2].payload)
        #expect(throws: AppError.self) { try assembler.add(result: result, unit: drafts[2].payload) }
        #expect(throws: Never.self) { try assembler.finish() }
    }
}
