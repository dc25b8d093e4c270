import Confinement
import Domain
import Foundation
import Testing
import WebAssembly
import WorkerHost

private enum Sandbox {
    /// Containers without namespaces have no sandbox.
    static let isThere: Bool = {
        guard let answer = try? SandboxAnswer.ask(worker: ModuleFixture.programs + "/millrace-worker") else {
            return false
        }
        return answer.program.shortfall(of: .program) == nil
    }()
}

/// Modules as a volunteer's client runs them: in the sandbox for scientists' programs.
@Suite("Modules in the sandbox", .enabled(if: Sandbox.isThere))
struct EnclosedModuleTests {
    private static let worker = ModuleFixture.programs + "/millrace-worker"

    private static func run(
        _ module: ModuleFixture, fuel: String = "1e9", addressSpaceBytes: Int?
    ) throws -> EnclosedRun.End {
        var enclosure = Enclosure(
            command: [
                "/runtime/millrace-wasm", "--fuel", fuel, "--memory", "\(16 << 20)", "--dir", "/input", "--dir",
                "/output", "/program/module.wasm",
            ], environment: ["MILLRACE_LABEL=unit"], folder: "/output",
            bounds: Bounds(
                addressSpaceBytes: addressSpaceBytes, fileBytes: 1 << 20, processes: 16, openFiles: 64, cpuSeconds: 600)
        )
        enclosure.inputs = [
            .init(path: ModuleFixture.program, place: "/runtime/millrace-wasm", isExecutable: true),
            .init(path: try WasmtimeLibrary.find(), place: "/runtime/libmillrace-wasmtime.so", isExecutable: true),
            .init(path: module.path("input"), place: "/input"),
        ]
        enclosure.output = .init(path: module.path("output"), bytesMax: 1 << 20, filesMax: 50)
        enclosure.hasOwnLibraries = true
        enclosure.memoryBytes = 512 << 20
        let bytes = try Data(contentsOf: module.folder.appending(path: "module.wasm"))
        return try EnclosedRun.start(
            enclosure, contents: [.init(place: "/program/module.wasm", bytes: [UInt8](bytes))], worker: worker, log: nil
        ).wait()
    }

    @Test("It computes there, with much address space and with little", arguments: [nil, 1 << 30])
    func computes(addressSpaceBytes: Int?) throws {
        let module = try ModuleFixture(FileTests.copying)
        try module.write("input/data", "some data\n")
        let end = try Self.run(module, addressSpaceBytes: addressSpaceBytes)
        #expect(end.cause == .code(0), "\(end)")
        #expect(module.text("output/copy") == "some data\n" && module.text("output/progress") == "0.000000\n")
    }

    @Test("Traps, fuel and memory end it there as elsewhere", arguments: [nil, 1 << 30])
    func bounds(addressSpaceBytes: Int?) throws {
        let ends: [(String, Int32, String)] = [
            ("(drop (i32.load (i32.const 65536)))", 70, "out of bounds memory access"),
            ("(call $deeper)", 70, "call stack exhausted"), (Text.forever, 71, "out of fuel"),
            ("(drop (memory.grow (i32.const 1000))) unreachable", 71, "out of memory"),
        ]
        for (body, code, words) in ends {
            let module = try ModuleFixture(Text.memory + "(func $deeper (call $deeper))" + Text.start(body))
            let end = try Self.run(module, addressSpaceBytes: addressSpaceBytes)
            #expect(end.cause == .code(code) && end.lastWords.contains(words), "\(body): \(end)")
        }
    }
}
