import Bytes
import Domain
import Testing
import Transparency

@Suite struct WitnessTests {
    static let witness = try! Witness(signer: Sample.witnessSigner, logs: [Sample.logKey])

    static func request(_ store: MemoryTileStore, from old: Int64, proof: [Digest]? = nil) throws -> WitnessRequest {
        let checkpoint = try Sample.checkpoint(store)
        let nodes = TileNodes(store, size: checkpoint.size)
        let hashes =
            if let proof { proof } else if old <= checkpoint.size {
                try ConsistencyProof(from: old, to: checkpoint.size, from: nodes).hashes
            } else { [Digest]() }
        return WitnessRequest(oldSize: old, proof: hashes, checkpoint: checkpoint.note)
    }

    private func refusal(_ request: WitnessRequest, _ state: WitnessState) -> WitnessRefusal? {
        var after = state
        do throws(WitnessRefusal) {
            _ = try Self.witness.consider(request, &after, time: 9)
            return nil
        } catch {
            #expect(after == state)
            return error
        }
    }

    /// The state of a witness that has cosigned the first leaves of the sample.
    private func state(_ size: Int) throws -> WitnessState {
        var state = WitnessState()
        _ = try Self.witness.consider(Self.request(Sample.log(Sample.leaves(size)), from: 0), &state, time: 1)
        return state
    }

    @Test func aGrowingLogIsCosigned() throws {
        var state = WitnessState()
        var old: Int64 = 0
        for (at, size) in [0, 1, 2, 300, 300, 512, 700].enumerated() {
            let store = try Sample.log(Sample.leaves(size))
            let time = Int64(1_700_000_000 + at)
            let line = try Self.witness.consider(Self.request(store, from: old), &state, time: time)
            let cosigned = try Sample.checkpoint(store).adding([line])
            let found = try Cosignature.all(in: cosigned.note, of: [Self.witness.key])
            #expect(found == [Cosignature(witness: Self.witness.key, time: time)])
            // A restart in between forgets nothing.
            state = try WitnessState(text: Array(state.text.utf8))
            old = Int64(size)
            #expect(try state.checkpoint(of: [Sample.logKey])?.size == old)
        }
    }

    @Test func requestsAsTextAndBack() throws {
        let request = try Self.request(Sample.log(Sample.leaves(700)), from: 500)
        #expect(request.proof.count > 3)
        #expect(try WitnessRequest(body: Array(request.body.utf8)) == request)
        let first = try Self.request(Sample.log(Sample.leaves(700)), from: 0)
        #expect(try WitnessRequest(body: Array(first.body.utf8)) == first)
        let note = String(decoding: first.checkpoint.bytes, as: UTF8.self)
        let hash = Base64.encode(LogHash.empty.bytes) + "\n"
        for bad in [
            "", "old 0\n", "old 00\n\n" + note, "old -1\n\n" + note, "old\n\n" + note, "new 0\n\n" + note,
            "old 0\n" + note, "old 0\nAAAA\n\n" + note, "old 0\n\n" + note + "x",
            "old 0\n" + String(repeating: hash, count: 64) + "\n" + note,
        ] {
            #expect(throws: Fault.self, "\(bad)") { try WitnessRequest(body: Array(bad.utf8)) }
        }
        let most = "old 0\n" + String(repeating: hash, count: 63) + "\n" + note
        #expect(try WitnessRequest(body: Array(most.utf8)).proof.count == 63)
    }

    /// The example of c2sp.org/tlog-witness.
    @Test func theRequestOfTheSpecification() throws {
        let body = """
            old 20852014
            PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
            jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
            5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
            /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

            example.com/behind-the-sofa
            20852163
            CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

            — example.com/behind-the-sofa \
            Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
            — example.com/behind-the-sofa \
            opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=

            """
        let request = try WitnessRequest(body: Array(body.utf8))
        #expect(request.oldSize == 20_852_014 && request.proof.count == 4 && request.checkpoint.signatures.count == 2)
        #expect(request.body == body)
        #expect(refusal(request, WitnessState()) == .unknownLog("example.com/behind-the-sofa"))
        #expect(refusal(request, WitnessState())?.status == 404)
    }

    @Test func whatIsNotTheLogsIsRefused() throws {
        let foreign = try Sample.log(Sample.leaves(5), Sample.otherSigner)
        let note = try SignedNote(foreign.files["checkpoint"]!)
        let request = WitnessRequest(oldSize: 0, proof: [], checkpoint: note)
        #expect(refusal(request, WitnessState()) == .notSigned(.notSigned(["example.org/log"])))
        #expect(refusal(request, WitnessState())?.status == 403)
        #expect(throws: NoteRefusal.self) { try Witness(signer: Sample.logSigner, logs: [Sample.logKey]) }
        #expect(throws: NoteRefusal.self) {
            try Witness(signer: Sample.witnessSigner, logs: [Sample.witnessSigner.key])
        }
    }

    @Test func staleOldSizesAreAnswered() throws {
        let store = try Sample.log(Sample.leaves(700))
        for old in [0, 1, 499, 501, 700] as [Int64] {
            #expect(refusal(try Self.request(store, from: old), try state(500)) == .staleOldSize(500))
        }
        #expect(refusal(try Self.request(store, from: 1), WitnessState()) == .staleOldSize(0))
        let early = WitnessRequest(oldSize: 701, proof: [], checkpoint: try Sample.checkpoint(store).note)
        #expect(refusal(early, WitnessState()) == .smaller(old: 701, size: 700, nil))
    }

    @Test func rollbackForkAndBadProofGiveEvidence() throws {
        let state = try state(500)
        let smaller = try #require(refusal(try Self.request(Sample.log(Sample.leaves(499)), from: 500), state))
        #expect(smaller.status == 400 && smaller.evidence?.kind == .rollback)
        var other = Sample.leaves(700)
        other[3] = [1]
        let same = try #require(refusal(try Self.request(Sample.log(Array(other[..<500])), from: 500), state))
        #expect(same.status == 409 && same.evidence?.kind == .fork)
        let longer = try #require(refusal(try Self.request(Sample.log(other), from: 500), state))
        #expect(longer.status == 422 && longer.evidence?.kind == .fork)
        let silent = try #require(refusal(try Self.request(Sample.log(other), from: 500, proof: []), state))
        #expect(silent.status == 422 && silent.evidence?.kind == .unproven)
        // An honest log with a wrong proof convicts itself of no fork.
        let honest = try Sample.log(Sample.leaves(700))
        let wrong = try Self.request(honest, from: 500, proof: [LogHash.empty])
        #expect(refusal(wrong, state)?.evidence?.kind == .unproven)
        for refusal in [smaller, same, longer, silent] {
            let evidence = try #require(refusal.evidence)
            #expect(try Evidence(text: Array(evidence.text.utf8)) == evidence)
            try evidence.verify(Sample.logKey)
            #expect(throws: Fault.self) { try evidence.verify(Sample.otherSigner.key) }
        }
        let first = try Self.request(honest, from: 0, proof: [LogHash.empty])
        #expect(refusal(first, WitnessState()) == .badProof(.tooManyHashes(found: 1, expected: 0), nil))
    }

    /// When the kept log is one complete tree its root is the proof's beginning, and the proof alone shows no fork.
    @Test func aForkOfACompleteTree() throws {
        let state = try state(512)
        var other = Sample.leaves(700)
        other[3] = [1]
        let refused = try #require(refusal(try Self.request(Sample.log(other), from: 512), state))
        #expect(refused.evidence?.kind == .unproven)
        // Whoever has the files can show it.
        let report = try Sample.report(Sample.log(other), kept: state.checkpoint(of: [Sample.logKey]))
        #expect(report.evidence?.kind == .fork)
        try #require(report.evidence).verify(Sample.logKey)
    }

    @Test func aBrokenStateIsRefused() throws {
        let text = try state(500).text
        #expect(try WitnessState(text: Array(WitnessState().text.utf8)) == WitnessState())
        for count in 1..<text.utf8.count where count != WitnessState().text.utf8.count {
            #expect(throws: Fault.self, "\(count)") { try WitnessState(text: Array(text.utf8.prefix(count))) }
        }
        #expect(throws: Fault.self) { try WitnessState(text: []) }
        let twice = text + text.dropFirst(WitnessState().text.count)
        #expect(throws: Fault.self) { try WitnessState(text: Array(twice.utf8)) }
        // A state that somebody edited: the log never signed this.
        let edited = try WitnessState(text: Array(text.replacing("\n500\n", with: "\n400\n").utf8))
        let request = try Self.request(Sample.log(Sample.leaves(700)), from: 400)
        #expect(refusal(request, edited) == .notSigned(.badSignature("example.org/log")))
    }
}
