/// What the service answered.
struct S3Answer: Sendable {
    var status: Int
    /// Names in lower case.
    var headers: [String: String]
    /// At most what was allowed.
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The code of an error, for example `NoSuchKey`; empty when there is none. Only what looks like a word: it goes
    /// into messages.
    var errorCode: String {
        guard let code = S3XML.first("Code", in: text), code.utf8.count <= 64,
            code.utf8.allSatisfy({ 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 || 0x30...0x39 ~= $0 })
        else { return "" }
        return String(code)
    }
}

/// As much of XML as the answers of S3 need: elements without attributes, no nesting of the same name.
package enum S3XML {
    package static func first(_ name: String, in text: some StringProtocol) -> String? { all(name, in: text).first }

    /// The contents of all elements of a name, in order.
    package static func all(_ name: String, in text: some StringProtocol) -> [String] {
        var found: [String] = []
        let (open, close) = ("<\(name)>", "</\(name)>")
        var rest = Substring(text)
        while let start = range(of: open, in: rest), let end = range(of: close, in: rest[start.upperBound...]) {
            found.append(unescaped(rest[start.upperBound..<end.lowerBound]))
            rest = rest[end.upperBound...]
        }
        return found
    }

    private static func range(of word: String, in text: Substring) -> Range<Substring.Index>? {
        let (word, utf8) = (Array(word.utf8), text.utf8)
        guard let first = word.first else { return nil }
        var at = utf8.startIndex
        while let start = utf8[at...].firstIndex(of: first) {
            if utf8[start...].starts(with: word) { return start..<utf8.index(start, offsetBy: word.count) }
            at = utf8.index(after: start)
        }
        return nil
    }

    package static func unescaped(_ text: Substring) -> String {
        guard text.contains("&") else { return String(text) }
        var result = ""
        var rest = text
        let names = ["&quot;": "\"", "&#34;": "\"", "&lt;": "<", "&gt;": ">", "&apos;": "'", "&#39;": "'"]
        scan: while let first = rest.first {
            if first == "&" {
                for (name, value) in names where rest.hasPrefix(name) {
                    result += value
                    rest = rest.dropFirst(name.count)
                    continue scan
                }
                if rest.hasPrefix("&amp;") {
                    result += "&"
                    rest = rest.dropFirst(5)
                    continue
                }
            }
            result.append(first)
            rest = rest.dropFirst()
        }
        return result
    }

    package static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, c in
            switch c {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(c)
            }
        }
    }
}
