import Bytes
import Comparators
import Domain
import Plugins
import Testing

@Suite struct TextTests {
    private static func differs(_ rule: TextRule, _ a: String, _ b: String) throws -> Difference? {
        try ComparatorsTests.differs(.text(rule), text("log", a), text("log", b))
    }

    @Test func lineEndsAndSpacesDoNotMatter() throws {
        let rule = TextRule(.lines)
        #expect(try Self.differs(rule, "a  b\nc\n", "a b\r\nc") == nil)
        #expect(try Self.differs(rule, "a\n\nb", "a\nb")?.element == "log line 2")
        #expect(try Self.differs(rule, "a\nb\nc", "a\nb")?.element == "log (lines)")
        #expect(try Self.differs(rule, "a\nb 1\nc", "a\nb 2\nc")?.element == "log line 2")
        #expect(try Self.differs(rule, "ab", "a b") != nil)
    }

    @Test func numbersWithinTolerance() throws {
        let rule = TextRule(.lines, numbers: Closeness(absolute: 0.125))
        #expect(try Self.differs(rule, "x=1.0, y=[2e0; 3]", "x=1.125, y=[2.0; +3]") == nil)
        let found = try Self.differs(rule, "x=1.0\ny=2", "x=1.0\ny=2.5")
        #expect(found == Difference(element: "log line 2", distance: 0.5, tolerance: 0.125))
        #expect(try Self.differs(TextRule(.lines), "1.0", "1.00") != nil)
        // No numbers: hexadecimal, words, what is beyond a Double, endless digits.
        for (a, b) in [("0x10", "16"), ("nan", "nan."), ("inf", "Infinity"), ("1e999", "2e999"), ("1.2.3", "1.2.30")] {
            #expect(try Self.differs(rule, a, b)?.distance == .infinity)
        }
        let long = String(repeating: "1", count: 100)
        #expect(try Self.differs(rule, long, long + ".0") != nil)
    }

    @Test func ignoredLinesAndKeys() throws {
        let rule = TextRule(.lines, ignoredPrefixes: ["# ", "\"started\":"], ignoredFields: ["elapsed", "host"])
        #expect(try Self.differs(rule, "# at noon\nx 1", "x 1\n   # at midnight\n") == nil)
        #expect(try Self.differs(rule, "  \"started\": 12,\nx", "\"started\": 13,\nx") == nil)
        #expect(try Self.differs(rule, "#at noon\nx 1", "x 1") != nil)
        let a = #"{"id": 7, "elapsed": 1.25, "host": {"n": ["a", "}"], "m": 1}, "power": [1, 2]}"#
        let b = #"{"id": 7, "elapsed": 99, "host":"x,y\"z", "power": [1, 2]}"#
        #expect(try Self.differs(rule, a, b) == nil)
        #expect(try Self.differs(rule, a, b.replacing("[1, 2]", with: "[1, 3]")) != nil)
        // The word as a value is no key.
        #expect(try Self.differs(rule, #"["elapsed", 1]"#, #"["elapsed", 2]"#) != nil)
    }

    @Test func columnsByName() throws {
        let rule = TextRule(
            .csv(separator: UInt8(ascii: ",")), ignoredFields: ["seconds"], numbers: Closeness(relative: 0.01))
        #expect(try Self.differs(rule, "f,seconds,p\n1,5,100\n", "f,seconds,p\n1,77,100.5\n") == nil)
        // An ignored column may even be missing on one side, or stand elsewhere.
        #expect(try Self.differs(rule, "f,seconds,p\n1,5,100\n", "seconds,f,p\n9,1,100\n") == nil)
        #expect(try Self.differs(rule, "f,seconds,p\n1,5,100\n", "f,p\n1,100\n") == nil)
        let found = try Self.differs(rule, "f,seconds,p\n1,5,100\n", "f,seconds,p\n1,5,102\n")
        #expect(found?.element == "log line 2 column p")
        #expect(try Self.differs(rule, "f,p\n1,2\n", "f,q\n1,2\n")?.element == "log (header)")
        #expect(try Self.differs(rule, "f,p\n1,2\n", "f,p\n1,2,3\n")?.element == "log line 2 (columns)")
        #expect(try Self.differs(rule, "f\n\"a,\"\"b\"\n", "f\n\"a,\"\"c\"\n") != nil)
        #expect(try Self.differs(rule, "f,p\n\"1\",2\n", "f,p\n1,2\n") == nil)
        #expect(try Self.differs(rule, "", "f,p\n")?.element == "log (header)")
    }

    @Test func anyOrderOfLines() throws {
        let rule = TextRule(.lines, ignoredFields: ["t"], isOrdered: false)
        #expect(try Self.differs(rule, "a\n{\"t\": 1}\nb", "b\na\n{\"t\": 2}") == nil)
        #expect(try Self.differs(rule, "a\na\nb", "a\nb\nb")?.element == "log sorted line 2")
        #expect(try Self.differs(rule, "a\nb", "a")?.distance == 1)
        // Parts are not run together.
        #expect(try Self.differs(rule, "ab c", "a bc") != nil)
        let csv = TextRule(.csv(separator: 9), ignoredFields: ["t"], isOrdered: false)
        #expect(try Self.differs(csv, "a\tt\n1\t2\n3\t4\n", "t\ta\n8\t3\n9\t1\n") == nil)
        #expect(try Self.differs(csv, "a\tt\n1\t2\n3\t4\n", "t\ta\n8\t3\n9\t2\n") != nil)
    }

    @Test func bytesThatAreNoTextAndKindsThatAreNone() throws {
        let rule = ComparisonRule.text(TextRule(.lines))
        let a = PayloadSection(name: "log", kind: .bytes, bytes: [0xFF, 0, 0x0A, 0x22, 0x5C])
        let b = PayloadSection(name: "log", kind: .bytes, bytes: [0xFF, 1, 0x0A, 0x22, 0x5C])
        #expect(try ComparatorsTests.differs(rule, a, a) == nil)
        #expect(try ComparatorsTests.differs(rule, a, b)?.element == "log line 1")
        #expect(try ComparatorsTests.differs(rule, reals("log", [1]), reals("log", [1]))?.element == "log (no text)")
    }

    @Test func millionsOfLinesTakeLinearTime() throws {
        let a = String(repeating: "[[[[\"x\\\":1 2\n", count: 300_000)
        let rule = TextRule(.lines, ignoredFields: ["x"], numbers: Closeness(absolute: 1))
        #expect(try Self.differs(rule, a, a + " ")?.element == "log (lines)")
        #expect(try Self.differs(rule, a + "1", a + "2") == nil)
        // One line of brackets and quotes that nobody closes.
        let open = String(repeating: "\"x\":[{\"", count: 300_000)
        #expect(try Self.differs(rule, open + "1", open + "9") == nil)
        let sorting = TextRule(.lines, isOrdered: false)
        var limits = ComparisonLimits()
        limits.linesMax = 1000
        let comparator = try ResultComparator(.text(sorting), limits: limits)
        let found = comparator.difference(Payload(text("x", a)), Payload(text("x", a + "y")))
        #expect(found?.element == "x (too many lines)")
    }

    private static let words = [
        "a", "\"t\"", ":", "1", "1.125", "-2", ",", " ", "\n", "{", "}", "[", "\"", "\\", "# ", "\r\n", "1e9", "\t",
    ]

    @Test func lawsHoldForRandomTexts() throws {
        try trials { random in
            let a = (0..<random.nextIndex(below: 16)).map { _ in random.oneOf(Self.words) }
            var b = a
            if !a.isEmpty, random.nextIndex(below: 4) > 0 {
                b[random.nextIndex(below: a.count)] = random.oneOf(Self.words)
            }
            let ordered = random.nextIndex(below: 3) > 0
            let numbers: Closeness? = ordered ? random.oneOf([nil, Closeness(absolute: 0.125)]) : nil
            let layout: TextRule.Layout = random.oneOf([.lines, .csv(separator: UInt8(ascii: ","))])
            let fields = random.oneOf([[], ["t", "a"]])
            var rule = TextRule(
                layout, ignoredPrefixes: random.oneOf([[], ["# "]]), ignoredFields: fields, numbers: numbers,
                isOrdered: ordered)
            let (x, y) = (a.joined(), b.joined())
            let found = try Self.differs(rule, x, y)
            if try Self.differs(rule, y, x) != found { return "not symmetric" }
            if try Self.differs(rule, x, x) != nil { return "not reflexive" }
            let isOpen = x.utf8.last.map { $0 != 10 && $0 != 13 } ?? false
            if isOpen, try Self.differs(rule, x, x + "\r\n") != nil {
                return "the end of the last line matters"
            }
            guard ordered else { return nil }
            rule.numbers = Closeness(absolute: 4, relative: 0.5)
            if found == nil, try Self.differs(rule, x, y) != nil { return "a wider tolerance tells them apart" }
            return nil
        }
    }
}
