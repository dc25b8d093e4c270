import Apps
import Domain
import Foundation
import Plugins
import TestChild
import Testing

/// `projects/mertens`: its program on units that the splitter makes, as a client runs it, but without the enclosure.
@Suite struct MertensTests {
    private static let project = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "projects/mertens")

    private static var fixture: ProgramFixture {
        var fixture = ProgramFixture()
        fixture.parameters = ["steps": .integer(100), "rows": .text(""), "block": .integer(100_000)]
        fixture.stepsPerUnit = 10
        fixture.results = [ProgramResult(file: "sums.csv", joining: .csv)]
        return fixture
    }

    private static func golden() throws -> [String] {
        try String(contentsOf: project.appending(path: "golden/sums.csv"), encoding: .utf8)
            .split(separator: "\n").map(String.init)
    }

    /// The folders of one task.
    private struct Task {
        let folder: URL

        init(_ unit: Payload) throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "mertens-tests-\(UUID().uuidString)")
            for name in ["input", "output"] {
                try FileManager.default.createDirectory(
                    at: folder.appending(path: name), withIntermediateDirectories: true)
            }
            for section in unit.sections {
                try Data(section.bytes).write(to: folder.appending(path: "input/\(section.name)"))
            }
        }

        func remove() { try? FileManager.default.removeItem(at: folder) }

        func start() throws -> TestChild {
            let child = TestChild()
            var environment = ProcessInfo.processInfo.environment
            environment["MILLRACE_INPUT"] = folder.path + "/input"
            environment["MILLRACE_OUTPUT"] = folder.path + "/output"
            try child.run(
                "/usr/bin/env", ["python3", "-B", project.appending(path: "program/mertens.py").path],
                environment: environment, outputPath: folder.path + "/said", errorPath: folder.path + "/said")
            return child
        }

        func text(_ name: String) -> String? {
            try? String(contentsOf: folder.appending(path: "output/\(name)"), encoding: .utf8)
        }

        var said: String { (try? String(contentsOf: folder.appending(path: "said"), encoding: .utf8)) ?? "" }

        func result() throws -> Payload {
            let files = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/output")
                .filter { $0 != ProgramFileName.progress && $0 != ProgramFileName.checkpoint }
            return Payload(
                sections: try files.map {
                    let bytes = [UInt8](try Data(contentsOf: folder.appending(path: "output/\($0)")))
                    return PayloadSection(name: $0, kind: .bytes, bytes: bytes)
                })
        }
    }

    /// The known values of M, of squarefree numbers and of primes at 10^5, 10^6 and 10^7.
    @Test func theGoldenLinesAreTheKnownSums() throws {
        let rows = try Self.golden().dropFirst().map { try $0.split(separator: ",").map { try #require(Int($0)) } }
        #expect(rows.count == 100)
        var sums = [0, 0, 0]
        for row in rows {
            for place in 0..<3 { sums[place] += row[3 + place] }
            switch row[2] {
            case 100_000: #expect(sums == [-48, 60_794, 9_592])
            case 1_000_000: #expect(sums == [212, 607_926, 78_498])
            case 10_000_000: #expect(sums == [1_037, 6_079_291, 664_579])
            default: break
            }
        }
    }

    @Test(arguments: [0, 9])
    func aUnitGivesTheGoldenLines(index: Int) throws {
        let fixture = Self.fixture
        let unit = try fixture.drafts()[index].payload
        let task = try Task(unit)
        defer { task.remove() }
        #expect(try task.start().terminationStatus == 0, "\(task.said)")
        let golden = try Self.golden()
        let lines = [golden[0]] + golden[(1 + index * 10)..<(11 + index * 10)]
        #expect(task.text("sums.csv") == lines.joined(separator: "\n") + "\n")
        #expect(task.text("progress") == "1.0000\n" && task.said.isEmpty)
        let verdict = fixture.app.validator.check(
            try task.result(), unit: unit, context: fixture.context, challenge: 1)
        #expect(verdict == .plausible)
    }

    @Test func stoppedInTheMiddleItGoesOnWhereItWas() throws {
        let task = try Task(try Self.fixture.drafts()[0].payload)
        defer { task.remove() }
        let first = try task.start()
        // At the latest it ends by itself.
        while task.text("checkpoint") == nil, first.isRunning { usleep(2000) }
        first.terminate()
        #expect(first.terminationStatus == 75, "\(task.said)")
        #expect(task.text("sums.csv") == nil)
        let done = try #require(task.text("checkpoint"))
        let second = try task.start()
        #expect(second.terminationStatus == 0, "\(task.said)")
        #expect(task.text("sums.csv") == (try Self.golden()[0...10]).joined(separator: "\n") + "\n")
        #expect(task.text("checkpoint")?.hasPrefix(done.dropLast()) == true)
    }

    @Test func aUnitThatMakesNoSenseIsSaid() throws {
        var fixture = Self.fixture
        fixture.parameters["block"] = .text("many")
        let task = try Task(try fixture.drafts()[0].payload)
        defer { task.remove() }
        #expect(try task.start().terminationStatus == 65 && task.said.contains("block"))
    }
}
