import Domain
import Testing

@Suite("Text of others")
struct PrintableTextTests {
    @Test("Nothing moves the cursor, changes colours or turns a line around")
    func hostile() {
        let text = "a\u{1B}]0;pwned\u{07}\u{9B}31m\u{202E}b\u{2066}\u{7F}c\u{2028}d"
        let clean = PrintableText.clean(text)
        #expect(clean == "a?]0;pwned??31m?b??c?d")
        #expect(PrintableText.clean("two\nlines\tand") == "two lines and")
        #expect(PrintableText.cleanLines("two\nlines\u{1B}") == "two\nlines?")
    }

    @Test("Every language stays as it is")
    func languages() {
        for text in ["", "Ada", "Zoë", "計算", "שלום", "e\u{301}", "👩‍🔬"] { #expect(PrintableText.clean(text) == text) }
    }
}
