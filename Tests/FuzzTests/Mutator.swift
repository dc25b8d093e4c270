import Bytes
import Wire

/// Changes messages: as bytes, as protobuf fields, as containers.
struct Mutator {
    /// How the bytes of a seed are wrapped, so that what is inside can be changed and wrapped again rightly.
    enum Shape {
        case message
        /// A container of a kind; a work unit's is signed by `key`.
        case container(kind: UInt8, key: SigningKey?)
        case text
    }

    var seeds: [(bytes: [UInt8], shape: Shape)]
    static let bytesMax = 1 << 20

    /// A message that comes from one seed, or two.
    func next(_ random: inout SeededGenerator) -> [UInt8] {
        let (seed, shape) = random.oneOf(seeds)
        let other = random.oneOf(seeds).bytes
        var bytes: [UInt8]
        switch shape {
        case .message where random.nextIndex(below: 4) > 0:
            bytes = ProtobufMutation.change(seed, other, &random)
        case .container(let kind, let key) where random.nextIndex(below: 3) > 0:
            bytes = rewrapped(seed, other, kind, key, &random)
        default: bytes = ByteMutation.change(seed, other, &random)
        }
        if random.nextIndex(below: 16) == 0 { bytes = ByteMutation.change(bytes, other, &random) }
        return bytes.count <= Self.bytesMax ? bytes : Array(bytes.prefix(Self.bytesMax))
    }

    /// Header and signature are right again after the body was changed.
    private func rewrapped(
        _ seed: [UInt8], _ other: [UInt8], _ kind: UInt8, _ key: SigningKey?, _ random: inout SeededGenerator
    ) -> [UInt8] {
        let tail = kind == 1 ? 64 : 0
        guard seed.count > 16 + tail else { return seed }
        let body = ProtobufMutation.change(
            Array(seed[16..<seed.count - tail]), Array(other.dropFirst(16)), &random)
        guard kind == 1 else { return Self.wrapped(body, header: Array(seed[0..<8])) }
        // Signing takes longer than all the rest, and only a look at the signature needs it.
        let isSigned = random.nextIndex(below: 4) == 0
        let bytes = Self.wrapped(body, header: Array(seed[0..<8]), key: isSigned ? key : nil)
        return isSigned && key != nil ? bytes : bytes + [UInt8](repeating: 0, count: 64)
    }

    /// A container: header, length, body and, with a key, the signature of a work unit.
    static func wrapped(_ body: [UInt8], header: [UInt8], key: SigningKey? = nil) -> [UInt8] {
        var writer = ByteWriter()
        writer.put(bytes: header)
        writer.put(u64: UInt64(body.count))
        writer.put(bytes: body)
        guard let key else { return writer.bytes }
        return writer.bytes + key.sign(Array(UnitContainer.signatureContext.utf8) + writer.bytes)
    }
}

/// Changes that know nothing of the bytes.
enum ByteMutation {
    static func change(_ seed: [UInt8], _ other: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = seed
        for _ in 0...random.nextIndex(below: 4) { changeOnce(&bytes, other, &random) }
        return bytes
    }

    private static func changeOnce(_ bytes: inout [UInt8], _ other: [UInt8], _ random: inout SeededGenerator) {
        let at = random.nextIndex(below: bytes.count + 1)
        let length = min(1 + random.nextIndex(below: 1 << random.nextIndex(below: 8)), bytes.count - at)
        switch random.nextIndex(below: 10) {
        case 0 where at < bytes.count: bytes[at] ^= 1 << UInt8(random.nextIndex(below: 8))
        case 1 where at < bytes.count: bytes[at] = random.oneOf([0, 1, 0x7F, 0x80, 0xFF, UInt8(ascii: "0")])
        case 2: bytes.insert(contentsOf: random.nextBytes(1 + random.nextIndex(below: 8)), at: at)
        case 3: bytes.removeSubrange(at..<at + length)
        case 4: bytes.insert(contentsOf: bytes[at..<at + length], at: at)
        case 5: bytes.removeSubrange(at...)
        case 6: bytes.append(contentsOf: random.nextBytes(1 + random.nextIndex(below: 16)))
        case 7:
            // The head of one message, the tail of another.
            let from = random.nextIndex(below: other.count + 1)
            bytes = Array(bytes[..<at] + other[from...])
        case 8:
            let number = Varint.bytes(random.oneOf(Varint.edges))
            bytes.replaceSubrange(at..<min(at + number.count, bytes.count), with: number)
        default:
            let value = withUnsafeBytes(of: random.oneOf(Varint.edges).littleEndian) { Array($0) }
            bytes.replaceSubrange(at..<min(at + 8, bytes.count), with: value)
        }
    }
}

enum Varint {
    static let edges: [UInt64] = [
        0, 1, 127, 128, 255, 256, 65_535, 65_536, 1 << 20, 1 << 21, 1 << 31 - 1, 1 << 31, 1 << 32 - 1, 1 << 32,
        1 << 52, 1 << 53, 1 << 62, 1 << 63 - 1, 1 << 63, 1 << 63 + 1, .max - 1, .max,
    ]

    static func bytes(_ value: UInt64) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}

extension SeededGenerator {
    mutating func oneOf<T>(_ values: [T]) -> T { values[nextIndex(below: values.count)] }
}
