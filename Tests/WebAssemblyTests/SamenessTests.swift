import Testing
import WebAssembly

@Suite("Modules compute the same everywhere")
struct SamenessTests {
    /// Says 64 bytes: a NaN, random bytes, two times, and a sum that does not associate.
    static let telling =
        Text.writing + Text.importing("random_get", "i32 i32") + Text.importing("clock_time_get", "i32 i64 i32")
        + Text.memory
        + Text.start(
            """
            (local $i i32) (local $sum f64)
            (f64.store (i32.const 1024) (f64.div (f64.const 0) (f64.const 0)))
            (drop (call $random_get (i32.const 1032) (i32.const 24)))
            (drop (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 1056)))
            (loop $l
                (local.set $sum (f64.add (local.get $sum)
                    (f64.sqrt (f64.convert_i32_s (local.get $i)))))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $l (i32.lt_s (local.get $i) (i32.const 1000))))
            (f64.store (i32.const 1064) (local.get $sum))
            (drop (call $clock_time_get (i32.const 1) (i64.const 1) (i32.const 1072)))
            (i64.store (i32.const 1080) (i64.reinterpret_f64 (f64.sqrt (f64.const -1))))
            \(hexadecimal)
            \(Text.say(128))
            """)

    /// Turns the 64 bytes at 1024 into 128 digits there.
    private static let hexadecimal = """
        (local.set $i (i32.const 64))
        (loop $h
            (local.set $i (i32.sub (local.get $i) (i32.const 1)))
            (i32.store8 (i32.add (i32.const 2049) (i32.mul (i32.const 2) (local.get $i)))
                (i32.load8_u (i32.add (i32.const 3072) (i32.and (i32.const 15)
                    (i32.load8_u (i32.add (i32.const 1024) (local.get $i)))))))
            (i32.store8 (i32.add (i32.const 2048) (i32.mul (i32.const 2) (local.get $i)))
                (i32.load8_u (i32.add (i32.const 3072) (i32.shr_u
                    (i32.load8_u (i32.add (i32.const 1024) (local.get $i))) (i32.const 4)))))
            (br_if $h (local.get $i)))
        (memory.copy (i32.const 1024) (i32.const 2048) (i32.const 128))
        """

    @Test(
        "NaN, random numbers, times, and sums are the same bytes in each run and by known values; another seed is not")
    func bytes() throws {
        let module = try ModuleFixture(Self.telling + "(data (i32.const 3072) \"0123456789abcdef\")")
        let first = try module.run(more: ["--seed", "unit-1"])
        #expect(first.status == 0 && first.errors.isEmpty && first.output.count == 128, "\(first)")
        for addressSpace in [nil, 2_000_000] {
            #expect(try module.run(more: ["--seed", "unit-1"], addressSpaceKiB: addressSpace) == first)
        }
        // The label of a work unit is the seed.
        #expect(try module.run(environment: ["MILLRACE_LABEL": "unit-1"]) == first)
        let other = try module.run(more: ["--seed", "unit-2"])
        #expect(other.output.count == 128 && other.output != first.output)
        // The one quiet NaN, and again for the root of -1; 21065.833110879048 is the sum, to the last bit.
        let words = (0..<8).map { word in
            first.output.dropFirst(16 * word).prefix(16)
        }
        let nan = "000000000000f87f"
        #expect(words[0] == nan && words[7] == nan)
        var sum = 0.0
        for n in 0..<1000 { sum += Double(n).squareRoot() }
        let expected = (0..<8).map { n in
            let byte = UInt8(truncatingIfNeeded: sum.bitPattern >> (8 * UInt64(n)))
            return (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        #expect(words[5] == expected.joined()[...])
    }

    @Test("A clock stands where the fuel does, and sleeping moves it without waiting")
    func clock() throws {
        let module = try ModuleFixture(
            Text.exit + Text.importing("clock_time_get", "i32 i64 i32")
                + Text.importing("poll_oneoff", "i32 i32 i32 i32") + Text.memory
                + Text.start(
                    """
                    (i64.store (i32.const 24) (i64.const 1000000000000))
                    (i32.store (i32.const 16) (i32.const 1))
                    (drop (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 200)))
                    (drop (call $poll_oneoff (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 300)))
                    (drop (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 208)))
                    (if (i32.ne (i32.load (i32.const 300)) (i32.const 1)) (then unreachable))
                    (call $proc_exit (i32.and
                        (i64.gt_u (i64.load (i32.const 200)) (i64.const 946684799999999999))
                        (i32.and
                            (i64.gt_u (i64.sub (i64.load (i32.const 208)) (i64.load (i32.const 200)))
                                (i64.const 1000000000000))
                            (i64.lt_u (i64.sub (i64.load (i32.const 208)) (i64.load (i32.const 200)))
                                (i64.const 1000000000100)))))
                    """))
        #expect(try module.run().status == 1)
    }

    @Test("It sees no variables but those of its work unit and those it was given")
    func environment() throws {
        let module = try ModuleFixture(
            Text.writing + Text.importing("environ_get", "i32 i32") + Text.importing("args_get", "i32 i32")
                + Text.memory
                + Text.start(
                    """
                    (drop (call $environ_get (i32.const 512) (i32.const 1024)))
                    (drop (call $args_get (i32.const 512) (i32.const 1060)))
                    \(Text.say(64))
                    """))
        let outcome = try module.run(
            ["a b", ""], more: ["--env", "ORDER=4"],
            environment: ["PATH": "/usr/bin:/bin", "MILLRACE_LABEL": "u7", "MILLRACE_TOKEN": "secret"])
        let texts = outcome.output.split(separator: "\0").map(String.init)
        #expect(outcome.status == 0 && texts == ["MILLRACE_LABEL=u7", "ORDER=4", "module.wasm", "a b"], "\(texts)")
    }

    @Test("Room is reserved for all of a module's addresses where there is so much, else every access is checked")
    func plans() {
        let wide = MemoryPlan(addressSpaceBytes: .max)
        #expect(wide.reservedBytes == 4 << 30 && wide.guardBytes == 32 << 20)
        let narrow = MemoryPlan(addressSpaceBytes: 4 << 30)
        #expect(narrow.reservedBytes == 0 && narrow.guardBytes == 64 << 10)
    }

    @Test("Sums of texts are FNV-1a, random numbers SplitMix64: values as published")
    func generators() {
        #expect(ModuleRandom.sum("") == 0xcbf2_9ce4_8422_2325)
        #expect(ModuleRandom.sum("foobar") == 0x8594_4171_f739_67e8)
        var random = ModuleRandom(state: 1_234_567)
        #expect(random.next() == 6_457_827_717_110_365_317 && random.next() == 3_203_168_211_198_807_973)
    }
}
