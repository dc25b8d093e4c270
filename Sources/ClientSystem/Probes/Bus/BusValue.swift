import Domain

/// A value of D-Bus, after its signature; a variant is what it holds.
package enum BusValue: Hashable, Sendable {
    case bool(Bool)
    case int(Int64)
    case unsigned(UInt64)
    case double(Double)
    /// Strings, object paths and signatures.
    case string(String)
    /// The entries of a dictionary are structures of two.
    case array([BusValue])
    case structure([BusValue])

    package var asString: String? { if case .string(let value) = self { value } else { nil } }
    package var asBool: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var asUnsigned: UInt64? { if case .unsigned(let value) = self { value } else { nil } }
    package var elements: [BusValue]? {
        switch self {
        case .array(let values), .structure(let values): values
        default: nil
        }
    }

    /// The entries of a dictionary by their names; what is none is left out.
    package var properties: [String: BusValue] {
        var found: [String: BusValue] = [:]
        for entry in elements ?? [] {
            guard let pair = entry.elements, pair.count == 2, let name = pair[0].asString else { continue }
            found[name] = pair[1]
        }
        return found
    }
}

/// Reads values from a message of a stranger: every length is checked before it is believed.
package struct BusReader {
    private let bytes: [UInt8]
    private var at: Int
    private let isBigEndian: Bool
    private static let depthMax = 16

    /// - Parameter at: where to begin; alignment counts from the start of `bytes`.
    package init(_ bytes: [UInt8], at: Int = 0, isBigEndian: Bool) {
        self.bytes = bytes
        self.at = at
        self.isBigEndian = isBigEndian
    }

    private static func broken(_ what: String) -> Fault { Fault(.protocolError, "D-Bus: \(what)") }

    /// All values of a signature.
    package mutating func values(_ signature: String) throws(Fault) -> [BusValue] {
        var types = Array(signature.utf8)[...]
        var values: [BusValue] = []
        while !types.isEmpty { values.append(try value(&types, depth: 0)) }
        return values
    }

    mutating func align(_ size: Int) throws(Fault) {
        let next = (at + size - 1) / size * size
        guard next <= bytes.count else { throw Self.broken("a message that ends too soon") }
        at = next
    }

    mutating func number(_ size: Int) throws(Fault) -> UInt64 {
        try align(size)
        guard size <= bytes.count - at else { throw Self.broken("a message that ends too soon") }
        let part = bytes[at..<(at + size)]
        at += size
        return isBigEndian
            ? part.reduce(0) { $0 << 8 | UInt64($1) } : part.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// - Parameter lengthSize: of the number before it.
    private mutating func string(lengthSize: Int) throws(Fault) -> String {
        let length = try number(lengthSize)
        guard length < UInt64(bytes.count - at) else { throw Self.broken("a string that ends too soon") }
        let text = bytes[at..<(at + Int(length))]
        at += Int(length) + 1
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func value(_ types: inout ArraySlice<UInt8>, depth: Int) throws(Fault) -> BusValue {
        guard depth <= Self.depthMax else { throw Self.broken("a value that is nested too deeply") }
        guard let type = types.popFirst() else { throw Self.broken("a signature that ends too soon") }
        switch type {
        case UInt8(ascii: "y"): return .unsigned(try number(1))
        case UInt8(ascii: "b"): return .bool(try number(4) != 0)
        case UInt8(ascii: "n"): return .int(Int64(Int16(truncatingIfNeeded: try number(2))))
        case UInt8(ascii: "q"): return .unsigned(try number(2))
        case UInt8(ascii: "i"): return .int(Int64(Int32(truncatingIfNeeded: try number(4))))
        case UInt8(ascii: "u"), UInt8(ascii: "h"): return .unsigned(try number(4))
        case UInt8(ascii: "x"): return .int(Int64(bitPattern: try number(8)))
        case UInt8(ascii: "t"): return .unsigned(try number(8))
        case UInt8(ascii: "d"): return .double(Double(bitPattern: try number(8)))
        case UInt8(ascii: "s"), UInt8(ascii: "o"): return .string(try string(lengthSize: 4))
        case UInt8(ascii: "g"): return .string(try string(lengthSize: 1))
        case UInt8(ascii: "v"):
            var inner = Array(try string(lengthSize: 1).utf8)[...]
            let value = try value(&inner, depth: depth + 1)
            guard inner.isEmpty else { throw Self.broken("a variant of several values") }
            return value
        case UInt8(ascii: "("), UInt8(ascii: "{"):
            try align(8)
            let end = type == UInt8(ascii: "(") ? UInt8(ascii: ")") : UInt8(ascii: "}")
            var fields: [BusValue] = []
            while let next = types.first, next != end { fields.append(try value(&types, depth: depth + 1)) }
            guard types.popFirst() != nil, !fields.isEmpty else { throw Self.broken("a structure without an end") }
            return .structure(fields)
        case UInt8(ascii: "a"): return .array(try array(&types, depth: depth + 1))
        default: throw Self.broken("a type that does not exist")
        }
    }

    private mutating func array(_ types: inout ArraySlice<UInt8>, depth: Int) throws(Fault) -> [BusValue] {
        let length = try number(4)
        let element = try Self.firstType(of: types)
        types = types.dropFirst(element.count)
        // The first element is aligned even when there is none; the length does not count that.
        try align(Self.alignment(element.first ?? 0))
        guard length <= UInt64(bytes.count - at) else { throw Self.broken("an array that ends too soon") }
        let end = at + Int(length)
        var values: [BusValue] = []
        while at < end {
            var one = element
            values.append(try value(&one, depth: depth))
        }
        guard at == end else { throw Self.broken("an array whose length is wrong") }
        return values
    }

    /// The first complete type of a signature.
    private static func firstType(of types: ArraySlice<UInt8>) throws(Fault) -> ArraySlice<UInt8> {
        var depth = 0
        for (count, type) in types.enumerated() {
            switch type {
            case UInt8(ascii: "a"): continue
            case UInt8(ascii: "("), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
            guard depth >= 0 else { break }
            if depth == 0 { return types.prefix(count + 1) }
        }
        throw broken("a signature that ends too soon")
    }

    private static func alignment(_ type: UInt8) -> Int {
        switch type {
        case UInt8(ascii: "y"), UInt8(ascii: "g"), UInt8(ascii: "v"): 1
        case UInt8(ascii: "n"), UInt8(ascii: "q"): 2
        case UInt8(ascii: "x"), UInt8(ascii: "t"), UInt8(ascii: "d"), UInt8(ascii: "("), UInt8(ascii: "{"): 8
        default: 4
        }
    }
}
