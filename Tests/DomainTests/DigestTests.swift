import Domain
import Testing

@Suite struct DigestTests {
    @Test func hexadecimalBothWays() throws {
        let bytes = (0..<32).map { UInt8($0 * 8) }
        let digest = try #require(Digest(bytes: bytes))
        #expect(digest.hex == "0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8")
        #expect(Digest(hex: digest.hex) == digest)
        #expect("\(digest)" == digest.hex)
    }

    @Test(arguments: [
        "", "00", String(repeating: "0", count: 63), String(repeating: "0", count: 65),
        String(repeating: "A", count: 64), String(repeating: "g", count: 64), String(repeating: "ä", count: 32),
        " " + String(repeating: "0", count: 63),
    ])
    func onlySixtyFourLowerCaseDigits(text: String) {
        #expect(Digest(hex: text) == nil)
    }

    @Test(arguments: [0, 31, 33])
    func onlyThirtyTwoBytes(count: Int) {
        #expect(Digest(bytes: [UInt8](repeating: 0, count: count)) == nil)
    }

    @Test func orderIsThatOfTheBytes() throws {
        var bytes = [UInt8](repeating: 0, count: 32)
        let low = try #require(Digest(bytes: bytes))
        bytes[31] = 0xFF
        let middle = try #require(Digest(bytes: bytes))
        bytes[0] = 1
        let high = try #require(Digest(bytes: bytes))
        #expect(low < middle && middle < high && !(high < low))
    }
}
