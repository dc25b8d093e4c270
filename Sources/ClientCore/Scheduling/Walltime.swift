import Domain

/// How long a batch job lasts, as people and batch systems write it.
public enum Walltime {
    /// A minute: less is over before anything is computed.
    public static let secondsMin = 60.0
    /// A year.
    public static let secondsMax = 31_536_000.0

    /// Reads `2h`, `1h30m`, `90m`, `5400s`, a number of seconds, or what Slurm prints: `MM:SS`, `HH:MM:SS`, `D-HH`,
    /// `D-HH:MM`, `D-HH:MM:SS`, `UNLIMITED`.
    ///
    /// - Returns: seconds, `secondsMin ... secondsMax`; nil: there is no end.
    /// - Throws: `.usage` with what is expected.
    public static func seconds(_ text: String) throws(Fault) -> Double? {
        if text.lowercased() == "unlimited" { return nil }
        guard text.utf8.count <= 32, let seconds = bySlurm(text) ?? byUnits(text) else {
            throw Fault(
                .usage, "\"\(PrintableText.clean(String(text.prefix(40))))\" is no time",
                advice: "Write 2h, 1h30m, 90m, 5400 (seconds), or MM:SS, HH:MM:SS, D-HH:MM:SS as Slurm does.")
        }
        guard (secondsMin...secondsMax).contains(seconds) else {
            throw Fault(.usage, "a job of \(text) cannot be: a walltime is 1m to 365d")
        }
        return seconds
    }

    /// Days before a dash, then fields of two digits with colons between them.
    private static func bySlurm(_ text: String) -> Double? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count <= 2, text.contains(where: { $0 == ":" || $0 == "-" }) else { return nil }
        let fields = (parts.last ?? "").split(separator: ":", omittingEmptySubsequences: false).map(number)
        var values: [Double] = []
        for field in fields {
            guard let field, values.isEmpty || field < 60 else { return nil }
            values.append(field)
        }
        let weights: [Double]
        switch (hasDays: parts.count == 2, count: values.count) {
        case (true, 1...3): weights = [3600, 60, 1]
        case (false, 2): weights = [60, 1]
        case (false, 3): weights = [3600, 60, 1]
        default: return nil
        }
        let rest = zip(values, weights).reduce(0) { $0 + $1.0 * $1.1 }
        guard parts.count == 2 else { return rest }
        guard let days = number(parts[0]), values[0] < 24 else { return nil }
        return days * 86_400 + rest
    }

    /// Numbers with units, the larger unit first; a number alone is seconds.
    private static func byUnits(_ text: String) -> Double? {
        if let seconds = number(text[...]) { return seconds }
        let units: [Character: Double] = ["d": 86_400, "h": 3600, "m": 60, "s": 1]
        var total = 0.0
        var least = Double.infinity
        var digits = text[text.startIndex..<text.startIndex]
        for at in text.indices {
            if text[at].isASCII, text[at].isNumber {
                digits = text[digits.startIndex...at]
                continue
            }
            guard let unit = units[text[at]], unit < least, let value = number(digits) else { return nil }
            least = unit
            total += value * unit
            let next = text.index(after: at)
            digits = text[next..<next]
        }
        return digits.isEmpty ? total : nil
    }

    /// One to nine digits.
    private static func number(_ text: Substring) -> Double? {
        guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Double(text)
    }
}
