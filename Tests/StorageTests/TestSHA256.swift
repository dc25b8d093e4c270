import Domain
import Storage
import Testing

/// SHA-256 (FIPS 180-4), so that these tests need no crypto library. Slow and plain.
struct TestSHA256: StreamingHash {
    private static let constants: [UInt32] = primes(64).map { fraction(of: Double($0), root: 3) }
    private var state: [UInt32] = TestSHA256.primes(8).map { TestSHA256.fraction(of: Double($0), root: 2) }
    private var rest: [UInt8] = []
    private var length: UInt64 = 0

    private static func primes(_ count: Int) -> [Int] {
        var found: [Int] = []
        var candidate = 2
        while found.count < count {
            if !found.contains(where: { candidate % $0 == 0 }) { found.append(candidate) }
            candidate += 1
        }
        return found
    }

    /// The first 32 bits of the fractional part of a square or cube root, by bisection on exact integers.
    private static func fraction(of value: Double, root: Int) -> UInt32 {
        var low: UInt64 = 0
        var high: UInt64 = 1 << 40
        while high - low > 1 {
            let middle = (low + high) / 2
            if isRoot(middle, atMost: UInt64(value), root: root) { low = middle } else { high = middle }
        }
        return UInt32(truncatingIfNeeded: low)
    }

    /// Whether (x / 2^32)^root <= value.
    private static func isRoot(_ x: UInt64, atMost value: UInt64, root: Int) -> Bool {
        var product = UInt128(1)
        for _ in 0..<root { product *= UInt128(x) }
        return product <= UInt128(value) << UInt128(32 * root)
    }

    mutating func update(_ bytes: [UInt8]) {
        length += UInt64(bytes.count)
        rest += bytes
        var at = 0
        while rest.count - at >= 64 {
            block(rest[at..<at + 64])
            at += 64
        }
        rest.removeFirst(at)
    }

    func finish() -> Digest {
        var copy = self
        let bits = length * 8
        copy.rest.append(0x80)
        while copy.rest.count % 64 != 56 { copy.rest.append(0) }
        copy.rest += (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * $0)) }
        let tail = copy.rest
        for at in stride(from: 0, to: tail.count, by: 64) { copy.block(tail[at..<at + 64]) }
        return Digest(bytes: copy.state.flatMap { word in (0..<4).map { UInt8(word >> (24 - 8 * $0) & 255) } })!
    }

    private mutating func block(_ bytes: ArraySlice<UInt8>) {
        let start = bytes.startIndex
        var w = (0..<16).map { i in (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[start + 4 * i + $1]) } }
        func turn(_ x: UInt32, _ n: UInt32) -> UInt32 { x >> n | x << (32 - n) }
        for i in 16..<64 {
            let s0 = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3
            let s1 = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10
            w.append(w[i - 16] &+ s0 &+ w[i - 7] &+ s1)
        }
        var v = state
        for i in 0..<64 {
            let s1 = turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)
            let t1 = v[7] &+ s1 &+ (v[4] & v[5] ^ ~v[4] & v[6]) &+ TestSHA256.constants[i] &+ w[i]
            let s0 = turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22)
            let t2 = s0 &+ (v[0] & v[1] ^ v[0] & v[2] ^ v[1] & v[2])
            v = [t1 &+ t2, v[0], v[1], v[2], v[3] &+ t1, v[4], v[5], v[6]]
        }
        for i in 0..<8 { state[i] = state[i] &+ v[i] }
    }
}

let sha256: HashFactory = { TestSHA256() }

@Test("the hash of these tests is SHA-256", arguments: [1, 7, 64, 1000])
func knownHashes(piece: Int) {
    #expect(
        digest(of: Array("abc".utf8), with: sha256).hex
            == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    let message = Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)
    var state = TestSHA256()
    for at in stride(from: 0, to: message.count, by: piece) { state.update(Array(message[at...].prefix(piece))) }
    #expect(state.finish().hex == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
}
