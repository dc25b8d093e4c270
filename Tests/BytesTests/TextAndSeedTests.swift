import Bytes
import Testing

@Suite struct TextAndSeedTests {
    @Test func hexadecimal() {
        #expect(Hex.encode([0, 1, 0x7F, 0xAB, 0xFF]) == "00017fabff")
        #expect(Hex.decode("00017fABff") == [0, 1, 0x7F, 0xAB, 0xFF])
        #expect(Hex.decode("") == [])
        for wrong in ["0", "0g", "g0", "0 ", "ä", "0x", "123"] { #expect(Hex.decode(wrong) == nil) }
    }

    @Test func everyByteComesBack() {
        let bytes = (0...255).map { UInt8($0) }
        #expect(Hex.decode(Hex.encode(bytes)) == bytes)
    }

    /// The published outputs of SplitMix64 for seed 1234567.
    @Test func splitMix64() {
        var random = SeededGenerator(seed: 1_234_567)
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        #expect(expected.map { _ in random.next() } == expected)
    }

    @Test func unitsAndIndicesKeepTheirRange() {
        var random = SeededGenerator(seed: 5)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<7000 {
            let unit = random.nextUnit()
            #expect(unit >= 0 && unit < 1)
            counts[random.nextIndex(below: 7)] += 1
        }
        // Standard deviation 29: 6 of them.
        #expect(counts.allSatisfy { abs($0 - 1000) < 180 })
        #expect(random.nextBytes(0) == [])
        #expect(random.nextBytes(13).count == 13)
    }
}
