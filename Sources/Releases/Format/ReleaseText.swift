import Domain

/// Reads the lines of a signed text; each begins with a word that says what it is.
struct ReleaseLines {
    private var rest: ArraySlice<[Substring]>
    let file: String

    /// - Parameter text: printable ASCII, each line with an end.
    init(_ text: [UInt8], file: String) throws(ReleaseRefusal) {
        self.file = file
        rest = []
        guard text.last == 0x0A, text.allSatisfy({ $0 == 0x0A || (0x20...0x7E).contains($0) }) else {
            throw refusal("it is not lines of printable ASCII")
        }
        let lines = String(decoding: text.dropLast(), as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false)
        rest = lines.map { $0.split(separator: " ", omittingEmptySubsequences: false) }[...]
    }

    func refusal(_ reason: String) -> ReleaseRefusal { ReleaseRefusal(.malformed, file, reason) }

    var nextKeyword: Substring? { rest.first?.first }

    /// The words behind a keyword. - Throws: when the next line begins otherwise.
    mutating func next(_ keyword: String) throws(ReleaseRefusal) -> ArraySlice<Substring> {
        guard let words = rest.first, words.first == keyword[...] else {
            let found = rest.first.map { "\"\(PrintableText.clean(String($0.joined(separator: " ").prefix(80))))\"" }
            throw refusal("a line \"\(keyword) ...\" is expected, not \(found ?? "the end")")
        }
        rest.removeFirst()
        return words.dropFirst()
    }

    mutating func next(_ keyword: String, count: Int) throws(ReleaseRefusal) -> [Substring] {
        let words = Array(try next(keyword))
        guard words.count == count else { throw refusal("the line \"\(keyword)\" has \(words.count) words behind it") }
        return words
    }

    func expectEnd() throws(ReleaseRefusal) {
        if let words = rest.first {
            throw refusal("unknown line \"\(PrintableText.clean(String(words.joined(separator: " ").prefix(80))))\"")
        }
    }

    func number(_ word: Substring, max: Int64) throws(ReleaseRefusal) -> Int64 {
        guard word.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int64(word), number <= max else {
            throw refusal("\"\(word.prefix(40))\" is no number up to \(max)")
        }
        return number
    }

    func digest(_ word: Substring) throws(ReleaseRefusal) -> Digest {
        guard let digest = Digest(hex: word) else { throw refusal("\"\(word.prefix(80))\" is no SHA-256") }
        return digest
    }
}

/// Small words that names are made of.
public enum ReleaseWord {
    /// Names of apps, layers, platforms and projects: lower-case letters, digits, `.`, `-` and `_`, a letter or digit
    /// first; at most `ReleaseLimits.wordBytesMax` bytes.
    public static func isName(_ word: some StringProtocol) -> Bool { ProgramWord.isName(word) }

    /// Versions and interpreters: as names, with capital letters and `+`.
    public static func isWord(_ word: some StringProtocol) -> Bool { ProgramWord.isWord(word) }
}

/// A moment as metadata writes it, `2027-01-31T12:00:00Z`: whole seconds in UTC, years 1970 to 9999.
public enum ReleaseMoment {
    public static func text(_ moment: Timestamp) -> String {
        let seconds = moment.milliseconds / 1000
        let day = UTCDay(number: seconds / 86_400)
        let rest = seconds % 86_400
        let two = { (number: Int64) in number < 10 ? "0\(number)" : "\(number)" }
        return "\(day)T\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))Z"
    }

    /// - Returns: nil for anything that `text` does not write.
    public static func parse(_ word: some StringProtocol) -> Timestamp? {
        guard word.utf8.count == 20, let day = UTCDay(String(word.prefix(10))), day.number >= 0 else { return nil }
        let time = word.dropFirst(11).dropLast().split(separator: ":").map { Int64($0) }
        guard time.count == 3, let hours = time[0], let minutes = time[1], let seconds = time[2] else { return nil }
        let moment = Timestamp(seconds: day.number * 86_400 + hours * 3600 + minutes * 60 + seconds)
        return text(moment) == word ? moment : nil
    }
}
