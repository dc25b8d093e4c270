import Foundation
import TestChild
import Testing

/// A shell's command to its end.
struct TestChildRun {
    func run(_ command: String, _ arguments: [String], said: String) throws -> Int32 {
        let child = TestChild()
        try child.run("/bin/sh", ["-c", command] + arguments, environment: [:], outputPath: said, errorPath: said)
        return child.terminationStatus
    }
}

@Suite("millrace-wasm as a command")
struct CommandTests {
    @Test(
        "Bad usage is told, with code 64",
        arguments: [
            ([], "no module is named"), (["module"], "--fuel is missing"),
            (["--fuel", "5", "m"], "--memory is missing"),
            (["--fuel", "0", "--memory", "65536", "m"], "--fuel 0: expected a whole number from 1"),
            (["--fuel", "1.5", "--memory", "65536", "m"], "--fuel 1.5: expected"),
            (["--fuel", "nan", "--memory", "65536", "m"], "--fuel nan: expected"),
            (["--fuel", "5", "--memory", "100", "m"], "--memory 100: expected"),
            (["--fuel", "5", "--memory", "5e9", "m"], "--memory 5e9: expected"),
            (["--dir", "relative"], "--dir relative: the module needs an absolute name"),
            (["--dir"], "--dir needs a value"), (["--env", "x"], "--env x: expected NAME=VALUE"),
            (["--net", "x"], "there is no option --net"),
        ])
    func usage(arguments: [String], words: String) throws {
        let outcome = try ModuleFixture.run(arguments)
        #expect(outcome.status == 64 && outcome.errors.contains(words), "\(outcome)")
    }

    @Test("A file that is not there, and a folder that is not, are code 66")
    func missing() throws {
        let none = try ModuleFixture(nil).run()
        #expect(none.status == 66 && none.errors.contains("module.wasm: No such file"))
        let module = try ModuleFixture(BoundTests.counting)
        let outcome = try module.run(more: ["--dir", "/no/such/folder"])
        #expect(outcome.status == 66 && outcome.errors.contains("cannot open the folder /no/such/folder"))
    }

    @Test("What is no module, or needs what is not there, is code 65")
    func badModules() throws {
        let fixture = try ModuleFixture(nil)
        for text in ["", "#!/bin/sh\n", "\0asm\u{1}\0\0\0rubbish", "(module)"] {
            try fixture.write("module.wasm", text)
            let outcome = try fixture.run()
            #expect(outcome.status == 65 && outcome.errors.contains("docs/wasm.md"), "\(text): \(outcome)")
        }
        let refused = [
            "(import \"env\" \"f\" (func))" + Text.start(""), Text.memory + "(func (export \"main\"))",
            "(memory (export \"memory\") 1 1 shared)" + Text.start(""), "(memory i64 1)" + Text.start(""),
            "(import \"wasi_snapshot_preview1\" \"fd_close\" (func (param i64) (result i32)))" + Text.start(""),
            "(memory 1) (memory 1)" + Text.start(""),
        ]
        for text in refused {
            let outcome = try ModuleFixture(text).run()
            #expect(outcome.status == 65, "\(text): \(outcome)")
        }
    }

    @Test("Where the library is, is told; without it, code 78 and what to install")
    func library() throws {
        let found = try ModuleFixture.run(["--library"])
        #expect(found.status == 0 && found.output.hasSuffix("/libmillrace-wasmtime.so\n"), "\(found)")
        let module = try ModuleFixture(BoundTests.counting)
        for path in [
            "/no/such/library.so", "/etc/passwd", "/lib/x86_64-linux-gnu/libm.so.6", "/lib/aarch64-linux-gnu/libm.so.6",
        ] {
            let outcome = try module.run(environment: ["MILLRACE_WASMTIME": path])
            #expect(outcome.status == 78 && outcome.errors.contains("millrace-client-wasm"), "\(outcome)")
        }
    }

    @Test("Help is told")
    func help() throws {
        let outcome = try ModuleFixture.run(["--help"])
        #expect(outcome.status == 0 && outcome.output.contains("--fuel N"))
    }
}
