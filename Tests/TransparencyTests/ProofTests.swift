import Bytes
import Domain
import Testing
import Transparency

@Suite struct ProofTests {
    static let hashes = Sample.hashes(64)
    static let nodes = MemoryNodes(hashes)
    static let roots = (0...64).map { Reference.root(hashes[..<$0]) }

    static func refusal(_ act: () throws(ProofRefusal) -> Void) -> ProofRefusal? {
        do throws(ProofRefusal) {
            try act()
            return nil
        } catch { return error }
    }

    @Test func frontierAndSourceGiveTheRootOfEverySize() throws {
        var frontier = Frontier()
        for size in 0...64 {
            #expect(frontier.root == Self.roots[size])
            #expect(try Self.nodes.root(at: Int64(size)) == Self.roots[size])
            #expect(frontier.peaks.count == size.nonzeroBitCount)
            #expect(Frontier(size: Int64(size), peaks: frontier.peaks) == frontier)
            let isAsMany = (size + 1).nonzeroBitCount == size.nonzeroBitCount
            #expect((Frontier(size: Int64(size) + 1, peaks: frontier.peaks) != nil) == isAsMany)
            if size < 64 { frontier.append(Self.hashes[size]) }
        }
        #expect(Frontier(size: -1, peaks: []) == nil)
    }

    /// Every leaf of every size up to 64: made as RFC 6962 says, accepted, and refused for anything else.
    @Test func everyInclusionProof() throws {
        for size in 1...64 {
            for index in 0..<size {
                let proof = try InclusionProof(of: Int64(index), in: Int64(size), from: Self.nodes)
                #expect(proof.hashes == Reference.path(index, Self.hashes[..<size]))
                let (leaf, root) = (Self.hashes[index], Self.roots[size])
                #expect(Self.refusal { () throws(ProofRefusal) in try proof.verify(leaf: leaf, root: root) } == nil)
                for (wrong, reason) in Self.mutations(of: proof) {
                    let found = Self.refusal { () throws(ProofRefusal) in try wrong.verify(leaf: leaf, root: root) }
                    #expect(found == reason, "leaf \(index) of \(size): \(wrong)")
                }
                let count = Self.hashes.count
                let other = Self.hashes[(index + 1) % count]
                #expect(
                    Self.refusal { () throws(ProofRefusal) in try proof.verify(leaf: other, root: root) }
                        == .anotherRoot)
                #expect(
                    Self.refusal { () throws(ProofRefusal) in try proof.verify(leaf: leaf, root: LogHash.empty) }
                        == .anotherRoot)
            }
        }
    }

    private static func mutations(of proof: InclusionProof) -> [(InclusionProof, ProofRefusal)] {
        var wrong: [(InclusionProof, ProofRefusal)] = []
        let count = proof.hashes.count
        var other = proof
        other.hashes.append(LogHash.empty)
        wrong.append((other, .tooManyHashes(found: count + 1, expected: count)))
        if count > 0 {
            other.hashes = Array(proof.hashes.dropLast())
            wrong.append((other, .tooFewHashes(found: count - 1, expected: count)))
        }
        for at in proof.hashes.indices {
            other.hashes = proof.hashes
            var bytes = other.hashes[at].bytes
            bytes[at % 32] ^= 1 << UInt8(at % 8)
            other.hashes[at] = Digest(bytes: bytes)!
            wrong.append((other, .anotherRoot))
        }
        other = proof
        other.index = proof.size
        wrong.append((other, .noSuchLeaf(index: proof.size, size: proof.size)))
        other.index = -1
        wrong.append((other, .noSuchLeaf(index: -1, size: proof.size)))
        return wrong
    }

    /// Every pair of sizes up to 64.
    @Test func everyConsistencyProof() throws {
        for new in 0...64 {
            for old in 0...new {
                let proof = try ConsistencyProof(from: Int64(old), to: Int64(new), from: Self.nodes)
                let expected = old == 0 ? [] : Reference.proof(old, Self.hashes[..<new])
                #expect(proof.hashes == expected)
                let (oldRoot, newRoot) = (Self.roots[old], Self.roots[new])
                func refusal(_ proof: ConsistencyProof, _ a: Digest, _ b: Digest) -> ProofRefusal? {
                    Self.refusal { () throws(ProofRefusal) in try proof.verify(oldRoot: a, newRoot: b) }
                }
                #expect(refusal(proof, oldRoot, newRoot) == nil)
                var other = proof
                let count = expected.count
                other.hashes.append(oldRoot)
                #expect(refusal(other, oldRoot, newRoot) == .tooManyHashes(found: count + 1, expected: count))
                for at in expected.indices {
                    other.hashes = expected
                    other.hashes[at] = LogHash.leaf([UInt8(at)])
                    let found = refusal(other, oldRoot, newRoot)
                    #expect(found == .anotherNewRoot || found == .anotherOldRoot)
                    other.hashes = expected
                    other.hashes.remove(at: at)
                    #expect(
                        refusal(other, oldRoot, newRoot) == .tooFewHashes(found: count - 1, expected: count))
                }
                guard old > 0, old < new else { continue }
                #expect(refusal(proof, LogHash.leaf([9]), newRoot) != nil)
                #expect(refusal(proof, oldRoot, LogHash.leaf([9])) == .anotherNewRoot)
                #expect(refusal(proof, newRoot, oldRoot) == .anotherNewRoot)
            }
        }
    }

    /// A proof holds for no other pair of sizes, with those sizes' true roots.
    @Test func aConsistencyProofHoldsForItsSizesOnly() throws {
        for new in 1...33 {
            for old in 1..<max(new, 2) where old < new {
                let proof = try ConsistencyProof(from: Int64(old), to: Int64(new), from: Self.nodes)
                for otherNew in 1...34 {
                    for otherOld in 1...otherNew where (otherOld, otherNew) != (old, new) {
                        var other = proof
                        (other.oldSize, other.newSize) = (Int64(otherOld), Int64(otherNew))
                        let found = Self.refusal { () throws(ProofRefusal) in
                            try other.verify(oldRoot: Self.roots[otherOld], newRoot: Self.roots[otherNew])
                        }
                        #expect(found != nil, "\(old) to \(new) passes as \(otherOld) to \(otherNew)")
                    }
                }
            }
        }
    }

    @Test func sizesAtTheLimitDoNotTrap() {
        let hash = LogHash.empty
        let huge = LogLimits.sizeMax
        for (index, size) in [(0, huge), (huge - 1, huge), (huge / 2, huge), (5, huge - 1), (0, Int64.max)] {
            for count in [0, 1, 61, 62, 63, 64, 1000] {
                let proof = InclusionProof(index: index, size: size, hashes: Array(repeating: hash, count: count))
                #expect(throws: ProofRefusal.self) { try proof.verify(leaf: hash, root: hash) }
                let pair = ConsistencyProof(
                    oldSize: max(index, 1), newSize: size, hashes: Array(repeating: hash, count: count))
                #expect(throws: ProofRefusal.self) { try pair.verify(oldRoot: LogHash.leaf([1]), newRoot: hash) }
            }
        }
    }

    @Test func sourcesRefuseWhatIsNotThere() {
        #expect(throws: Fault.self) { try InclusionProof(of: 64, in: 64, from: Self.nodes) }
        #expect(throws: Fault.self) { try InclusionProof(of: 0, in: 65, from: Self.nodes) }
        #expect(throws: Fault.self) { try ConsistencyProof(from: 3, to: 2, from: Self.nodes) }
        #expect(throws: Fault.self) { try ConsistencyProof(from: 3, to: 65, from: Self.nodes) }
        #expect(throws: Fault.self) { try Self.nodes.hash(level: 63, index: 0) }
    }

    /// Random sizes and pairs of a larger log.
    @Test func proofsOfALargerLog() throws {
        let hashes = Sample.hashes(3000)
        let nodes = MemoryNodes(hashes)
        var random = SeededGenerator(seed: 1)
        for _ in 0..<60 {
            let new = 1 + random.nextIndex(below: 3000)
            let old = 1 + random.nextIndex(below: new)
            let (oldRoot, newRoot) = (Reference.root(hashes[..<old]), Reference.root(hashes[..<new]))
            try ConsistencyProof(from: Int64(old), to: Int64(new), from: nodes)
                .verify(oldRoot: oldRoot, newRoot: newRoot)
            try InclusionProof(of: Int64(old) - 1, in: Int64(new), from: nodes)
                .verify(leaf: hashes[old - 1], root: newRoot)
        }
    }
}
