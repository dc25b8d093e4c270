import Bytes
import Domain
import Foundation
import SwiftProtobuf
import Testing
import Wire

@Suite struct ContainerTests {
    @Test func unitComesBack() throws {
        let body = try Samples.unitBody()
        let bytes = try UnitContainer.encode(body, key: Samples.key)
        #expect(try UnitContainer.decode(bytes, key: Samples.key.publicKey) == body)
        #expect(try UnitContainer.decodeUnverified(bytes) == body)
        let ratios = try SectionCodec.unpack(body.sections[1], limit: Limits.sectionBytesMax)
        #expect(LittleEndian.doubles(from: ratios) == Samples.ratios)
    }

    @Test func unitIsSmall() throws {
        let bytes = try UnitContainer.encode(try Samples.unitBody(), key: Samples.key)
        // Payload 244 bytes; signature 64, input's hash 32, header 16, and 150 for all names and numbers.
        #expect(bytes.count < 244 + 64 + 32 + 16 + 150)
    }

    @Test func onlyTheProjectsKeySigns() throws {
        let bytes = try UnitContainer.encode(try Samples.unitBody(), key: Samples.otherKey)
        #expect(throws: WireError.badSignature) { try UnitContainer.decode(bytes, key: Samples.key.publicKey) }
    }

    @Test func resultComesBack() throws {
        let body = try Samples.resultBody()
        let bytes = try ResultContainer.encode(body)
        #expect(try ResultContainer.decode(bytes, limit: 1 << 20) == body)
        #expect(try ResultContainer.decode(bytes, limit: Int.max) == body)
    }

    @Test func resultObeysItsUnitsBound() throws {
        let bytes = try ResultContainer.encode(try Samples.resultBody())
        #expect(throws: WireError.tooLarge(field: "result container", limit: bytes.count - 1)) {
            try ResultContainer.decode(bytes, limit: bytes.count - 1)
        }
        var body = try Samples.resultBody()
        body.sections = [
            try SectionCodec.pack(name: "z", kind: .elementBytes, bytes: [UInt8](repeating: 0, count: 5000))
        ]
        let small = try ResultContainer.encode(body)
        #expect(small.count < 200)
        #expect(throws: WireError.tooLarge(field: "section \"z\"", limit: 4999)) {
            try ResultContainer.decode(small, limit: 4999)
        }
        #expect(throws: Never.self) { try ResultContainer.decode(small, limit: 5000) }
    }

    @Test(arguments: [1, 2, 300])
    func tableComesBackBitForBit(rows: Int) throws {
        let table = Samples.table(rows: rows)
        #expect(try TableContainer.decode(try TableContainer.encode(table)) == table)
    }

    @Test func tableIsSmallerThanItsText() throws {
        let table = Samples.table(rows: 7000)
        let decimals = try #require(Table(names: ["time_s", "weight"], columns: Array(table.columns.prefix(2))))
        let text = (0..<7000).map { "\(decimals.columns[0][$0]),\(decimals.columns[1][$0])\n" }.joined()
        let packed = try TableContainer.encode(decimals).count
        let zipped = try PlainContainer.encode(Array(text.utf8)).count
        #expect(packed * 10 < zipped * 9, "\(packed) bytes packed, \(zipped) bytes as compressed text")
    }

    @Test func tableRefusesWhatIsNoNumber() throws {
        for value in [Double.nan, .infinity, -.infinity] {
            let table = try #require(Table(names: ["a", "b"], columns: [[1, 2], [1, value]]))
            #expect(throws: WireError.notFinite(section: "b")) { try TableContainer.encode(table) }
        }
        let none = try #require(Table(names: [], columns: []))
        #expect(throws: WireError.outOfRange(field: "sections")) { try TableContainer.encode(none) }
        let wide = try #require(
            Table(names: (0...256).map { "c\($0)" }, columns: [[Double]](repeating: [1], count: 257)))
        #expect(throws: WireError.tooMany(field: "sections", limit: 256)) { try TableContainer.encode(wide) }
    }

    @Test(arguments: [[], [0], Samples.plain, [UInt8](repeating: 9, count: 100_000)])
    func plainComesBack(bytes: [UInt8]) throws {
        let packed = try PlainContainer.encode(bytes)
        #expect(try PlainContainer.decode(packed, limit: bytes.count) == bytes)
        if !bytes.isEmpty {
            #expect(throws: WireError.self) { try PlainContainer.decode(packed, limit: bytes.count - 1) }
        }
    }

    @Test func noiseIsStoredWithinTheOverhead() throws {
        var random = SeededGenerator(seed: 1)
        let noise = random.nextBytes(70_000)
        let packed = try PlainContainer.encode(noise)
        #expect(packed.count <= noise.count + 64)
        #expect(try PlainContainer.decode(packed, limit: noise.count) == noise)
    }

    @Test func encodersRefuseWhatDecodersWould() throws {
        var body = try Samples.unitBody()
        body.flops = .nan
        #expect(throws: WireError.outOfRange(field: "flops")) { try UnitContainer.encode(body, key: Samples.key) }
        var result = try Samples.resultBody()
        result.unitSha256 = Data()
        #expect(throws: WireError.outOfRange(field: "unit_sha256")) { try ResultContainer.encode(result) }
    }

    @Test func unitAtItsLargest() throws {
        var body = try Samples.unitBody()
        var random = SeededGenerator(seed: 8)
        let noise = random.nextBytes(Limits.workUnitBytesMax)
        body.sections = [try SectionCodec.pack(name: "n", kind: .elementBytes, bytes: noise)]
        #expect(throws: WireError.self) { try UnitContainer.encode(body, key: Samples.key) }
        body.sections = [
            try SectionCodec.pack(name: "n", kind: .elementBytes, bytes: Array(noise.dropLast(1000)))
        ]
        let bytes = try UnitContainer.encode(body, key: Samples.key)
        #expect(bytes.count <= Limits.workUnitBytesMax)
        #expect(try UnitContainer.decode(bytes, key: Samples.key.publicKey) == body)
    }

    /// Newer programs may add fields; older ones skip them.
    @Test func unknownFieldsAreSkipped() throws {
        let body: [UInt8] = try Samples.unitBody().serializedBytes()
        // Field 1000, varint 1.
        let bytes = Samples.signed(Samples.frame(kind: 1, body: body + [0xC0, 0x3E, 0x01]))
        #expect(try UnitContainer.decode(bytes, key: Samples.key.publicKey) == Samples.unitBody())
    }
}
