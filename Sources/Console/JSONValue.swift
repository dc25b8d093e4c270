import Domain

/// JSON that is written with its keys in the order in which they were given: the same answer, the same bytes.
public indirect enum JSONValue: Hashable, Sendable {
    case null
    case flag(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case real(Double)
    case text(String)
    case list([JSONValue])
    case object([JSONMember])

    /// An object from pairs.
    public static func members(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(members.map { JSONMember(name: $0.0, value: $0.1) })
    }

    /// `text`, or null for an empty one.
    public static func optional(_ text: String) -> JSONValue { text.isEmpty ? .null : .text(text) }

    /// On one line, without a line break at the end.
    public var line: String {
        switch self {
        case .null: "null"
        case .flag(let flag): flag ? "true" : "false"
        case .integer(let value): "\(value)"
        case .unsigned(let value): "\(value)"
        // JSON knows no infinity; what a double can say, it says exactly.
        case .real(let value): value.isFinite ? "\(value)" : "null"
        case .text(let text): Self.quoted(text)
        case .list(let values): "[" + values.map(\.line).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { "\(Self.quoted($0.name)):\($0.value.line)" }.joined(separator: ",") + "}"
        }
    }

    /// Everything but plain printable text is escaped, so that the output is fit for a terminal, too.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22: quoted += "\\\""
            case 0x5C: quoted += "\\\\"
            case 0x0A: quoted += "\\n"
            case 0x09: quoted += "\\t"
            case 0..<0x20, 0x7F..<0xA0, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// The value of a key of an object; nil for anything else.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }
}

/// A key and its value.
public struct JSONMember: Hashable, Sendable {
    public var name: String
    public var value: JSONValue
}

extension Fault {
    /// What `--json` writes to standard error when a command fails.
    public var json: JSONValue {
        .members([
            (
                "error",
                .members([
                    ("kind", .text(kind.word)), ("exit_code", .integer(Int64(kind.rawValue))),
                    ("message", .text(message)), ("advice", advice.map { .text($0) } ?? .null),
                ])
            )
        ])
    }
}

extension FaultKind {
    /// A stable word for programs; docs/scientist.md lists them with their exit codes.
    public var word: String {
        switch self {
        case .usage: "usage"
        case .badData: "bad_data"
        case .noInput: "no_input"
        case .unreachable: "unreachable"
        case .software: "software"
        case .osError: "os_error"
        case .cannotWrite: "cannot_write"
        case .interrupted: "interrupted"
        case .protocolError: "protocol_error"
        case .refused: "refused"
        case .configuration: "configuration"
        case .negative: "negative"
        }
    }
}
