import Bytes
import Domain
import Foundation
import Testing
import Wire

/// Work units that name a program of the project's own, and the description that worker children get.
@Suite struct ProgramTests {
    private static let program = ProjectProgram(
        releases: "releases", name: "solver", version: "1.0+b", arguments: ["--order", "4", ""], fuel: 1_000_000,
        results: [ProgramResult(file: "a.csv", joining: .csv), ProgramResult(file: "b", isOptional: true)])

    @Test func aUnitKeepsItsProgram() throws {
        var body = try Samples.programBody()
        body.app = "wasm"
        body.program = WireProgramRef(Self.program)
        let bytes = try UnitContainer.encode(body, key: Samples.key)
        let read = try UnitContainer.decode(bytes, key: Samples.key.publicKey)
        #expect(read.program == body.program)
        #expect(read.program.arguments == ["--order", "4", ""] && read.program.fuel == 1_000_000)
    }

    /// What cannot be read is not made either; one case for each edge.
    @Test func edges() throws {
        let most = [String](repeating: String(repeating: "a", count: 1024), count: 64)
        let cases: [(Bool, (inout WireWorkUnitBody) -> Void)] = [
            (true, { $0.program.arguments = most }), (false, { $0.program.arguments = most + ["a"] }),
            (true, { $0.program.name = String(repeating: "n", count: 64) }),
            (false, { $0.program.name = String(repeating: "n", count: 65) }),
            (false, { $0.program.name = "Solver" }), (true, { $0.program.version = "V1+2" }),
            (false, { $0.program.version = "1 0" }), (false, { $0.program.fuel = 5 }),
            (false, { $0.app = "wasm" }),
            (
                true,
                {
                    $0.app = "wasm"
                    $0.program.fuel = UInt64(Limits.fuelMax)
                }
            ),
            (
                false,
                {
                    $0.app = "wasm"
                    $0.program.fuel = UInt64(Limits.fuelMax) + 1
                }
            ),
            (false, { $0.app = "executable2" }), (false, { $0.inputs[0].name = "a b" }),
            (false, { $0.sections[0].name = $0.inputs[0].name }), (true, { $0.sections = [] }),
        ]
        for (index, (isRight, change)) in cases.enumerated() {
            var body = try Samples.programBody()
            change(&body)
            let made = try? UnitContainer.encode(body, key: Samples.key)
            #expect((made != nil) == isRight, "case \(index)")
        }
    }

    @Test func otherAppsHaveFreeNames() throws {
        var body = try Samples.unitBody()
        body.inputs[0].name = "a b"
        #expect(throws: Never.self) { try UnitContainer.encode(body, key: Samples.key) }
    }

    @Test func workerChildrenGetTheDescription() throws {
        var context = WireAppContextMessage()
        #expect(try context.projectProgram() == nil)
        context.setProgram(Self.program)
        #expect(try context.projectProgram() == Self.program)
        context.program = .init([1, 2])
        #expect(throws: WireError.self) { try context.projectProgram() }
        context.setProgram(nil)
        #expect(context.program.isEmpty)
    }
}
