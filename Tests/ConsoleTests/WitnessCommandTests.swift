import Bytes
import Console
import Domain
import Foundation
import Testing
import Transparency

@Suite struct WitnessCommandTests {
    private struct Witness {
        let folder: TemporaryFolder
        let key: String
        var ledger: String { folder.path + "/ledger" }
        var state: String { folder.path + "/state" }

        init(_ folder: TemporaryFolder) throws {
            self.folder = folder
            let screen = Recorder()
            let path = folder.path + "/witness.key"
            let code = CommandContext(screen: screen, asJSON: false).run { (context) throws(Fault) in
                try LedgerKeygenCommand(name: "witness.test", path: path, isWitness: true).run(context)
            }
            #expect(code == 0)
            key = screen.out.trimmingCharacters(in: .newlines)
        }

        func run(json: Bool = false, signer: String = "witness.key") -> (code: Int32, screen: Recorder) {
            let screen = Recorder()
            let code = CommandContext(screen: screen, asJSON: json).run { (context) throws(Fault) in
                try WitnessCommand(
                    place: ledger, key: LedgerFolder.key, state: state, signer: "\(folder.path)/\(signer)",
                    out: folder.path + "/cosigned", evidence: nil
                ).run(context)
            }
            return (code, screen)
        }
    }

    @Test func aGrowingLedgerIsCosigned() throws {
        try TemporaryFolder.with { folder in
            let witness = try Witness(folder)
            for size in [0, 1, 300, 300, 700] {
                try LedgerFolder.make(size, at: witness.ledger)
                let (code, screen) = witness.run()
                #expect(code == 0, "\(screen.err)")
                #expect(screen.out.hasPrefix("— witness.test ") && screen.out.hasSuffix("\n"))
                let note = try SignedNote(Array(folder.text("cosigned").utf8))
                let key = try NoteKey(text: witness.key)
                let cosigned = try Cosignature.all(in: note, of: [key])
                #expect(cosigned.count == 1 && cosigned[0].time > 1_700_000_000)
                #expect(try SignedCheckpoint(note, key: NoteKey(text: LedgerFolder.key)).size == Int64(size))
            }
            #expect(try DocumentTests.undocumented(witness.run(json: true).screen.out) == [])
            // A proof under the cosigned checkpoint names its witness.
            try FileManager.default.removeItem(atPath: witness.ledger + "/checkpoint")
            try FileManager.default.copyItem(
                atPath: folder.path + "/cosigned", toPath: witness.ledger + "/checkpoint")
            let screen = Recorder()
            let code = CommandContext(screen: screen, asJSON: false).run { (context) throws(Fault) in
                _ = try LedgerProveCommand(
                    task: "1.3#0", place: witness.ledger, key: LedgerFolder.key, out: folder.path
                ).run(context)
                return try LedgerCheckCommand(
                    path: folder.path + "/leaf-7.tlog-proof", key: LedgerFolder.key, witnesses: [witness.key]
                ).run(context)
            }
            #expect(code == 0 && screen.out.contains("seen by witness.test at "))
        }
    }

    @Test(arguments: [299, 300, 301, 512])
    func aForkIsRefusedAndConvicted(size: Int) throws {
        try TemporaryFolder.with { folder in
            let witness = try Witness(folder)
            try LedgerFolder.make(300, at: witness.ledger)
            #expect(witness.run().code == 0)
            let state = try folder.text("state")
            try LedgerFolder.make(size, at: witness.ledger, changing: [3: [1]])
            let (code, screen) = witness.run()
            #expect(code == 1 && screen.out.isEmpty)
            #expect(screen.err.contains(size < 300 ? "rolled back" : "has forked"))
            #expect(try folder.text("state") == state)
            let key = try NoteKey(text: LedgerFolder.key)
            let evidence = try Evidence(text: Array(folder.text("state.evidence").utf8))
            #expect(evidence.kind == (size < 300 ? .rollback : .fork))
            try evidence.verify(key)
            // The same again is the same evidence; another fork is kept beside it.
            #expect(witness.run().code == 1)
            try LedgerFolder.make(size, at: witness.ledger, changing: [4: [1]])
            #expect(witness.run().code == 1)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(names.filter { $0.contains("evidence") }.sorted() == ["state.evidence", "state.evidence.2"])
            // The true ledger is cosigned still.
            try LedgerFolder.make(600, at: witness.ledger)
            #expect(witness.run().code == 0)
        }
    }

    @Test func whatAWitnessCannotUse() throws {
        try TemporaryFolder.with { folder in
            let witness = try Witness(folder)
            try LedgerFolder.make(300, at: witness.ledger)
            try folder.write("log.key", LedgerFolder.signer.secretText + "\n")
            #expect(witness.run(signer: "log.key").code == 64)
            try folder.write("broken.key", "PRIVATE+KEY+x\n")
            let broken = witness.run(signer: "broken.key")
            #expect(broken.code == 65 && !broken.screen.err.contains("PRIVATE"))
            #expect(witness.run(signer: "none.key").code == 66)
            // A state that cannot be read is not begun anew.
            try folder.write("state", "nothing\n")
            #expect(witness.run().code == 65)
            #expect(try folder.text("state") == "nothing\n")
            try FileManager.default.removeItem(atPath: folder.path + "/state")
            #expect(witness.run().code == 0)
            try LedgerFolder.make(600, at: witness.ledger)
            try FileManager.default.removeItem(atPath: witness.ledger + "/tile/1/000.p/2")
            #expect(witness.run().code == 66)
        }
    }

    @Test func secretKeysAreKept() throws {
        try TemporaryFolder.with { folder in
            func keygen(_ name: String, _ file: String, json: Bool = false) -> (code: Int32, screen: Recorder) {
                let screen = Recorder()
                let code = CommandContext(screen: screen, asJSON: json).run { (context) throws(Fault) in
                    try LedgerKeygenCommand(name: name, path: "\(folder.path)/\(file)", isWitness: false).run(context)
                }
                return (code, screen)
            }
            let (code, screen) = keygen("millrace.test/ledger", "key")
            #expect(code == 0)
            let secret = try folder.text("key")
            let signer = try NoteSigner(text: secret.trimmingCharacters(in: .newlines))
            #expect(screen.out == signer.key.text + "\n" && signer.key.kind == .ed25519)
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/key")
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
            #expect(keygen("millrace.test/ledger", "key").code == 73)
            #expect(try folder.text("key") == secret)
            #expect(keygen("two words", "other").code == 64)
            let json = keygen("millrace.test/ledger", "third", json: true).screen.out
            #expect(try DocumentTests.undocumented(json) == [])
            #expect(!json.contains("PRIVATE"))
        }
    }
}
