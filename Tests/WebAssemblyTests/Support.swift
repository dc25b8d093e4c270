import CWasmtime
import Domain
import Foundation
import TestChild
import Testing
import WebAssembly

/// A folder with a module, its input and its output, and the real program to run it.
final class ModuleFixture {
    struct Outcome: Equatable {
        let status: Int32
        let output: String
        let errors: String
    }

    /// The folder of the test binary is the folder of the programs.
    static let programs: String = {
        let link = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: link).deletingLastPathComponent().path
    }()
    static let program = programs + "/millrace-wasm"

    let folder: URL

    /// - Parameter text: what stands between `(module` and `)`; nil: there is no module.
    init(_ text: String?) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "millrace-wasm-\(UUID().uuidString)")
        for name in ["input", "output"] {
            try FileManager.default.createDirectory(
                at: folder.appending(path: name), withIntermediateDirectories: true)
        }
        if let text { try Data(Self.assemble("(module \(text))")).write(to: folder.appending(path: "module.wasm")) }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// A module from its text.
    static func assemble(_ text: String) throws -> [UInt8] {
        let library = try WasmtimeLibrary()
        var bytes = wasm_byte_vec_t()
        if let error = library.calls.wasmtime_wat2wasm(text, text.utf8.count, &bytes) {
            throw Fault(.badData, library.message(error) ?? "")
        }
        return Array(UnsafeBufferPointer(start: bytes.data, count: bytes.size))
    }

    func path(_ name: String) -> String { folder.appending(path: name).path }

    func text(_ name: String) -> String? { try? String(contentsOfFile: path(name), encoding: .utf8) }

    func write(_ name: String, _ text: String) throws {
        try text.write(toFile: path(name), atomically: false, encoding: .utf8)
    }

    func options(fuel: String, memory: Int) -> [String] {
        [
            "--fuel", fuel, "--memory", "\(memory)", "--dir-ro", "\(path("input"))::/input", "--dir",
            "\(path("output"))::/output",
        ]
    }

    /// Runs the module to its end.
    ///
    /// - Parameters:
    ///   - more: options.
    ///   - addressSpaceKiB: a bound on the address space of the process; nil: none.
    ///   - dataKiB: a bound on the memory that it may write; nil: none.
    func run(
        _ arguments: [String] = [], fuel: String = "1000000", memory: Int = 1 << 20, more: [String] = [],
        environment: [String: String] = [:], addressSpaceKiB: Int? = nil, dataKiB: Int? = nil
    ) throws -> Outcome {
        let all = options(fuel: fuel, memory: memory) + more + [path("module.wasm")] + arguments
        return try Self.run(all, environment: environment, addressSpaceKiB: addressSpaceKiB, dataKiB: dataKiB)
    }

    static func run(
        _ arguments: [String], environment: [String: String] = [:], addressSpaceKiB: Int? = nil, dataKiB: Int? = nil
    ) throws -> Outcome {
        let child = TestChild()
        let base = FileManager.default.temporaryDirectory.appending(path: "wasm-said-\(UUID().uuidString)").path
        let bound = [("v", addressSpaceKiB), ("d", dataKiB)].map { name, most in
            most.map { "ulimit -\(name) \($0); " } ?? ""
        }.joined()
        try child.run(
            "/bin/sh", ["-c", bound + "exec \"$0\" \"$@\"", program] + arguments, environment: environment,
            outputPath: base + ".out", errorPath: base + ".err")
        defer { for end in [".out", ".err"] { try? FileManager.default.removeItem(atPath: base + end) } }
        let status = child.terminationStatus
        func said(_ end: String) throws -> String {
            String(decoding: try Data(contentsOf: URL(filePath: base + end)), as: UTF8.self)
        }
        return Outcome(status: status, output: try said(".out"), errors: try said(".err"))
    }
}

/// Pieces of modules.
enum Text {
    /// A function of WASI, as `$name`.
    static func importing(_ name: String, _ parameters: String, hasResult: Bool = true) -> String {
        let result = hasResult ? " (result i32)" : ""
        return "(import \"wasi_snapshot_preview1\" \"\(name)\" (func $\(name) (param \(parameters))\(result)))\n"
    }

    static let exit = importing("proc_exit", "i32", hasResult: false)
    static let memory = "(memory (export \"memory\") 1)\n"

    /// The function that is started.
    static func start(_ body: String) -> String { "(func (export \"_start\") \(body))\n" }

    /// Never ends.
    static let forever = "(loop $forever (br $forever))"
    /// Writes `count` bytes of memory from 1024 on to standard output. Wants `fd_write`.
    static func say(_ count: Int) -> String {
        "(i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const \(count)))"
            + "(drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))"
    }
    static let writing = importing("fd_write", "i32 i32 i32 i32")
}
