import Domain

/// Reads our own small text files, strictly, line by line.
struct TextLines {
    private let lines: [Substring]
    private var at = 0
    private let what: String

    /// - Parameter what: what the file is, for messages.
    init(_ bytes: [UInt8], what: String) {
        self.what = what
        // The last piece is empty when the last line has its end.
        lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    }

    func fault(_ why: String) -> Fault { Fault(.badData, "line \(at) of the \(what): \(why)") }

    /// The line that comes; nil at the end.
    var next: Substring? { at < lines.count - 1 ? lines[at] : nil }

    mutating func take() throws(Fault) -> Substring {
        guard let line = next else {
            at += 1
            throw fault("it ends too early")
        }
        at += 1
        return line
    }

    mutating func expect(_ text: String) throws(Fault) {
        if try take() != text { throw fault("`\(text)` was expected") }
    }

    /// The rest of a line that begins with a name and a space.
    mutating func value(_ name: String) throws(Fault) -> String {
        let line = try take()
        guard line.hasPrefix(name + " ") else { throw fault("`\(name)` was expected") }
        return String(line.dropFirst(name.count + 1))
    }

    mutating func digest(_ name: String) throws(Fault) -> Digest {
        guard let digest = Base64.decode(try value(name)).flatMap({ Digest(bytes: $0) }) else {
            throw fault("this is not the base64 of 32 bytes")
        }
        return digest
    }

    mutating func number(_ name: String) throws(Fault) -> Int64 {
        guard let number = Decimal.value(try value(name)) else { throw fault("this is no number") }
        return number
    }

    /// A signed note behind the count of its lines.
    mutating func note(_ name: String) throws(Fault) -> SignedNote {
        let count = try number(name)
        guard count <= Int64(lines.count) else { throw fault("it ends too early") }
        var text = ""
        for _ in 0..<count { text += try take() + "\n" }
        do throws(NoteRefusal) { return try SignedNote(Array(text.utf8)) } catch { throw fault("\(error)") }
    }

    func expectEnd() throws(Fault) {
        guard at == lines.count - 1, lines[at].isEmpty else { throw fault("something follows") }
    }
}

extension TextLines {
    /// Hashes, an empty line, and a signed note up to the end.
    mutating func hashesAndNote() throws(Fault) -> ([Digest], SignedNote) {
        var hashes: [Digest] = []
        while let line = next, !line.isEmpty {
            guard hashes.count < LogLimits.proofHashesMax else { throw fault("a proof of too many hashes") }
            _ = try take()
            guard let hash = Base64.decode(line).flatMap({ Digest(bytes: $0) }) else {
                throw fault("this is not the base64 of 32 bytes")
            }
            hashes.append(hash)
        }
        try expect("")
        var rest = ""
        while next != nil { rest += try take() + "\n" }
        try expectEnd()
        do throws(NoteRefusal) { return (hashes, try SignedNote(Array(rest.utf8))) } catch { throw fault("\(error)") }
    }
}
