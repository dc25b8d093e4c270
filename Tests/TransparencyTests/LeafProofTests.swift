import Bytes
import Domain
import Testing
import Transparency

@Suite struct LeafProofTests {
    static func proof(_ index: Int = 300) throws -> LeafProof {
        let leaves = Sample.leaves(700)
        let store = try Sample.log(leaves)
        return try LeafProof(
            of: leaves[index], at: Int64(index), in: Sample.checkpoint(store), from: TileNodes(store, size: 700))
    }

    @Test(arguments: [0, 255, 256, 511, 699])
    func madeWrittenReadAndVerified(index: Int) throws {
        let proof = try Self.proof(index)
        #expect(proof.text.hasPrefix("c2sp.org/tlog-proof@v1\nextra "))
        let read = try LeafProof(text: Array(proof.text.utf8))
        #expect(read == proof)
        #expect(try read.verify(Sample.logKey).size == 700)
        #expect(read.leaf == Sample.leaves(700)[index])
        #expect(throws: Fault.self) { try read.verify(Sample.otherSigner.key) }
    }

    @Test func everyByteOfAProof() throws {
        let text = Array(try Self.proof().text.utf8)
        for at in text.indices {
            for mask in [1, 0x20, 0x80] as [UInt8] {
                var changed = text
                changed[at] ^= mask
                #expect(throws: Fault.self, "byte \(at)") { try LeafProof(text: changed).verify(Sample.logKey) }
            }
        }
        for count in 0..<text.count {
            #expect(throws: Fault.self) { try LeafProof(text: Array(text.prefix(count))).verify(Sample.logKey) }
        }
    }

    @Test func nothingIsProvenFromWrongFiles() throws {
        let leaves = Sample.leaves(700)
        let store = try Sample.log(leaves)
        let checkpoint = try Sample.checkpoint(store)
        func fault(_ leaf: Int, _ index: Int64, _ store: MemoryTileStore) -> FaultKind? {
            do throws(Fault) {
                let nodes = TileNodes(store, size: 700)
                _ = try LeafProof(of: leaves[leaf], at: index, in: checkpoint, from: nodes)
                return nil
            } catch { return error.kind }
        }
        #expect(fault(1, 1, store) == nil)
        #expect(fault(1, 2, store) == .badData)
        #expect(fault(1, 700, store) == .usage)
        for path in ["tile/0/000", "tile/0/002.p/188", "tile/1/000.p/2"] {
            let other = MemoryTileStore(store.files)
            other.remove(path)
            #expect(fault(1, 1, other) == .noInput)
            let bytes = store.files[path]!
            try other.write(path, Array(bytes.dropLast()))
            #expect(fault(1, 1, other) == .badData)
            try other.write(path, bytes.map { $0 ^ 1 })
            #expect(fault(1, 1, other) == .badData)
        }
    }
}
