import Foundation
import Glibc
import TestChild
import Testing

@Suite("Modules and their bounds")
struct BoundTests {
    /// Counts down from 1000: five instructions a round, and three around it.
    static let counting =
        Text.memory
        + Text.start(
            "(local i32) (local.set 0 (i32.const 1000))"
                + "(loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))")

    @Test("Fuel is counted exactly: the same in each run, enough is enough, one less is too little")
    func fuel() throws {
        let module = try ModuleFixture(Self.counting)
        let first = try module.run(more: ["--show-use"])
        #expect(first.status == 0 && first.errors.hasPrefix("millrace-wasm: 5003 of 1000000 fuel used, 65536 bytes"))
        #expect(try module.run(more: ["--show-use"]) == first)
        #expect(try module.run(fuel: "5003").status == 0)
        for fuel in ["5002", "4000", "1"] {
            let less = try module.run(fuel: fuel)
            #expect(less.status == 71 && less.errors == "millrace-wasm: out of fuel: the module used all \(fuel)\n")
        }
    }

    @Test("A module that never ends, in its start section or in _start, ends with its fuel")
    func forever() throws {
        let texts = [
            Text.memory + Text.start(Text.forever),
            Text.memory + Text.start("") + "(func $begin \(Text.forever)) (start $begin)",
        ]
        for text in texts { #expect(try ModuleFixture(text).run(fuel: "1e8").status == 71) }
    }

    @Test("Memory grows to its bound and not beyond; what asks for more and then fails is out of memory")
    func memory() throws {
        let growing =
            "(local $n i32) (loop $l (local.set $n (i32.add (local.get $n) (i32.const 1)))"
            + "(br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))"
        let polite = try ModuleFixture(
            Text.exit + Text.memory + Text.start(growing + "(call $proc_exit (local.get $n))"))
        for addressSpace in [nil, 2_000_000] {
            // 16 pages, of which one was there; the sixteenth growth is refused.
            let outcome = try polite.run(memory: 1 << 20, addressSpaceKiB: addressSpace)
            #expect(outcome.status == 16, "\(outcome)")
            #expect(
                outcome.errors
                    == "millrace-wasm: the module was refused 1114112 bytes of memory and ended with code 16\n")
        }
        let rash = try ModuleFixture(Text.memory + Text.start(growing + "unreachable"))
        let outcome = try rash.run()
        #expect(outcome.status == 71)
        #expect(
            outcome.errors.hasPrefix("millrace-wasm: out of memory: it asked for 1114112 bytes, 1048576 are allowed"))
        let large = try ModuleFixture("(memory (export \"memory\") 17)" + Text.start(""))
        let refused = try large.run()
        #expect(refused.status == 71 && refused.errors.contains("asked for 1114112 bytes, 1048576 are allowed"))
        #expect(try large.run(memory: 17 << 16).status == 0)
    }

    @Test("A computer that has not the memory that a module may have gives no result, rather than another one")
    func lackOfMemory() throws {
        // Ends well whether it was given a GiB or not, by returning or by itself.
        let grow = "(drop (memory.grow (i32.const 16383)))"
        for end in ["", "(call $proc_exit (i32.const 0))"] {
            let module = try ModuleFixture(Text.exit + Text.memory + Text.start(grow + end))
            #expect(try module.run(memory: 1 << 32).status == 0)
            // The bound of the unit itself is the same everywhere.
            #expect(try module.run(memory: 1 << 20).status == 0)
            let outcome = try module.run(memory: 1 << 32, dataKiB: 800_000)
            #expect(outcome.status == 71, "\(outcome)")
            #expect(outcome.errors.contains("the system gives no 1073741824 bytes"), "\(outcome)")
        }
    }

    @Test("Where the disk is full, the module ends; it cannot go on as if it had written")
    func lackOfDisk() throws {
        let module = try ModuleFixture(FileTests.copying)
        try module.write("input/data", "some data\n")
        let output = module.path("output")
        // Only root may do this; elsewhere there is nothing to see.
        guard mount("none", output, "tmpfs", 0, "size=8k") == 0 else { return }
        defer { umount(output) }
        #expect(try module.run().status == 0)
        for name in ["copy", "progress"] { try FileManager.default.removeItem(atPath: "\(output)/\(name)") }
        for name in ["one", "two"] { try module.write("output/\(name)", String(repeating: "x", count: 4096)) }
        let outcome = try module.run()
        #expect(outcome.status == 70 && outcome.errors.contains("No space left on device"), "\(outcome)")
    }

    @Test(
        "What cannot be done ends the module, and what it was is told",
        arguments: [
            ("unreachable", "unreachable"), ("(drop (i32.div_s (i32.const 1) (i32.const 0)))", "divide by zero"),
            ("(drop (i32.load (i32.const 65536)))", "out of bounds memory access"),
            ("(drop (i32.load (i32.const -4)))", "out of bounds memory access"),
            ("(drop (i32.trunc_f64_s (f64.const 1e300)))", "integer overflow"),
            ("(call $deeper)", "call stack exhausted"),
        ])
    func traps(body: String, words: String) throws {
        let module = try ModuleFixture(Text.memory + "(func $deeper (call $deeper))" + Text.start(body))
        for addressSpace in [nil, 2_000_000] {
            let outcome = try module.run(fuel: "1e9", addressSpaceKiB: addressSpace)
            #expect(outcome.status == 70 && outcome.errors.contains(words), "\(outcome)")
            #expect(outcome.errors.hasPrefix("millrace-wasm: the module failed: "))
        }
    }

    @Test("Its own code is the code of the process; a failure never becomes 0", arguments: [(0, 0), (3, 3), (256, 1)])
    func codes(code: Int, status: Int32) throws {
        let module = try ModuleFixture(
            Text.exit + Text.memory + Text.start("(call $proc_exit (i32.const \(code))) unreachable"))
        #expect(try module.run().status == status)
    }

    @Test("Asked to end, it ends at once with code 75; until then its progress is told by its fuel")
    func ending() throws {
        let module = try ModuleFixture(Text.memory + Text.start(Text.forever))
        let child = TestChild()
        try child.run(
            ModuleFixture.program, module.options(fuel: "1e18", memory: 65536) + [module.path("module.wasm")],
            environment: [:], outputPath: module.path("said"), errorPath: module.path("said"))
        while child.isRunning, module.text("output/progress") != "0.000000\n" { usleep(10_000) }
        child.terminate()
        #expect(child.terminationStatus == 75)
        let shorter = try module.run(fuel: "3e9")
        #expect(shorter.status == 71)
        // Told at least once while it ran; more than it may use is never told.
        let text = try #require(module.text("output/progress"))
        let share = try #require(Double(text.dropLast()))
        #expect(share > 0 && share <= 1)
    }
}
