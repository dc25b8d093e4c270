import Bytes
import Domain
import Testing
import Transparency

@Suite struct EvidenceTests {
    static func evidence() throws -> Evidence {
        var other = Sample.leaves(700)
        other[3] = [1]
        let kept = try Sample.checkpoint(Sample.log(Sample.leaves(500)))
        return try Sample.report(Sample.log(other), kept: kept).evidence!
    }

    /// Evidence is believed by strangers: nothing in it may be changed, and true logs cannot be convicted.
    @Test func everyByteOfAnEvidenceFile() throws {
        let text = Array(try Self.evidence().text.utf8)
        for at in text.indices {
            for mask in [1, 0x20, 0x80] as [UInt8] {
                var changed = text
                changed[at] ^= mask
                #expect(throws: Fault.self, "byte \(at)") { try Evidence(text: changed).verify(Sample.logKey) }
            }
        }
        for count in 0..<text.count {
            #expect(throws: Fault.self) { try Evidence(text: Array(text.prefix(count))) }
        }
        #expect(throws: Fault.self) { try Evidence(text: text + [0x0A]) }
    }

    @Test func anHonestLogCannotBeConvicted() throws {
        let (old, new) = (try Sample.log(Sample.leaves(500)), try Sample.log(Sample.leaves(700)))
        let (kept, served) = (try Sample.checkpoint(old), try Sample.checkpoint(new))
        let proof = try ConsistencyProof(from: 500, to: 700, from: TileNodes(new, size: 700)).hashes
        let forged = LogHash.leaf([1])
        for evidence in [
            Evidence(.fork, kept: kept, served: served, oldRoot: kept.root, proof: proof),
            Evidence(.fork, kept: kept, served: served, oldRoot: forged, proof: proof),
            Evidence(.fork, kept: kept, served: served, oldRoot: forged, proof: []),
            Evidence(.fork, kept: kept, served: kept, oldRoot: kept.root),
            Evidence(.fork, kept: served, served: kept, oldRoot: forged),
            Evidence(.rollback, kept: kept, served: served), Evidence(.rollback, kept: kept, served: kept),
            Evidence(.unproven, kept: kept, served: served, proof: proof),
            Evidence(.unproven, kept: served, served: kept, proof: proof),
        ] {
            #expect(throws: Fault.self) { try evidence.verify(Sample.logKey) }
        }
        // An older copy, served later, is a rollback indeed.
        try Evidence(.rollback, kept: served, served: kept).verify(Sample.logKey)
    }
}
