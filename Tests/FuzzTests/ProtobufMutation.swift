import Bytes

/// Changes of protobuf messages: what comes out is mostly a message again, with other fields, numbers and lengths.
enum ProtobufMutation {
    struct Field {
        var number: UInt64
        /// 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes; others are invalid.
        var wire: UInt8
        var varint: UInt64 = 0
        var bytes: [UInt8] = []
        /// The length that is written, when it is not that of `bytes`.
        var claimed: UInt64?

        func encoded() -> [UInt8] {
            let tag = Varint.bytes(number << 3 | UInt64(wire & 7))
            return switch wire {
            case 0: tag + Varint.bytes(varint)
            case 2: tag + Varint.bytes(claimed ?? UInt64(bytes.count)) + bytes
            default: tag + bytes
            }
        }
    }

    static func change(_ seed: [UInt8], _ other: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = seed
        for _ in 0...random.nextIndex(below: 3) { bytes = change(bytes, other, depth: 0, &random) }
        return bytes
    }

    private static func change(
        _ seed: [UInt8], _ other: [UInt8], depth: Int, _ random: inout SeededGenerator
    ) -> [UInt8] {
        guard var fields = fields(of: seed), !fields.isEmpty else {
            return ByteMutation.change(seed, other, &random)
        }
        let at = random.nextIndex(below: fields.count)
        switch random.nextIndex(below: 24) {
        case 0: fields.append(fields[at])
        case 1: fields.remove(at: at)
        case 2: fields.shuffle(using: &random)
        case 3: fields[at].number = random.oneOf([1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 99, 1 << 28, 1 << 29 - 1, 1 << 60])
        case 4: fields[at].wire = UInt8(random.nextIndex(below: 8))
        case 5: if let more = Self.fields(of: other), !more.isEmpty { fields.insert(random.oneOf(more), at: at) }
        case 6: fields = Array(fields[...at]) + (Self.fields(of: other) ?? [])
        case 7: fields[at] = nested(fields[at], levels: random.oneOf([2, 14, 15, 16, 17, 100]))
        case 8: fields.insert(contentsOf: repeatElement(fields[at], count: random.nextIndex(below: 64)), at: at)
        case 9: fields[at].claimed = random.oneOf(Varint.edges)
        case 10 where random.nextIndex(below: 400) == 0: fields += crowd(fields[at].number, &random)
        case 11 where random.nextIndex(below: 100) == 0: fields[at] = nested(fields[at], levels: 10_000)
        case 12: fields.insert(Field(number: fields[at].number, wire: 0, varint: random.oneOf(Varint.edges)), at: at)
        default: changeValue(&fields[at], other, depth, &random)
        }
        return fields.flatMap { $0.encoded() }
    }

    private static func changeValue(
        _ field: inout Field, _ other: [UInt8], _ depth: Int, _ random: inout SeededGenerator
    ) {
        switch field.wire {
        case 0: field.varint = random.nextIndex(below: 3) == 0 ? random.next() : random.oneOf(Varint.edges)
        case 2 where depth < 6 && random.nextIndex(below: 3) > 0 && fields(of: field.bytes) != nil:
            field.bytes = change(field.bytes, other, depth: depth + 1, &random)
        case 2:
            switch random.nextIndex(below: 5) {
            case 0: field.bytes = []
            case 1: field.bytes = Array("\u{1B}[31m\u{202E}".utf8)
            case 2: field.bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 1 << random.nextIndex(below: 14))
            default: field.bytes = ByteMutation.change(field.bytes, other, &random)
            }
        case 1:
            let value = random.oneOf([
                .nan, .infinity, -.infinity, -1, 0, -0.0, Double.leastNonzeroMagnitude, 1, 1e9, 1e19, 1e21, 1.7e308,
                -1e300, 0.5,
            ])
            field.bytes = LittleEndian.bytes(of: [value])
        default: field.bytes = ByteMutation.change(field.bytes, other, &random)
        }
    }

    /// A message in a message in a message ...
    private static func nested(_ field: Field, levels: Int) -> Field {
        // From the inside out, the bytes in reverse, so that depth costs no more than length.
        var reversed = Array(field.encoded().reversed())
        for _ in 0..<levels {
            let length = Varint.bytes(UInt64(reversed.count))
            reversed += length.reversed()
            reversed += Varint.bytes(field.number << 3 | 2).reversed()
        }
        return Field(number: field.number, wire: 2, bytes: reversed.reversed())
    }

    /// More occurrences than any field may have, two bytes each.
    private static func crowd(_ number: UInt64, _ random: inout SeededGenerator) -> [Field] {
        let field = Field(number: number, wire: random.oneOf([0, 2]))
        return Array(repeating: field, count: random.oneOf([1000, 5000, 66_000]))
    }

    /// The top-level fields; nil when the bytes are no message.
    private static func fields(of bytes: [UInt8]) -> [Field]? {
        var found: [Field] = []
        var at = 0
        func varint() -> UInt64? {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 70, by: 7) where at < bytes.count {
                value |= UInt64(bytes[at] & 0x7F) << shift
                at += 1
                if bytes[at - 1] < 0x80 { return value }
            }
            return nil
        }
        while at < bytes.count {
            guard let tag = varint(), tag >> 3 > 0 else { return nil }
            var field = Field(number: tag >> 3, wire: UInt8(tag & 7))
            var length = 0
            switch field.wire {
            case 0:
                guard let value = varint() else { return nil }
                field.varint = value
            case 1: length = 8
            case 2:
                guard let value = varint(), value <= UInt64(bytes.count - at) else { return nil }
                length = Int(value)
            case 5: length = 4
            default: return nil
            }
            guard length <= bytes.count - at else { return nil }
            field.bytes = Array(bytes[at..<at + length])
            at += length
            found.append(field)
        }
        return found
    }
}
