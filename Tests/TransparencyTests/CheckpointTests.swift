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

    /// Public logs: a static CT log with a line of another kind of signature and two witnesses, and Go's checksum
    /// database, whose origin is not its key's name.
    @Test func checkpointsOfRealLogs() throws {
        let text = """
            arche2025h1.staging.ct.transparency.dev
            1432088532
            U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

            — arche2025h1.staging.ct.transparency.dev \
            zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5\
            zRNZ55lvGt0=
            — arche2025h1.staging.ct.transparency.dev \
            ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
            — witness1.smartit.nu/witness1 \
            pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
            — remora.n621.de \
            2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==

            """
        let log = try NoteKey(
            text: "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f")
        let witness = try NoteKey(text: "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2")
        let signed = try SignedCheckpoint(Array(text.utf8), key: log)
        #expect(signed.size == 1_432_088_532)
        let cosigned = try Cosignature.all(in: signed.note, of: [witness])
        #expect(cosigned == [Cosignature(witness: witness, time: 1_779_573_024)])
        let forged = text.replacing("1432088532", with: "1432088533")
        #expect(throws: NoteRefusal.badSignature(log.name)) { try SignedCheckpoint(Array(forged.utf8), key: log) }
        #expect(throws: NoteRefusal.badSignature(witness.name)) {
            try Cosignature.all(in: SignedNote(Array(forged.utf8)), of: [witness])
        }

        let sums = """
            go.sum database tree
            6476701
            mb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=

            — sum.golang.org \
            Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw=

            """
        let key = try NoteKey(text: "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
        let note = try SignedNote(Array(sums.utf8))
        #expect(try note.verify([key]) == [key])
        #expect(try Checkpoint(text: note.text).size == 6_476_701)
        let other = NoteRefusal.anotherOrigin(found: "go.sum database tree", expected: "sum.golang.org")
        #expect(throws: other) { try SignedCheckpoint(note, key: key) }
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
