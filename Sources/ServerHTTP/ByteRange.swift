/// One range of bytes of a `Range` header (RFC 9110, section 14).
struct ByteRange: Hashable {
    var first: Int64
    var last: Int64

    /// What a request is to be sent.
    enum Selection: Hashable {
        /// No range, several ranges, or something that is no range of bytes.
        case whole
        case part(ByteRange)
        /// Nothing of it exists, or it ends before it begins.
        case unsatisfiable
    }

    static func parse(_ header: String?, size: Int64) -> Selection {
        guard let header, let equals = header.firstIndex(of: "="), header[..<equals].lowercased() == "bytes" else {
            return .whole
        }
        let text = header[header.index(after: equals)...]
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !text.contains(",") else { return .whole }
        if parts[0].isEmpty {
            // A suffix: the last so many bytes, all where there are fewer.
            guard let tail = number(parts[1]) else { return .whole }
            return tail == 0 || size == 0
                ? .unsatisfiable : .part(ByteRange(first: max(0, size - tail), last: size - 1))
        }
        guard let first = number(parts[0]), let last = parts[1].isEmpty ? .max : number(parts[1]) else { return .whole }
        guard first < size, first <= last else { return .unsatisfiable }
        return .part(ByteRange(first: first, last: min(last, size - 1)))
    }

    /// Digits only. A number beyond all sizes is as good as the largest one.
    private static func number(_ text: Substring) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        return Int64(text) ?? .max
    }
}

/// Conditions of a request on a blob, whose tag never changes.
enum BlobCondition {
    /// - Parameter header: `If-None-Match`: `*`, or a list of tags; weak ones count as well (RFC 9110, 13.1.2).
    static func isKnown(_ header: String?, _ tag: String) -> Bool {
        guard let header else { return false }
        return header.split(separator: ",").contains { part in
            let word = part.drop { $0 == " " || $0 == "\t" }
            return word.hasPrefix(tag) || word.hasPrefix("W/" + tag)
        }
    }
}
