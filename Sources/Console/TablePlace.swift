import Domain
import Manifest

/// Places in CSV files.
enum TablePlace {
    /// Where a value of a table stands; lines and columns from 1, columns in bytes.
    ///
    /// - Parameter row: from 1, without the header. A table has no empty lines, so rows are lines.
    /// - Returns: nil when the file has no such row or column.
    static func find(row: Int, column: String, in bytes: [UInt8]) -> (line: Int, column: Int)? {
        var lines = LineCursor(bytes: bytes)
        guard let header = lines.next() else { return nil }
        let names = fields(bytes, header)
        guard
            let at = names.firstIndex(where: { field in
                let text = String(decoding: bytes[field], as: UTF8.self)
                return text == column || text == "\u{FEFF}" + column
            })
        else { return nil }
        var line: Range<Int>?
        for _ in 0..<row { line = lines.next() }
        guard let line else { return nil }
        let values = fields(bytes, line)
        guard at < values.count else { return nil }
        return (row + 1, values[at].lowerBound - line.lowerBound + 1)
    }

    /// The fields of a line without the spaces round them.
    private static func fields(_ bytes: [UInt8], _ line: Range<Int>) -> [Range<Int>] {
        var fields: [Range<Int>] = []
        var start = line.lowerBound
        for at in line.lowerBound...line.upperBound where at == line.upperBound || bytes[at] == UInt8(ascii: ",") {
            var (low, high) = (start, at)
            while low < high, isSpace(bytes[low]) { low += 1 }
            while high > low, isSpace(bytes[high - 1]) { high -= 1 }
            fields.append(low..<high)
            start = at + 1
        }
        return fields
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

    /// A fault of `TableCSV`, whose message begins with `FILE:LINE:COLUMN: `, or without the column, as a fault at that
    /// place. - Returns: nil when it names no line.
    static func fault(_ fault: Fault, path: String) -> ManifestFault? {
        let file = Printable.clean(path) + ":"
        guard fault.message.hasPrefix(file) else { return nil }
        var rest = fault.message.dropFirst(file.count)
        func number() -> Int? {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard let value = Int(digits), rest.dropFirst(digits.count).first == ":" else { return nil }
            rest = rest.dropFirst(digits.count + 1)
            return value
        }
        guard let line = number() else { return nil }
        let column = number() ?? 1
        return ManifestFault(
            file: path, line: line, column: column, message: String(rest.drop { $0 == " " }), expected: fault.advice)
    }
}

/// Goes through a text line by line.
private struct LineCursor {
    let bytes: [UInt8]
    private var at = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The next line without its end; nil after the last one.
    mutating func next() -> Range<Int>? {
        guard at < bytes.count else { return nil }
        let start = at
        while at < bytes.count, bytes[at] != 0x0A { at += 1 }
        defer { at += 1 }
        return start..<at
    }
}
