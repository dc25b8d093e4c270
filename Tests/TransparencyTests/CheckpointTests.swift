import Bytes
import Domain
import Testing
import Transparency

@Suite struct CheckpointTests {
    /// The example of c2sp.org/tlog-checkpoint and c2sp.org/tlog-cosignature. Its keys are not published there, so
    /// only the form can be checked; signatures are checked in `NoteTests`.
    static let example = """
        example.com/behind-the-sofa
        20852163
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

        — example.com/behind-the-sofa \
        Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
        — witness.example.com/w1 \
        jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==

        """

    @Test func theExampleOfTheSpecification() throws {
        let note = try SignedNote(Array(Self.example.utf8))
        let checkpoint = try Checkpoint(text: note.text)
        #expect(checkpoint.origin == "example.com/behind-the-sofa")
        #expect(checkpoint.size == 20_852_163)
        #expect(checkpoint.root.hex == "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62")
        #expect(checkpoint.text == note.text)
        #expect(note.bytes == Array(Self.example.utf8))
        // The time that tlog-cosignature gives for this line.
        #expect(Cosignature.parts(note.signatures[1].bytes)?.time == 1_679_315_147)
    }

    /// TestCoSigV1Timestamp of github.com/transparency-dev/formats.
    @Test func timesOfCosignatures() throws {
        let line =
            "ZGhGuQAAAABm/qTPeyKXD+R2rzyQsxPiP8mXum7qq/iF0u4vanlqJyocWODBt97w9uL+8qT7S5gxEHWW"
            + "OworDcFiEBYJXORmnFBOBA=="
        #expect(Cosignature.parts(Array(Base64.decode(line)!.dropFirst(4)))?.time == 1_727_964_367)
        let plain = "eQjRQm6eSKzFoiYalgwCPXu2y3ijtg68is9M46JKxuZB+dRfTmeQeDBoXnvxZx2ugnkyV+MUMLXpWs1hPb/W/4xkNQY="
        #expect(Cosignature.parts(Array(Base64.decode(plain)!.dropFirst(4))) == nil)
        #expect(Cosignature.parts([0x80] + [UInt8](repeating: 0, count: 71)) == nil)
    }

    @Test func malformedCheckpointsAreRefused() {
        let root = Base64.encode(LogHash.empty.bytes)
        for bad in [
            "", "\n", "log\n1\n", "log\n1\n\(root)", "\n1\n\(root)\n", "log\n01\n\(root)\n", "log\n-1\n\(root)\n",
            "log\n+1\n\(root)\n", "log\n\n\(root)\n", "log\n1 \n\(root)\n", "log\n1\n\(root.dropLast())\n",
            "log\n1\nAAAA\n", "log\n1\n\(root)\n\n", "log\n1\n\(root)\n\nx\n", "log\n9223372036854775808\n\(root)\n",
            "log\n4611686018427387905\n\(root)\n", "log\n0x1\n\(root)\n", "log\n\u{0661}\n\(root)\n",
            String(repeating: "a", count: 257) + "\n1\n\(root)\n",
        ] {
            #expect(throws: NoteRefusal.self, "\(bad)") { try Checkpoint(text: bad) }
        }
    }

    @Test(arguments: [[], ["one"], ["one", "two words"]])
    func signedAndReadBack(extensions: [String]) throws {
        let checkpoint = Checkpoint(
            origin: "example.org/log", size: 7, root: LogHash.leaf([1]), extensions: extensions)
        let signed = try SignedCheckpoint(checkpoint, signer: Sample.logSigner)
        let read = try SignedCheckpoint(signed.note.bytes, key: Sample.logKey)
        #expect(read == signed && read.checkpoint == checkpoint)
        #expect(throws: NoteRefusal.self) { try SignedCheckpoint(signed.note.bytes, key: Sample.otherSigner.key) }
        #expect(throws: NoteRefusal.self) { try SignedCheckpoint(signed.note.bytes, key: Sample.witnessSigner.key) }
    }

    @Test func aCheckpointOfAnotherLogIsRefused() throws {
        let text = Checkpoint(origin: "example.org/other", size: 7, root: LogHash.leaf([1])).text
        let note = try SignedNote(text: text, signers: [Sample.logSigner])
        let expected = NoteRefusal.anotherOrigin(found: "example.org/other", expected: "example.org/log")
        #expect(throws: expected) { try SignedCheckpoint(note.bytes, key: Sample.logKey) }
        let broken = Checkpoint(origin: "example.org/log", size: 7, root: LogHash.empty, extensions: ["a\nb"])
        #expect(throws: NoteRefusal.self) { try SignedCheckpoint(broken, signer: Sample.logSigner) }
    }

    @Test func cosignatures() throws {
        let checkpoint = Checkpoint(origin: "example.org/log", size: 7, root: LogHash.leaf([1]))
        let signed = try SignedCheckpoint(checkpoint, signer: Sample.logSigner)
        let witness = Sample.witnessSigner
        #expect(try Cosignature.all(in: signed.note, of: [witness.key]).isEmpty)
        let early = try SignedNote(text: signed.note.text, signers: [witness], time: 1_700_000_000).signatures
        let late = try SignedNote(text: signed.note.text, signers: [witness], time: 1_700_000_060).signatures
        // The message is that of the specification.
        let message = Array("cosignature/v1\ntime 1700000000\n\(checkpoint.text)".utf8)
        #expect(witness.key.publicKey.isValid(signature: Array(early[0].bytes.dropFirst(8)), for: message))
        let once = signed.adding(early)
        #expect(try Cosignature.all(in: once.note, of: [witness.key]).map(\.time) == [1_700_000_000])
        // A witness that signs again replaces its line; the log's stays.
        let again = once.adding(late)
        #expect(again.note.signatures.count == 2)
        #expect(try Cosignature.all(in: again.note, of: [witness.key]).map(\.time) == [1_700_000_060])
        #expect(try SignedCheckpoint(again.note.bytes, key: Sample.logKey).checkpoint == checkpoint)
        var forged = late[0]
        forged.bytes[7] ^= 1
        #expect(throws: NoteRefusal.badSignature("witness.example.org")) {
            try Cosignature.all(in: once.adding([forged]).note, of: [witness.key])
        }
    }
}
