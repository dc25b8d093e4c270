import Bytes
import Testing

@Suite struct SealedSecretTests {
    private let secret = [UInt8](1...32)
    private let purpose = Array("a purpose".utf8)

    @Test("The owner of the key reads the secret, and nobody else")
    func roundTrip() throws {
        let mine = OpeningKey()
        let sealed = try #require(SealedSecret.seal(secret, to: mine.publicKey, purpose: purpose))
        #expect(mine.open(sealed, purpose: purpose) == secret)
        #expect(sealed.encapsulatedKey.count == 32 && sealed.box.count == 48)
        #expect(OpeningKey().open(sealed, purpose: purpose) == nil)
        #expect(mine.open(sealed, purpose: purpose + [0]) == nil)
    }

    @Test("Any changed bit is noticed")
    func changed() throws {
        let mine = OpeningKey()
        let sealed = try #require(SealedSecret.seal(secret, to: mine.publicKey, purpose: purpose))
        for at in sealed.box.indices {
            var other = sealed
            other.box[at] ^= 1
            #expect(mine.open(other, purpose: purpose) == nil)
        }
        for at in sealed.encapsulatedKey.indices.dropLast() {
            var other = sealed
            other.encapsulatedKey[at] ^= 1
            #expect(mine.open(other, purpose: purpose) == nil)
        }
    }

    @Test("What is no key is refused")
    func badKey() {
        #expect(SealedSecret.seal(secret, to: [1, 2, 3], purpose: purpose) == nil)
        #expect(SealedSecret.seal(secret, to: [], purpose: purpose) == nil)
    }

    @Test("A code over pieces is the code over the whole")
    func pieces() {
        let key = [UInt8](repeating: 7, count: 32)
        let whole = HMACSHA256.code(for: Array("abcdef".utf8), key: key)
        #expect(MACKey(key).code(for: [Array("ab".utf8), [], Array("cdef".utf8)]) == whole)
    }
}
