extension PageText {
    private static let digitsMax = 9
    private static let digitsShown = 7

    /// A program's text with its long decimal fractions cut to seven digits: `137.29806208640332` becomes `137.2981`.
    ///
    /// Numbers of up to nine digits, whole numbers, versions and names stay as they are. The full digits are in the
    /// report that tools get.
    public static func readable(_ text: String) -> String {
        var shown = ""
        var rest = Substring(text)
        var before: Character = " "
        while let first = rest.first {
            let isInWord = before.isLetter || before.isNumber || before == "." || before == "_"
            if isDigit(first) && !isInWord, let (number, length) = decimal(rest) {
                shown += number
                rest = rest.dropFirst(length)
                before = "0"
            } else {
                shown.append(first)
                before = first
                rest = rest.dropFirst()
            }
        }
        return shown
    }

    private static func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }

    /// A decimal fraction with too many digits at the start of a text. - Returns: how it is shown, and its length.
    private static func decimal(_ text: Substring) -> (String, Int)? {
        let whole = text.prefix(while: isDigit)
        let point = text.dropFirst(whole.count)
        guard point.first == "." else { return nil }
        let places = point.dropFirst().prefix(while: isDigit)
        guard !places.isEmpty else { return nil }
        // A second point, a letter: no number after all. An exponent stays as it is.
        let tail = point.dropFirst(1 + places.count)
        let exponent = exponentPart(tail)
        if let next = tail.dropFirst(exponent.count).first, next.isLetter || next.isNumber { return nil }
        if exponent.isEmpty, tail.first == ".", tail.dropFirst().first.map(isDigit) ?? false { return nil }
        let significant = (whole + places).drop { $0 == "0" }
        guard significant.count > digitsMax else { return nil }
        let leadingZeros = whole.count + places.count - significant.count
        let kept = min(max(0, leadingZeros + digitsShown - whole.count), places.count)
        return (
            rounded(Array(whole), Array(places), places: kept) + exponent,
            whole.count + 1 + places.count + exponent.count
        )
    }

    private static func exponentPart(_ text: Substring) -> Substring {
        guard let mark = text.first, mark == "e" || mark == "E" else { return "" }
        let sign = text.dropFirst().first.map { $0 == "-" || $0 == "+" } ?? false
        let digits = text.dropFirst(sign ? 2 : 1).prefix(while: isDigit)
        return digits.isEmpty ? "" : text.prefix(1 + (sign ? 1 : 0) + digits.count)
    }

    /// Rounds in decimal digits, half away from zero: no detour over a binary number.
    private static func rounded(_ whole: [Character], _ fraction: [Character], places: Int) -> String {
        var digits = (whole + fraction.prefix(places)).compactMap(\.wholeNumberValue)
        var carry = places < fraction.count && (fraction[places].wholeNumberValue ?? 0) >= 5
        for at in digits.indices.reversed() where carry {
            carry = digits[at] == 9
            digits[at] = carry ? 0 : digits[at] + 1
        }
        if carry { digits.insert(1, at: 0) }
        let text = digits.map { "\($0)" }.joined()
        return places == 0 ? text : "\(text.dropLast(places)).\(text.suffix(places))"
    }
}
