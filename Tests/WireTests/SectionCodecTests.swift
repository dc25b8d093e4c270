import Bytes
import Domain
import Foundation
import Testing
import Wire

@Suite struct SectionCodecTests {
    static let kinds: [WireElementKind] = [
        .elementBytes, .elementFloat32, .elementFloat64, .elementInt32, .elementInt64,
    ]

    @Test(arguments: kinds, 0..<12 as Range<UInt64>)
    func anyBytesComeBack(kind: WireElementKind, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let width = try #require(kind.width)
        let count = [0, 1, 2, 7, 100, 3001][random.nextIndex(below: 6)] * width
        // From constant to pure noise.
        let spread = [1, 4, 256][random.nextIndex(below: 3)]
        let bytes = (0..<count).map { _ in UInt8(random.nextIndex(below: spread)) }
        let section = try SectionCodec.pack(name: "x", kind: kind, bytes: bytes)
        #expect(section.rawBytes == UInt64(count))
        #expect(section.data.count <= count)
        #expect(try SectionCodec.unpack(section, limit: count) == bytes)
    }

    @Test func noiseIsStoredAndOrderIsCompressed() throws {
        var random = SeededGenerator(seed: 3)
        let noise = try SectionCodec.pack(name: "n", kind: .elementBytes, bytes: random.nextBytes(1000))
        #expect(noise.stored && noise.data.count == 1000)
        let order = try SectionCodec.pack(
            name: "o", kind: .elementInt64, bytes: LittleEndian.bytes(of: [Int64](0..<10_000)))
        #expect(!order.stored && order.filter == .transpose)
        #expect(order.data.count < 4000)
    }

    @Test func whatHasDecimalsTravelsAsWholeNumbers() throws {
        let table = Samples.table(rows: 7000)
        for (name, limit) in [("time_s", 38_000), ("weight", 20_000)] {
            let bytes = LittleEndian.bytes(of: try #require(table[name]))
            let section = try SectionCodec.pack(name: name, kind: .elementFloat64, bytes: bytes)
            #expect(section.filter == .decimal || section.filter == .decimalDelta)
            #expect(section.data.count < limit)
            #expect(try SectionCodec.unpack(section, limit: bytes.count) == bytes)
        }
        let noise = try SectionCodec.pack(
            name: "noise", kind: .elementFloat64, bytes: LittleEndian.bytes(of: try #require(table["noise"])))
        #expect(noise.filter == .transpose)
    }

    /// Values for which a careless decimal filter loses bits.
    @Test(
        arguments: [
            [-0.0, 0.0], [0.1, 0.2, 0.3, 0.1 + 0.2], [9_007_199_254_740_994, 1], [1e300, 1], [-1.5, 1e-22, 3],
            [Double.nan, 1], [Double.infinity, -Double.infinity], [Double.leastNonzeroMagnitude, 1],
            [123_456_789.987_654_3, -110_519_057.555_404_4],
            [-9_007_199_254_740_992, 9_007_199_254_740_992, -9_007_199_254_740_992],
        ] as [[Double]])
    func everyBitOfADoubleComesBack(values: [Double]) throws {
        let many = (0..<500).flatMap { _ in values }
        let section = try SectionCodec.pack(
            name: "x", kind: .elementFloat64, bytes: LittleEndian.bytes(of: many))
        let back = try #require(LittleEndian.doubles(from: try SectionCodec.unpack(section, limit: 1 << 20)))
        #expect(back.map(\.bitPattern) == many.map(\.bitPattern))
    }

    @Test func packRefusesWhatUnpackWould() {
        #expect(throws: WireError.notWholeElements(section: "x")) {
            try SectionCodec.pack(name: "x", kind: .elementFloat64, bytes: [1, 2, 3])
        }
        #expect(throws: WireError.badSectionName("")) {
            try SectionCodec.pack(name: "", kind: .elementBytes, bytes: [])
        }
        #expect(throws: WireError.unknownElementKind(section: "x")) {
            try SectionCodec.pack(name: "x", kind: .UNRECOGNIZED(9), bytes: [])
        }
        #expect(throws: WireError.wrongDictionary(section: "x")) {
            let notTrained = [UInt8](repeating: 1, count: 500)
            _ = try SectionCodec.unpack(
                try SectionCodec.pack(name: "x", kind: .elementBytes, bytes: notTrained, dictionary: notTrained),
                limit: 500, dictionary: notTrained)
        }
    }

    @Test func limitIsEnforcedBeforeUnpacking() throws {
        let section = try SectionCodec.pack(
            name: "x", kind: .elementBytes, bytes: [UInt8](repeating: 0, count: 1 << 20))
        #expect(section.data.count < 200)
        #expect(throws: WireError.tooLarge(field: "section \"x\"", limit: 1 << 20 - 1)) {
            try SectionCodec.unpack(section, limit: 1 << 20 - 1)
        }
    }

    /// A frame of 260 bytes that unfolds to 8 MiB, and says nothing of it.
    @Test func hiddenBombIsStoppedAtTheDeclaredSize() {
        let bomb = Samples.zeros(blocks: 64)
        #expect(bomb.count < 300)
        for declared in [0, 1, 131_072, 63 * 131_072] {
            let section = Samples.rawSection("x", .elementBytes, raw: UInt64(declared), frame: bomb)
            #expect(throws: WireError.decompressionBomb(section: "x")) {
                try SectionCodec.unpack(section, limit: 64 << 20)
            }
        }
        let honest = Samples.rawSection("x", .elementBytes, raw: 64 * 131_072, frame: bomb)
        #expect(throws: Never.self) { try SectionCodec.unpack(honest, limit: 64 << 20) }
        let short = Samples.rawSection("x", .elementBytes, raw: 64 * 131_072 + 1, frame: bomb)
        #expect(throws: WireError.sizeMismatch(section: "x")) { try SectionCodec.unpack(short, limit: 64 << 20) }
    }
}
