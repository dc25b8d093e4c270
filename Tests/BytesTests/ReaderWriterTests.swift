import Bytes
import Testing

@Suite struct ReaderWriterTests {
    @Test func layoutIsLittleEndian() {
        var writer = ByteWriter()
        writer.put(u8: 0x01)
        writer.put(u16: 0x0203)
        writer.put(u32: 0x0405_0607)
        writer.put(u64: 0x0809_0A0B_0C0D_0E0F)
        writer.put(f32: 1)
        writer.put(lengthPrefixed: "ä")
        #expect(
            Hex.encode(writer.bytes) == "01" + "0302" + "07060504" + "0f0e0d0c0b0a0908" + "0000803f" + "02000000c3a4")
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func whatWasWrittenIsRead(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let doubles = (0..<random.nextIndex(below: 9)).map { _ in Double(bitPattern: random.next()) }
        let floats = (0..<random.nextIndex(below: 9)).map { _ in Float(random.nextUnit()) }
        let bytes = random.nextBytes(random.nextIndex(below: 50))
        let (u64, i64) = (random.next(), Int64(bitPattern: random.next()))
        var writer = ByteWriter()
        writer.put(u64: u64)
        writer.put(i64: i64)
        writer.put(doubles: doubles)
        writer.put(floats: floats)
        writer.put(lengthPrefixed: bytes)
        var reader = ByteReader(writer.bytes)
        #expect(try reader.readU64() == u64)
        #expect(try reader.readI64() == i64)
        #expect(try reader.readDoubles(doubles.count).map(\.bitPattern) == doubles.map(\.bitPattern))
        #expect(try reader.readFloats(floats.count) == floats)
        #expect(throws: ByteReaderError.trailingBytes(bytes.count + 4)) { try reader.expectEnd() }
        #expect(try reader.readLengthPrefixed(limit: 50) == bytes)
        #expect(reader.remaining == 0)
        #expect(reader.offset == writer.count)
        try reader.expectEnd()
    }

    @Test func shortBytesAreRefusedNotTrapped() {
        var reader = ByteReader([1, 2, 3])
        #expect(throws: ByteReaderError.truncated(wanted: 4, remaining: 3)) { try reader.readU32() }
        #expect(throws: ByteReaderError.truncated(wanted: 4, remaining: 3)) { try reader.readBytes(4) }
        #expect(throws: ByteReaderError.truncated(wanted: -1, remaining: 3)) { try reader.readBytes(-1) }
        #expect(throws: ByteReaderError.self) { try reader.readDoubles(Int.max) }
        #expect(throws: ByteReaderError.self) { try reader.readDoubles(-1) }
        #expect(reader.remaining == 3)
        #expect(reader.readRest() == [1, 2, 3])
    }

    @Test func prefixesAreBoundedBeforeTheyAreBelieved() {
        var long = ByteReader([0xFF, 0xFF, 0xFF, 0xFF, 0])
        #expect(throws: ByteReaderError.tooLong(found: 0xFFFF_FFFF, limit: 100)) {
            try long.readLengthPrefixed(limit: 100)
        }
        var short = ByteReader([9, 0, 0, 0, 1])
        #expect(throws: ByteReaderError.truncated(wanted: 9, remaining: 1)) {
            try short.readLengthPrefixed(limit: 100)
        }
        var text = ByteReader([1, 0, 0, 0, 0xC3])
        #expect(throws: ByteReaderError.notUTF8) { try text.readText(limit: 100) }
    }

    @Test func slicesReadFromTheirOwnStart() throws {
        var reader = ByteReader([9, 9, 7, 0, 9][2..<4])
        #expect(try reader.readU16() == 7)
        try reader.expectEnd()
    }

    @Test func arraysOfNumbers() {
        #expect(LittleEndian.bytes(of: [1.5, -2.0] as [Double]).count == 16)
        #expect(LittleEndian.doubles(from: LittleEndian.bytes(of: [1.5, -.infinity])) == [1.5, -.infinity])
        #expect(LittleEndian.floats(from: [0, 0, 0x80, 0x3F]) == [1])
        #expect(LittleEndian.int32s(from: LittleEndian.bytes(of: [Int32.min, -1, 7])) == [.min, -1, 7])
        #expect(LittleEndian.int64s(from: LittleEndian.bytes(of: [Int64.max, -1])) == [.max, -1])
        #expect(LittleEndian.doubles(from: [0, 1, 2]) == nil)
        #expect(LittleEndian.floats(from: []) == [])
    }
}
