/// Finds the word that somebody probably meant.
public enum Nearest {
    /// - Returns: the nearest candidate, or nil when none is near: more than a third of the word, and at most three
    ///   letters, would have to change. Case, `_`, `-` and spaces count for nothing.
    public static func word(to word: String, in candidates: [String]) -> String? {
        let letters = plain(word)
        guard !letters.isEmpty, letters.count <= 64 else { return nil }
        var best: (word: String, distance: Int)?
        for candidate in candidates {
            let other = plain(candidate)
            let allowed = min(3, max(1, max(letters.count, other.count) / 3))
            let found = distance(letters, other)
            if found <= allowed, found < best?.distance ?? .max { best = (candidate, found) }
        }
        return best?.word ?? candidates.first { letters.count >= 3 && plain($0).starts(with: letters) }
            ?? candidates.first { isAbbreviation(letters, plain($0)) }
    }

    /// `params` for `parameters`: at least three letters, the same first one, and the others in the same order.
    private static func isAbbreviation(_ word: [UInt8], _ candidate: [UInt8]) -> Bool {
        guard word.count >= 3, word.first == candidate.first else { return false }
        var rest = candidate[...]
        for letter in word {
            guard let at = rest.firstIndex(of: letter) else { return false }
            rest = rest[(at + 1)...]
        }
        return true
    }

    private static func plain(_ word: String) -> [UInt8] {
        word.lowercased().utf8.filter { !"_- ".utf8.contains($0) }
    }

    /// Letters to insert, delete, replace or swap with their neighbour (optimal string alignment).
    /// Costs the product of the lengths.
    package static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [i]
            row.reserveCapacity(b.count + 1)
            for j in 1...b.count {
                let replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
                var best = min(replaced, last[j] + 1, row[j - 1] + 1)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    best = min(best, beforeLast[j - 2] + 1)
                }
                row.append(best)
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}
