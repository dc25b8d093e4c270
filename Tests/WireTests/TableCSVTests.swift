import Bytes
import Domain
import Testing
import Wire

@Suite struct TableCSVTests {
    static func parse(_ text: String) throws(Fault) -> Table {
        try TableCSV.parse(Array(text.utf8), file: "photons.csv")
    }

    @Test(arguments: [
        "time_s,weight\n1,0.5\n-2.5e3,1\n", "time_s,weight\r\n1,0.5\r\n-2.5e3,1\r\n", "time_s,weight\n1,0.5\n-2500,1",
        " time_s , weight\n 1 ,\t0.5 \n-2500.0,+1.\n\n", "\u{FEFF}time_s,weight\n1,.5\n-2500,1E0\n\r\n",
    ])
    func waysToWriteTheSameTable(text: String) throws {
        let table = try Self.parse(text)
        #expect(table.names == ["time_s", "weight"])
        #expect(table.columns == [[1, -2500], [0.5, 1]])
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func numbersAreReadToTheBit(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var texts: [String] = []
        for _ in 0..<400 {
            let bits = Double(bitPattern: random.next())
            if bits.isFinite { texts.append("\(bits)") }
            let (whole, part) = (random.nextIndex(below: 1 << 40), random.nextIndex(below: 10_000_000))
            texts.append("-\(whole).\(part)")
            texts.append("\(whole)e-\(random.nextIndex(below: 30))")
            texts.append("0.\(String(repeating: "0", count: random.nextIndex(below: 25)))\(whole)\(part)\(whole)")
        }
        let table = try Self.parse("x\n" + texts.joined(separator: "\n") + "\n")
        #expect(table.columns[0].map(\.bitPattern) == texts.map { Double($0)!.bitPattern })
    }

    /// Cases on which careless readers of decimals round the wrong way, and the ends of the range.
    @Test(arguments: [
        ("9007199254740993", 9_007_199_254_740_992), ("2.2250738585072011e-308", Double.leastNormalMagnitude.nextDown),
        ("2.2250738585072014e-308", 0x1p-1022), ("1.7976931348623157e308", 0x1.fffffffffffffp1023),
        ("4.9e-324", Double.leastNonzeroMagnitude), ("1e-400", 0), ("0e999999999999", 0),
        ("1.00000000000000011102230246251565404236316680908203125", 1),
        ("1.00000000000000011102230246251565404236316680908203126", 1.0000000000000002),
        ("123456789012345678901234567890", 1.2345678901234568e29), ("-0", -0.0),
    ])
    func hardNumbers(text: String, expected: Double) throws {
        #expect(try Self.parse("x\n\(text)\n").columns[0][0].bitPattern == expected.bitPattern)
    }

    @Test(arguments: [
        ("", "photons.csv:1:1: the file is empty"),
        ("a,b\n", "photons.csv:2:1: no rows follow the header"),
        ("a,a\n1,2\n", "photons.csv:1:3: a second column called a"),
        ("a,,b\n1,2,3\n", "photons.csv:1:3: a column without a name"),
        ("# made by hand\na\n1\n", "photons.csv:1:1: a comment line where the column names are expected"),
        ("1,2\n3,4\n", "photons.csv:1:1: a number where a column name is expected"),
        ("\"a\",b\n1,2\n", "photons.csv:1:1: a quoted field"),
        ("a,b\n1,\"2\"\n", "photons.csv:2:3: a quoted field"),
        ("a,b\n1,2\n3\n", "photons.csv:3: 1 fields, and the header names 2 columns"),
        ("a,b\n1,2\n3", "photons.csv:3: 1 fields, and the header names 2 columns"),
        ("a,b\n1,2,3\n", "photons.csv:2:5: more fields than the 2 columns of the header"),
        ("a,b\n1,\n", "photons.csv:2:3: an empty field for b"),
        ("a,b\n1,x2\n", "photons.csv:2:3: `x2` is not a number for b"),
        ("a,b\n1,2x\n", "photons.csv:2:3: `2x` is not a number for b"),
        ("a,b\n1,1 2\n", "photons.csv:2:5: `2` follows the number for b"),
        ("a,b\n1,0x10\n", "photons.csv:2:3: `0x10` is not a number for b"),
        ("a,b\n1,NaN\n", "photons.csv:2:3: NaN for b, where a finite number is expected"),
        ("a,b\n-inf,1\n", "photons.csv:2:1: -inf for a, where a finite number is expected"),
        ("a,b\n1e999,1\n", "photons.csv:2:1: a number too large for a double"),
        ("a,b\n1e,1\n", "photons.csv:2:1: `1e` is not a number for a"),
        ("a,b\n1;2\n", "photons.csv:2:1: `1;2` is not a number"),
        ("a,b\n1,2\n# end\n", "photons.csv:3:1: a comment line"),
        ("a,b\n1,2\n\n3,4\n", "photons.csv:3:1: an empty line within the table"),
        ("a,b\n1,2\r3,4\n", "photons.csv:2:4: a line end without LF"),
    ])
    func faultsNameTheirPlace(text: String, message: String) {
        #expect {
            try Self.parse(text)
        } throws: { error in
            guard let fault = error as? Fault else { return false }
            #expect(fault.message == message)
            return fault.kind == .badData && fault.advice != nil
        }
    }

    @Test func tooManyAndTooLongNames() {
        let wide = (0...256).map { "c\($0)" }.joined(separator: ",")
        #expect(throws: Fault.self) { try Self.parse(wide + "\n") }
        #expect(throws: Fault.self) { try Self.parse(String(repeating: "n", count: 65) + "\n1\n") }
        #expect(throws: Fault.self) { try TableCSV.parse([0xFF, 0x0A, 0x31], file: "x") }
    }

    @Test func whatIsParsedIsPackedAndComesBack() throws {
        let table = Samples.table(rows: 500)
        let lines = (0..<500).map { row in table.columns.map { "\($0[row])" }.joined(separator: ",") }
        let parsed = try Self.parse(table.names.joined(separator: ",") + "\n" + lines.joined(separator: "\n"))
        #expect(parsed == table)
        #expect(try TableContainer.decode(try TableContainer.encode(parsed)) == table)
    }
}
