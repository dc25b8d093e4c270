import Bytes
import Domain
import Testing
import Transparency

/// Vectors of golang.org/x/mod/sumdb/note, note_test.go (BSD licence), and of github.com/transparency-dev/formats,
/// note/note_cosigv1_test.go (Apache 2.0).
@Suite struct NoteTests {
    static let peterText = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    static let peterSecret = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
    static let enochText = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
    static let text =
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    static let peterLine =
        "— PeterNeumann "
        + "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    static let enochLine =
        "— EnochRoot "
        + "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"

    static func key(_ text: String) throws -> NoteKey { try NoteKey(text: text) }
    static func note(_ text: String) throws(NoteRefusal) -> SignedNote { try SignedNote(Array(text.utf8)) }

    @Test func keysOfTheReferenceImplementation() throws {
        let peter = try Self.key(Self.peterText)
        #expect(peter.name == "PeterNeumann" && peter.id == 0xc74f_20a3 && peter.kind == .ed25519)
        #expect(peter.text == Self.peterText)
        let signer = try NoteSigner(text: Self.peterSecret)
        #expect(signer.key == peter)
        #expect(signer.secretText == Self.peterSecret)
        #expect(try Self.key(Self.enochText).text == Self.enochText)
        #expect(try Self.key("TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6").kind == .ed25519)
        let witness = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
        #expect(try Self.key(witness).kind == .cosignature)
        #expect(try Self.key(witness).text == witness)
    }

    @Test func mangledKeysAreRefused() throws {
        for text in [Self.peterText, Self.peterSecret] {
            let bytes = Array(text.utf8)
            func isRefused(_ bytes: some Collection<UInt8>) -> Bool {
                let text = String(decoding: bytes, as: UTF8.self)
                return (try? NoteKey(text: text)) == nil && (try? NoteSigner(text: text)) == nil
            }
            for first in bytes.indices {
                for end in (first + 1)...bytes.count where first > 0 || end < bytes.count {
                    #expect(isRefused(bytes[first..<end]))
                }
                var other = bytes
                other[first] += 1
                #expect(isRefused(other))
            }
        }
        for text in [
            "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
            "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "", "+", "a+b", "a++b",
        ] {
            #expect(throws: NoteRefusal.self) { try NoteKey(text: text) }
        }
        let key = Sample.secret(9).publicKey
        for name in ["", "a b", "a+b", "a\u{2003}b", "a\nb", String(repeating: "a", count: 257)] {
            #expect(NoteKey(name: name, kind: .ed25519, publicKey: key) == nil)
        }
    }

    @Test func notesOfTheReferenceImplementation() throws {
        let (peter, enoch) = (try Self.key(Self.peterText), try Self.key(Self.enochText))
        let note = try Self.note(Self.text + "\n" + Self.peterLine + Self.enochLine)
        #expect(note.text == Self.text)
        #expect(note.signatures.map(\.line) == [Self.peterLine, Self.enochLine])
        #expect(note.bytes == Array((Self.text + "\n" + Self.peterLine + Self.enochLine).utf8))
        #expect(try note.verify([peter]) == [peter])
        #expect(try note.verify([enoch, peter]) == [peter, enoch])
        #expect(throws: NoteRefusal.notSigned([])) { try note.verify([]) }
        let signed = try SignedNote(text: Self.text, signers: [try NoteSigner(text: Self.peterSecret)])
        #expect(try signed.verify([peter]) == [peter])
        #expect(throws: NoteRefusal.notSigned(["EnochRoot"])) { try signed.verify([enoch]) }
    }

    @Test func malformedNotesAreRefused() throws {
        let (text, line) = (Self.text, Self.peterLine)
        for bad in [
            text, text + "\n", text + "\n" + String(line.dropLast()), "\u{1}" + text + "\n" + line,
            text + "\n" + line.replacing("— PeterNeumann", with: "— Bad Name"),
            text + "\n" + line + "Unexpected line.\n", text + "\n" + line + "\n", "\n" + line, "",
            text + "\n" + String(repeating: line, count: 101), text + "\n" + line.replacing("—", with: "-"),
            text + "\n" + line.replacing("=\n", with: "\n"), text + "\n— PeterNeumann x08gow==\n",
            text + "\r\n\r\n" + line, text + "\n" + line.replacing("JnAM=", with: "JnAN="),
        ] {
            #expect(throws: NoteRefusal.self, "\(bad)") { try Self.note(bad) }
        }
        #expect(throws: NoteRefusal.malformedNote("not UTF-8")) {
            try SignedNote([0xFF] + Array((text + "\n" + line).utf8))
        }
        let long = String(repeating: "a", count: LogLimits.noteBytesMax) + "\n\n" + line
        #expect(throws: NoteRefusal.self) { try Self.note(long) }
        #expect(try Self.note(text + "\n" + String(repeating: line, count: 100)).signatures.count == 100)
        #expect(throws: NoteRefusal.self) { try SignedNote(text: "abc", signers: []) }
    }

    @Test func wrongAndRepeatedSignatures() throws {
        let (peter, enoch) = (try Self.key(Self.peterText), try Self.key(Self.enochText))
        let twice = try Self.note(Self.text + "\n" + Self.peterLine + Self.peterLine + Self.enochLine)
        #expect(throws: NoteRefusal.signedTwice("PeterNeumann")) { try twice.verify([peter]) }
        // What an unknown key does is nobody's business.
        #expect(try twice.verify([enoch]) == [enoch])
        let changed = try Self.note(Self.text.replacing("answer", with: "Answer") + "\n" + Self.peterLine)
        #expect(throws: NoteRefusal.badSignature("PeterNeumann")) { try changed.verify([peter]) }
        // One wrong signature of a known key spoils the note.
        let wrong = Self.enochLine.replacing("zmZa0", with: "zmZa1")
        let mixed = try Self.note(Self.text + "\n" + Self.peterLine + wrong)
        #expect(throws: NoteRefusal.badSignature("EnochRoot")) { try mixed.verify([peter, enoch]) }
        #expect(try mixed.verify([peter]) == [peter])
        // The same name with another number is another key.
        let stranger = Self.peterLine.replacing("x08go/", with: "x08gp/")
        #expect(throws: NoteRefusal.notSigned(["PeterNeumann"])) {
            try Self.note(Self.text + "\n" + stranger).verify([peter])
        }
    }

    /// RFC 4648 section 10, and what has another spelling.
    @Test func base64() {
        let vectors = [
            "": "", "f": "Zg==", "fo": "Zm8=", "foo": "Zm9v", "foob": "Zm9vYg==", "fooba": "Zm9vYmE=",
            "foobar": "Zm9vYmFy",
        ]
        for (plain, coded) in vectors {
            #expect(Base64.encode(Array(plain.utf8)) == coded)
            #expect(Base64.decode(coded) == Array(plain.utf8))
        }
        for bad in ["Zg", "Zg=", "Zh==", "Zm9=", "Zm9v\n", "Zm 9", "=", "====", "Zg==Zg==", "Zm9-", "Z===", "Zm=v"] {
            #expect(Base64.decode(bad) == nil, "\(bad)")
        }
        var random = SeededGenerator(seed: 5)
        for count in 0..<70 {
            let bytes = random.nextBytes(count)
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
    }
}
