import Testing
import WebAssembly

@Suite("Hostile modules")
struct HostileTests {
    private static let words = [
        "0", "1", "2", "3", "4", "5", "7", "9", "64", "1023", "1024", "65500", "65535", "65536", "-1", "-8",
        "-2147483648", "2147483647", "255", "256",
    ]
    private static let longs = words + ["9223372036854775807", "-9223372036854775808", "4294967296", "1099511627776"]

    @Test("Whatever it calls WASI with, it gets an answer: nothing here fails", arguments: 0..<8)
    func arguments(seed: UInt64) throws {
        var random = ModuleRandom(state: seed)
        func draw(_ values: [String]) -> String { values[Int(random.next() % UInt64(values.count))] }
        let calls = WASICall.allCases.filter { $0 != .proc_exit }
        var imports = ""
        for call in calls {
            let kinds = call.parameters.map { $0 == "I" ? "i64" : "i32" }.joined(separator: " ")
            imports += Text.importing(call.rawValue, kinds)
        }
        var body = ""
        for _ in 0..<2000 {
            let call = calls[Int(random.next() % UInt64(calls.count))]
            // Numbers below 2000 often name what was written there before: lists, lengths, paths.
            body += "(i32.store (i32.const \(random.next() % 2000)) (i32.const \(draw(Self.words))))\n"
            let values = call.parameters.map { kind in
                kind == "I" ? "(i64.const \(draw(Self.longs)))" : "(i32.const \(draw(Self.words)))"
            }
            body += "(drop (call $\(call.rawValue) \(values.joined(separator: " "))))\n"
        }
        let module = try ModuleFixture(
            imports + Text.memory + "(data (i32.const 1024) \"data/../x\")" + Text.start(body))
        try module.write("input/data", "some data\n")
        let outcome = try module.run(more: ["--show-use"])
        #expect(
            outcome.status == 0 && outcome.errors.hasSuffix("fuel used, 65536 bytes of memory\n"), "\(outcome.status)")
    }

    @Test("Lists of regions that are more than a number can tell are refused")
    func manyRegions() throws {
        // 1024 times the whole of 16 MiB, from a list that lies in the last 8 KiB of them.
        let module = try ModuleFixture(
            Text.exit + Text.writing + "(memory (export \"memory\") 256)"
                + Text.start(
                    """
                    (local $at i32) (local.set $at (i32.const 16769024))
                    (loop $l
                        (i32.store (i32.add (local.get $at) (i32.const 4)) (i32.const 16777216))
                        (local.set $at (i32.add (local.get $at) (i32.const 8)))
                        (br_if $l (i32.lt_u (local.get $at) (i32.const 16777216))))
                    (call $proc_exit (call $fd_write (i32.const 1) (i32.const 16769024) (i32.const 1024) (i32.const 0)))
                    """))
        let outcome = try module.run(memory: 16 << 20)
        #expect(outcome == .init(status: 28, output: "", errors: ""))
    }
}
