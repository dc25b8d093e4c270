import Domain

/// How the kinds are described, in messages and in `docs/manifest.md`.
extension ValueKind {
    /// For messages: what would be right.
    func expected(_ apps: [AppSchema]) -> String {
        switch self {
        case .app: "an app: " + apps.map(\.name).joined(separator: ", ")
        case .section: "keys below it, indented"
        case .name(let bytesMax): "lower-case letters, digits and inner hyphens, at most \(bytesMax)"
        case .list: "a list: lines that begin with `-`"
        case .parameters: "the app's parameters below it, indented"
        case .flag: range
        case .choice: "one of \(range)"
        case .integer: "a whole number, \(range)"
        case .real: "a number, \(range)"
        case .reals: "a number, or a list of them, \(range)"
        case .lines: "text, or a list of texts, \(range)"
        case .duration: "a time such as `2 h` or `3 days`, \(range)"
        case .size: "a size such as `256 MiB`, \(range)"
        default: "\(type), \(range)"
        }
    }

    /// For the table: what is written.
    public var type: String {
        switch self {
        case .section: "section"
        case .list: "list"
        case .parameters: "section of the app's parameters"
        case .name: "name"
        case .line: "one line of text"
        case .text: "text"
        case .licence: "SPDX identifier"
        case .word: "name"
        case .app: "name of an app"
        case .path: "path"
        case .packing, .choice: "word"
        case .flag: "true or false"
        case .integer: "whole number"
        case .real: "number"
        case .reals: "number or list of numbers"
        case .lines: "text or list of texts"
        case .duration: "time"
        case .size: "size"
        }
    }

    /// For the table: the unit of a number without one.
    public var unit: String {
        switch self {
        case .duration: "seconds, or with `s` `min` `h` `d` `w`"
        case .size: "bytes, or with `kB` `MB` `GB` `KiB` `MiB` `GiB`"
        default: ""
        }
    }

    /// For the table and for messages: what is allowed.
    public var range: String {
        switch self {
        case .section, .parameters: ""
        case .list: "at most \(Limits.inputsPerProjectMax) elements"
        case .name(let bytesMax): "lower-case letters, digits and inner hyphens, 1 to \(bytesMax)"
        case .line(let bytesMax), .text(let bytesMax): "1 to \(bytesMax) bytes"
        case .licence: "open licences of the SPDX list"
        case .word(let kind): kind.range
        case .app: "the app catalogue"
        case .path: "relative, without `..`, at most 512 bytes"
        case .packing: "plain, table or raw"
        case .choice(let words): words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
        case .flag: "true or false"
        case .integer(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .real(let range, let aboveLower):
            aboveLower
                ? "above \(Self.short(range.lowerBound)), at most \(Self.short(range.upperBound))"
                : "\(Self.short(range.lowerBound)) to \(Self.short(range.upperBound))"
        case .reals(let range): "\(Self.short(range.lowerBound)) to \(Self.short(range.upperBound)) each"
        case .lines(let bytesMax): "1 to \(bytesMax) bytes each"
        case .duration(let range): "\(Self.time(range.lowerBound)) to \(Self.time(range.upperBound))"
        case .size(let range): "\(Self.size(range.lowerBound)) to \(Self.size(range.upperBound))"
        }
    }

    private static func short(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e9 ? "\(Int64(value))" : "\(value)"
    }

    private static func time(_ seconds: Double) -> String {
        seconds >= 86_400 ? "\(short(seconds / 86_400)) days" : "\(short(seconds)) s"
    }

    private static func size(_ bytes: Int64) -> String {
        let units: [(String, Int64)] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        guard let unit = units.first(where: { bytes >= $0.1 && bytes % $0.1 == 0 }) else { return "\(bytes) B" }
        return "\(bytes / unit.1) \(unit.0)"
    }
}
