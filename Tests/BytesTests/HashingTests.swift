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

    /// RFC 4231, test cases 1, 2, 3, 6 (key longer than a block).
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
            [UInt8](repeating: 0xAA, count: 131),
            Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
    ])
    func hmac(key: [UInt8], message: [UInt8], expected: String) {
        let code = HMACSHA256.code(for: message, key: key)
        #expect(Hex.encode(code) == expected)
        #expect(HMACSHA256.isValid(code, for: message, key: key))
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
