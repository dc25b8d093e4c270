import Bytes
import Domain
import Testing
import Wire

/// Changed, cut and invented bytes never stop the program: they decode, or they are refused with a `WireError`.
@Suite struct FuzzTests {
    enum Target: String, CaseIterable, Sendable {
        case unit, result, table, plain

        func sample() throws -> [UInt8] {
            switch self {
            case .unit: try Samples.unit()
            case .result: try ResultContainer.encode(try Samples.resultBody())
            case .table: try TableContainer.encode(Samples.table(rows: 40))
            case .plain: try PlainContainer.encode(Samples.plain)
            }
        }

        /// Decodes everything down to the last section, as a worker child would.
        func decode(_ bytes: [UInt8]) throws(WireError) {
            switch self {
            case .unit:
                for section in try UnitContainer.decodeUnverified(bytes).sections {
                    _ = try SectionCodec.unpack(section, limit: 1 << 20)
                }
            case .result:
                for section in try ResultContainer.decode(bytes, limit: 1 << 20).sections {
                    _ = try SectionCodec.unpack(section, limit: 1 << 20)
                }
            case .table: _ = try TableContainer.decode(bytes)
            case .plain: _ = try PlainContainer.decode(bytes, limit: 1 << 20)
            }
        }
    }

    @Test(arguments: Target.allCases)
    func everyTruncationIsRefused(target: Target) throws {
        let sample = try target.sample()
        try target.decode(sample)
        for count in 0..<sample.count {
            #expect(throws: WireError.truncated) { try target.decode(Array(sample.prefix(count))) }
        }
        #expect(throws: WireError.trailingBytes) { try target.decode(sample + [0]) }
    }

    @Test(arguments: Target.allCases, 0..<8 as Range<UInt64>)
    func mutationsAreDecodedOrRefused(target: Target, seed: UInt64) throws {
        let sample = try target.sample()
        var random = SeededGenerator(seed: seed)
        var refused = 0
        for _ in 0..<400 {
            let bytes = Self.mutate(sample, &random)
            do throws(WireError) { try target.decode(bytes) } catch {
                refused += 1
                #expect(!error.description.isEmpty)
            }
        }
        // Most changes hit compressed numbers, which are then other numbers: only the hash above can tell.
        #expect(refused > 50)
    }

    @Test(arguments: Target.allCases)
    func inventedBodiesBehindAGoodHeader(target: Target) throws {
        let kind = UInt8(Target.allCases.firstIndex(of: target)! + 1)
        var random = SeededGenerator(seed: 99)
        for _ in 0..<400 {
            let body = random.nextBytes(random.nextIndex(below: 200))
            let tail = target == .unit ? [UInt8](repeating: 0, count: 64) : []
            #expect(throws: WireError.self) { try target.decode(Samples.frame(kind: kind, body: body) + tail) }
        }
    }

    /// Not one bit of a unit can change without the signature noticing.
    @Test func everyFlippedBitOfAUnitIsRefused() throws {
        let sample = try Samples.unit()
        for index in sample.indices {
            var bytes = sample
            bytes[index] ^= 1 << UInt8(index % 8)
            #expect(throws: WireError.self) { try UnitContainer.decode(bytes, key: Samples.key.publicKey) }
        }
    }

    @Test func csvOfAnyBytes() {
        let alphabet = Array("0123456789.,-+eE\n\r \"#;x\u{FEFF}".utf8)
        var random = SeededGenerator(seed: 4)
        for _ in 0..<3000 {
            let text = (0..<random.nextIndex(below: 40)).map { _ in alphabet[random.nextIndex(below: alphabet.count)] }
            let outcome = Result { () throws(Fault) in
                try TableCSV.parse(Array("a,b\n".utf8) + text, file: "x.csv")
            }
            switch outcome {
            case .success(let table):
                let values = Array(table.columns.joined())
                #expect(values.allSatisfy { $0.isFinite })
            case .failure(let fault):
                #expect(fault.kind == .badData)
                #expect(fault.message.hasPrefix("x.csv:"))
            }
        }
    }

    private static func mutate(_ sample: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = sample
        // Beyond the header most of the time, or nothing but the header would be tested.
        let first = random.nextIndex(below: 8) == 0 ? 0 : 16
        for _ in 0...random.nextIndex(below: 4) {
            let at = first + random.nextIndex(below: bytes.count - first)
            switch random.nextIndex(below: 4) {
            case 0: bytes[at] ^= 1 << UInt8(random.nextIndex(below: 8))
            case 1: bytes[at] = UInt8(random.nextIndex(below: 256))
            case 2: bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][random.nextIndex(below: 5)]
            default:
                // A piece from elsewhere: lengths that are plausible, in the wrong place.
                let length = min(1 + random.nextIndex(below: 8), bytes.count - at)
                let from = random.nextIndex(below: bytes.count - length + 1)
                bytes.replaceSubrange(at..<at + length, with: sample[from..<from + length])
            }
        }
        return bytes
    }
}
