/// A JSON value that keeps the order of its members, and writes itself with two spaces of indentation.
indirect enum JSONText {
    case text(String)
    case number(Double)
    case integer(Int)
    case flag(Bool)
    case null
    case list([JSONText])
    case object([(String, JSONText)])

    /// A number, or null for nil, NaN and infinity.
    static func optional(_ value: Double?) -> JSONText {
        guard let value, value.isFinite else { return .null }
        return .number(value)
    }

    func written(indent: String = "") -> String {
        let inner = indent + "  "
        switch self {
        case .text(let value): return JSONText.quoted(value)
        case .number(let value): return value.isFinite ? NumberText.short(value) : "null"
        case .integer(let value): return String(value)
        case .flag(let value): return value ? "true" : "false"
        case .null: return "null"
        case .list(let items):
            if items.isEmpty { return "[]" }
            let lines = items.map { inner + $0.written(indent: inner) }
            return "[\n" + lines.joined(separator: ",\n") + "\n" + indent + "]"
        case .object(let members):
            if members.isEmpty { return "{}" }
            let lines = members.map { inner + JSONText.quoted($0.0) + ": " + $0.1.written(indent: inner) }
            return "{\n" + lines.joined(separator: ",\n") + "\n" + indent + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            default:
                if scalar.value < 0x20 {
                    let hex = String(scalar.value, radix: 16)
                    out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return out + "\""
    }
}
