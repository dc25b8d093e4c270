import Console
import Testing

@Suite struct RenderingTests {
    @Test(arguments: [false, true])
    func aBarHasItsWidthAndGrows(unicode: Bool) {
        for width in 20...200 {
            var last = -1
            for percent in 0...100 {
                let bar = ProgressBar.text(Double(percent) / 100, width: width, unicode: unicode)
                #expect(Printable.width(bar) == width)
                let filled = bar.filter { $0 == "#" || $0 == "\u{2588}" }.count
                #expect(filled >= last)
                last = filled
                if percent > 0 { #expect(filled >= 1) }
                #expect((filled == width - 2) == (percent == 100))
            }
        }
    }

    @Test func barsOfNoWidthAndOddFractionsAreHarmless() {
        for width in -3...2 { #expect(ProgressBar.text(0.5, width: width, unicode: false) == "") }
        #expect(ProgressBar.text(.nan, width: 5, unicode: false) == "[...]")
        #expect(ProgressBar.text(-1, width: 5, unicode: false) == "[...]")
        #expect(ProgressBar.text(7, width: 5, unicode: false) == "[###]")
    }

    @Test func percentagesReachAHundredOnlyAtTheEnd() {
        #expect(ProgressBar.percent(0) == "0.0 %")
        #expect(ProgressBar.percent(0.45678) == "45.6 %")
        #expect(ProgressBar.percent(0.99999) == "99.9 %")
        #expect(ProgressBar.percent(1) == "100.0 %")
        #expect(ProgressBar.percent(.infinity) == "0.0 %")
    }

    @Test func aStatusLineNeverExceedsTheWindow() {
        let parts = ["123/272 units", "2 min 5 s left", "1.25 units/s", "4 hosts"]
        for width in 1...200 {
            let line = StatusLine.text(0.45, parts: parts, width: width, unicode: true)
            #expect(Printable.width(line) <= width)
        }
        #expect(StatusLine.text(0.5, parts: parts, width: 80, unicode: false).hasPrefix("[#"))
        #expect(StatusLine.text(0.5, parts: parts, width: 80, unicode: false).contains("123/272 units"))
        #expect(StatusLine.text(0.5, parts: parts, width: 120, unicode: false).contains("4 hosts"))
    }

    @Test func aNarrowedWindowIsErasedByRowsNotByLines() {
        var block = LiveBlock()
        let wide = String(repeating: "x", count: 79)
        #expect(block.redraw([wide, "y"], width: 80) == wide + "\ny\n")
        // At 40 columns the old first line takes two rows.
        let redrawn = block.redraw([wide], width: 40)
        #expect(redrawn.hasPrefix("\u{1B}[3A\r\u{1B}[J"))
        #expect(redrawn.hasSuffix(String(repeating: "x", count: 38) + "~\n"))
        #expect(block.erase(width: 40) == "\u{1B}[1A\r\u{1B}[J")
        #expect(block.erase(width: 40) == "")
    }

    @Test func tablesFitAndAlign() {
        var table = TextTable([.init("N", .right), .init("NAME", flexible: true), .init("STATE")])
        table.add(["1", "a very long name of a host that will not fit", "valid"])
        table.add(["12", "b", "invalid"])
        for width in 20...100 {
            let lines = table.text(width: width).split(separator: "\n")
            #expect(lines.count == 3)
            #expect(lines.allSatisfy { Printable.width(String($0)) <= width })
        }
        #expect(
            table.text(width: 30)
                == " N  NAME               STATE\n 1  a very long name~  valid\n12  b                  invalid\n")
    }

    @Test func whatOthersWroteCannotMoveTheCursor() {
        let hostile = "a\u{1B}[2Jb\u{9B}31m\u{202E}c\nd\te"
        #expect(Printable.clean(hostile) == "a?[2Jb?31m?c d e")
        var table = TextTable([.init("X")])
        table.add([hostile])
        #expect(!table.text(width: 80).unicodeScalars.contains("\u{1B}"))
    }

    @Test func wideCharactersCountTwice() {
        #expect(Printable.width("漢字") == 4)
        #expect(Printable.width("e\u{301}") == 1)
        #expect(Printable.cut("漢字漢字", to: 5) == "漢字~")
        #expect(Printable.cut("abc", to: 0) == "")
    }

    @Test(arguments: [
        (0.0, "0"), (1, "1.00"), (12.345, "12.3"), (1234.5, "1234"), (0.00123, "0.00123"), (1e12, "1.00e+12"),
        (1e-7, "1.00e-07"), (-2.5, "-2.50"), (Double.nan, "nan"),
    ])
    func numbers(value: Double, text: String) {
        #expect(Amounts.number(value) == text)
    }

    @Test(arguments: [
        (0.0123, "12 ms"), (1.5, "1.50 s"), (59.99, "1 min"), (61, "1 min 1 s"), (3600, "1 h"), (7260, "2 h 1 min"),
        (90_000, "1 d 1 h"), (-1, "unknown"), (Double.infinity, "unknown"), (1e9, "11574 d"),
    ])
    func spans(seconds: Double, text: String) {
        #expect(Amounts.seconds(seconds) == text)
    }

    @Test func sizesAndSpeeds() {
        #expect(Amounts.bytes(0) == "0 B")
        #expect(Amounts.bytes(1536) == "1.50 KiB")
        #expect(Amounts.bytes(5 << 40) == "5.00 TiB")
        #expect(Amounts.flopsPerSecond(3.21e9) == "3.21 GFLOP/s")
        #expect(Amounts.flops(999.6) == "1.00 kFLOP")
        #expect(Amounts.cobblestones(12_345_678) == "12.346")
        #expect(Amounts.count(1, "unit") == "1 unit")
        #expect(Amounts.count(0, "unit") == "0 units")
    }
}
