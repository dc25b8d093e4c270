import Bytes
import Domain
import Testing

@Suite struct HashingTests {
    /// FIPS 180-4 examples, and the empty message.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func sha256(message: String, expected: String) {
        let bytes = Array(message.utf8)
        #expect(SHA256Hash.digest(of: bytes).hex == expected)
        #expect(SHA256Hash.digest(of: bytes[...]).hex == expected)
    }

    @Test func millionLettersInPieces() {
        var hash = StreamingSHA256()
        let letters = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
        for start in stride(from: 0, to: letters.count, by: 4097) {
            hash.update(letters[start..<min(start + 4097, letters.count)])
        }
        #expect(hash.finish().hex == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func finishLeavesTheHashOpen() {
        var hash = StreamingSHA256()
        hash.update(Array("ab".utf8))
        _ = hash.finish()
        hash.update(Array("c".utf8))
        #expect(hash.finish() == SHA256Hash.digest(of: Array("abc".utf8)))
    }

    /// RFC 4231, test cases 1, 2, 3, 4, 6 and 7 (keys longer than a block).
    @Test(arguments: [
        (
            [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        (
            [UInt8](1...25), [UInt8](repeating: 0xCD, count: 50),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
        ),
        (
            [UInt8](repeating: 0xAA, count: 131),
            Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        (
            [UInt8](repeating: 0xAA, count: 131),
            Array(
                ("This is a test using a larger than block-size key and a larger than block-size data. The key needs "
                    + "to be hashed before being used by the HMAC algorithm.").utf8),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
        ),
    ])
    func hmac(key: [UInt8], message: [UInt8], expected: String) {
        let code = HMACSHA256.code(for: message, key: key)
        #expect(Hex.encode(code) == expected)
        #expect(HMACSHA256.isValid(code, for: message, key: key))
        #expect(MACKey(key).code(for: [message]) == code)
        #expect(MACKey(key).code(for: message.map { [$0] }) == code)
    }

    /// `isValid` is the library's; the codes are our own.
    @Test("Codes are those of the library for keys and messages of every length about a block's")
    func hmacOfEveryLength() {
        var random = SeededGenerator(seed: 4231)
        func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) } }
        for keyCount in [0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 129, 200] {
            let key = bytes(keyCount)
            let mac = MACKey(key)
            for count in [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 128, 1000] {
                let message = bytes(count)
                let cut = Int.random(in: 0...count, using: &random)
                let code = mac.code(for: [Array(message[..<cut]), [], Array(message[cut...])])
                #expect(HMACSHA256.isValid(code, for: message, key: key))
                #expect(HMACSHA256.code(for: message, key: key) == code)
            }
        }
    }

    @Test("A key that many use at once gives each the code of his own message")
    func sharedKey() async {
        let key = [UInt8](repeating: 5, count: 32)
        let mac = MACKey(key)
        let areValid = await withTaskGroup(of: Bool.self) { group in
            for task in 0..<4 {
                group.addTask {
                    (0..<500).allSatisfy { number in
                        let message = [UInt8](repeating: UInt8(task), count: number)
                        return HMACSHA256.isValid(mac.code(for: [message]), for: message, key: key)
                    }
                }
            }
            return await group.reduce(true) { $0 && $1 }
        }
        #expect(areValid)
    }

    @Test func hmacRefusesEveryChange() {
        let (key, message) = (Array("key".utf8), Array("message".utf8))
        let code = HMACSHA256.code(for: message, key: key)
        for index in code.indices {
            var wrong = code
            wrong[index] ^= 1
            #expect(!HMACSHA256.isValid(wrong, for: message, key: key))
        }
        #expect(!HMACSHA256.isValid(Array(code.dropLast()), for: message, key: key))
        #expect(!HMACSHA256.isValid([], for: message, key: key))
        #expect(!HMACSHA256.isValid(code, for: message + [0], key: key))
        #expect(!HMACSHA256.isValid(code, for: message, key: key + [1]))
    }
}
