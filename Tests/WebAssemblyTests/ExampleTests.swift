import Foundation
import Testing

/// The example of docs/wasm.md, compiled from C.
@Suite("A module in C")
struct ExampleTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Compiles it, as the document says.
    private static func example() throws -> ModuleFixture {
        let fixture = try ModuleFixture(nil)
        let source = repository.appending(path: "docs/examples/collatz.c")
        try FileManager.default.copyItem(at: source, to: fixture.folder.appending(path: "module.c"))
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let status = try TestChildRun().run(
            "PATH='\(path)' exec \"$0\" \"$1\" -Wall -Wextra -Werror",
            [repository.appending(path: "scripts/wasm-cc.sh").path, fixture.path("module.c")],
            said: fixture.path("compiler"))
        #expect(status == 0, "\(fixture.text("compiler") ?? "")")
        return fixture
    }

    /// Runs it in its output folder, as a client does.
    private static func run(_ fixture: ModuleFixture, fuel: String) throws -> Int32 {
        try? FileManager.default.removeItem(atPath: fixture.path("said"))
        return try TestChildRun().run(
            "cd \"$1\" && MILLRACE_FIRST=1 MILLRACE_COUNT=999999 exec \"$0\" --fuel \(fuel) --memory 1e6 "
                + "--dir .::/output ../module.wasm",
            [ModuleFixture.program, fixture.path("output")], said: fixture.path("said"))
    }

    @Test("It finds the known answer, tells its progress, and goes on from its checkpoint to the same bytes")
    func collatz() throws {
        let fixture = try Self.example()
        #expect(try Self.run(fixture, fuel: "3e9") == 0, "\(fixture.text("said") ?? "")")
        // Of the numbers below a million 837,799 takes the most steps.
        let answer = "first,end,number,steps\n1,1000000,837799,524\n"
        #expect(fixture.text("output/result.csv") == answer && fixture.text("output/progress") == "0.9000\n")
        for name in ["result.csv", "checkpoint", "progress"] {
            try FileManager.default.removeItem(atPath: fixture.path("output/\(name)"))
        }
        // It ends for lack of fuel half-way, as it might for any other reason.
        #expect(try Self.run(fixture, fuel: "1.5e9") == 71)
        let state = try #require(fixture.text("output/checkpoint/state"))
        #expect(fixture.text("output/result.csv") == nil && !state.hasPrefix("900000"))
        #expect(try Self.run(fixture, fuel: "1.9e9") == 0)
        #expect(fixture.text("said") == "going on at \(state.prefix { $0 != " " })\n")
        #expect(fixture.text("output/result.csv") == answer)
    }

    @Test("A unit that it cannot compute is told by its own code")
    func badUnit() throws {
        let fixture = try Self.example()
        let outcome = try fixture.run(environment: ["MILLRACE_FIRST": "x", "MILLRACE_COUNT": "5"])
        #expect(outcome.status == 65 && outcome.errors == "MILLRACE_FIRST is no number: x\n")
    }
}
