import Bytes
import ClientCore
import ClientSystem
import Domain
import Testing

@Suite("The terminal view's layout")
struct TopScreenTests {
    private static let looks = [
        TerminalLook(hasColour: true, isUnicode: true), TerminalLook(hasColour: false, isUnicode: false),
    ]
    /// Controls, directions, wide letters, marks in heaps, joined emoji, and what has no end.
    private static let bad =
        "\u{1B}[2J\u{7}\r\n\t\u{202E}星图 e\u{301}\u{301}\u{301}\u{301} 👩‍🚀🏽 🇩🇪 \u{FEFF}한글 "
        + String(repeating: "long ", count: 40)

    private func screen(_ columns: Int, _ rows: Int, _ look: TerminalLook = looks[0]) -> TopScreen {
        TopScreen(columns: columns, rows: rows, look: look, nowMs: SampleStatus.nowMs)
    }

    private func states() throws -> [TopState] {
        var states = [TopState()]
        for status in [
            try SampleStatus.make(tasks: 0, projects: 0), try SampleStatus.make(tasks: 3),
            try SampleStatus.make(tasks: 40, words: Self.bad, projects: 3),
            try SampleStatus.make(tasks: 2, words: Self.bad, isPaused: true),
        ] {
            var state = TopState()
            state.take(.success(status))
            states.append(state)
        }
        var gone = states[2]
        gone.take(.failure(TopTrouble("no client runs in /some/long/folder/\(Self.bad)")))
        states.append(gone)
        for keys in ["?", "w", "p", "f", "a"] as [Character] {
            var state = states[3]
            #expect(state.take(.character(keys)) == nil)
            states.append(state)
        }
        var noted = states[3]
        noted.say(Self.bad, isBad: true)
        return states + [noted]
    }

    @Test("Never wider, never taller, and nothing that moves the cursor, at any size")
    func everySize() throws {
        let states = try states()
        let widths = Array(1...40) + [41, 55, 56, 57, 75, 76, 77, 79, 80, 99, 100, 101, 120, 199, 200]
        for (number, state) in states.enumerated() {
            for columns in widths {
                for rows in Array(1...26) + [40, 60] {
                    let look = Self.looks[(columns + rows + number) % 2]
                    let lines = screen(columns, rows, look).lines(state)
                    guard lines.count <= rows, !lines.isEmpty, lines.allSatisfy({ $0.columns <= columns }) else {
                        Issue.record("state \(number) at \(columns)x\(rows): \(lines.map(\.text))")
                        return
                    }
                    let isClean = lines.allSatisfy { line in
                        let plain = look.plain(line)
                        return plain.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }
                            && (look.isUnicode || plain.utf8.allSatisfy { $0 < 0x80 })
                            && (look.isUnicode || plain.utf8.count <= columns)
                    }
                    #expect(isClean, "state \(number) at \(columns)x\(rows)")
                }
            }
        }
        #expect(screen(0, 5).lines(states[1]).isEmpty && screen(5, 0).lines(states[1]).isEmpty)
    }

    @Test("Whatever the size, first comes whether it computes and why not")
    func firstThings() throws {
        var state = TopState()
        state.take(.success(try SampleStatus.make(tasks: 2, isPaused: true)))
        for rows in 1...60 {
            let text = screen(60, rows).lines(state).map(\.text).joined(separator: " ")
            #expect(text.contains("Paused for 60 s: you paused the client."), "\(rows): \(text)")
        }
        #expect(screen(60, 1).lines(state).count == 1)
    }

    @Test("The selected task is on the screen, however small that is")
    func selection() throws {
        var state = TopState()
        state.take(.success(try SampleStatus.make(tasks: 40)))
        for step in 0..<40 {
            for (columns, rows) in [(80, 24), (40, 10), (30, 6), (200, 50), (80, 5)] {
                let lines = screen(columns, rows).lines(state)
                let chosen = lines.filter { $0.pieces.allSatisfy { $0.style == .chosen } && !$0.pieces.isEmpty }
                #expect(chosen.count == 1, "task \(step) at \(columns)x\(rows)")
                #expect(chosen.first?.text.hasPrefix("› 1.\(step + 1)#0 ") == true || columns < 36)
            }
            _ = state.take(.down)
        }
        #expect(state.selectedTask?.id == "1.40#0", "the last one stays the last")
    }

    @Test("A bar is as long as it should be, at each fraction")
    func bars() {
        for look in Self.looks {
            for columns in 0...30 {
                var last = -1.0
                for step in -5...1010 {
                    let bar = look.bar(Double(step) / 1000, columns: columns)
                    #expect(DisplayWidth.columns(bar.full) + DisplayWidth.columns(bar.rest) == columns)
                    let full = bar.full.unicodeScalars.reduce(0.0) { sum, scalar in
                        guard let place = Array("▏▎▍▌▋▊▉█".unicodeScalars).firstIndex(of: scalar) else {
                            return sum + 8
                        }
                        return sum + Double(place + 1)
                    }
                    #expect(full >= last, "\(step) of \(columns)")
                    last = full
                }
                #expect(look.bar(.nan, columns: columns).full.isEmpty)
                #expect(DisplayWidth.columns(look.bar(1, columns: columns).full) == columns)
            }
        }
    }

    @Test("Columns of letters; a cut never splits one, and ends in …")
    func widths() {
        #expect(DisplayWidth.columns("abc") == 3 && DisplayWidth.columns("星图") == 4)
        #expect(DisplayWidth.columns("e\u{301}") == 1 && DisplayWidth.columns("한") == 2)
        #expect(DisplayWidth.cut("abc", 3) == "abc" && DisplayWidth.cut("abcd", 3) == "ab…")
        #expect(DisplayWidth.cut("星图星", 4) == "星…" && DisplayWidth.cut("星图", 1) == "…")
        #expect(DisplayWidth.cut("x", 0).isEmpty && DisplayWidth.clean("a\u{200D}\u{FE0F}b\u{1B}c") == "ab?c")
        #expect(DisplayWidth.clean("e" + String(repeating: "\u{301}", count: 50)).unicodeScalars.count == 3)
        var random = SeededGenerator(seed: 11)
        for _ in 0..<2000 {
            let scalars = (0..<Int.random(in: 0..<30, using: &random)).compactMap { _ in
                Unicode.Scalar(UInt32.random(in: 0..<0x20000, using: &random))
            }
            let clean = DisplayWidth.clean(String(String.UnicodeScalarView(scalars)))
            for most in 0..<20 {
                let cut = DisplayWidth.cut(clean, most)
                #expect(DisplayWidth.columns(cut) <= most)
                #expect(cut == clean || cut.unicodeScalars.last == "…" || most == 0)
                #expect(TerminalLine(clean).fitted(most).columns <= most)
            }
        }
    }

    @Test("Without colours no colour is sent; NO_COLOR, TERM and the locale are believed")
    func looks() throws {
        func look(_ environment: [String: String]) -> TerminalLook { TerminalLook { environment[$0] } }
        #expect(look(["TERM": "xterm", "LANG": "de_DE.UTF-8"]) == Self.looks[0])
        #expect(
            !look(["TERM": "xterm", "NO_COLOR": "1"]).hasColour && look(["TERM": "xterm", "NO_COLOR": ""]).hasColour)
        #expect(!look(["TERM": "dumb"]).hasColour && !look([:]).hasColour)
        #expect(!look(["LC_ALL": "C", "LANG": "en_US.UTF-8"]).isUnicode && look(["LC_CTYPE": "C.utf8"]).isUnicode)
        var state = TopState()
        state.take(.success(try SampleStatus.make(tasks: 4, words: Self.bad)))
        let plain = TerminalLook(hasColour: false, isUnicode: true)
        let frame = String(decoding: plain.frame(screen(80, 24, plain).lines(state), columns: 80), as: UTF8.self)
        #expect(frame.matches(of: /\x1B\[(2|3[0-9])m/).isEmpty && frame.contains("\u{1B}[7m"))
        // Every control sequence is one of ours.
        let sequences = frame.split(separator: "\u{1B}").dropFirst().map { $0.prefix { !$0.isLetter } }
        #expect(sequences.allSatisfy { $0.first == "[" && $0.dropFirst().allSatisfy { $0.isNumber || $0 == ";" } })
    }
}
