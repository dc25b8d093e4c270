import Domain
import Testing

@Suite("Link codes")
struct LinkCodeTests {
    @Test("Forty random bits become eight letters, and come back from any way of writing them")
    func reading() throws {
        #expect("\(LinkCode(random: [0, 0, 0, 0, 0]))" == "0000-0000")
        #expect("\(LinkCode(random: [255, 255, 255, 255, 255]))" == "ZZZZ-ZZZZ")
        #expect("\(LinkCode(random: [0x01, 0x23, 0x45, 0x67, 0x89]))" == "04HM-ASW9")
        let code = LinkCode(random: [0x08, 0x42, 0x10, 0x84, 0x21])
        #expect("\(code)" == "1111-1111")
        for text in ["1111-1111", "11111111", "llll-IIII", " 1l i-1 1L-I1", "1-1-1-1-1-1-1-1"] {
            #expect(LinkCode(text) == code, "\(text)")
        }
        #expect(LinkCode("oOoO-k7qf")?.description == "0000-K7QF")
    }

    @Test(
        "What is no code is none",
        arguments: [
            "", "-", "1111111", "111111111", "U111-1111", "1111_1111", "1111-111é", "１１１１１１１１",
            String(repeating: "-", count: 100) + "11111111", "K7QF\u{0}2M9T",
        ])
    func refusing(text: String) { #expect(LinkCode(text) == nil) }

    @Test("Different bits are different codes, and every letter can be mistaken for no other")
    func alphabet() {
        var seen: Set<String> = []
        for value in 0..<32 {
            let code = LinkCode(random: [UInt8(value << 3), 0, 0, 0, 0])
            let letter = code.letters.prefix(1)
            seen.insert(String(letter))
            #expect(LinkCode(code.letters.lowercased()) == code)
            #expect(!"ILOU".contains(letter))
        }
        #expect(seen.count == 32)
    }
}
