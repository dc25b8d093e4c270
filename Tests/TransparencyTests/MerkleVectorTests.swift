import Bytes
import Domain
import Testing
import Transparency

/// The eight leaves of the certificate transparency reference tests, with roots and proofs:
/// github.com/transparency-dev/merkle, proof/verify_test.go and rfc6962/rfc6962_test.go (Apache 2.0).
@Suite struct MerkleVectorTests {
    static let leaves = [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    ].map { Hex.decode($0)! }

    /// Of the sizes 1 to 8.
    static let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ].map(digest)

    struct Vector: Sendable {
        /// The leaf's number from 1, or the older size.
        var first: Int64
        var size: Int64
        var hashes: [String]
    }

    static let inclusions = [
        Vector(first: 1, size: 1, hashes: []),
        Vector(
            first: 1, size: 8,
            hashes: [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]),
        Vector(
            first: 6, size: 8,
            hashes: [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]),
        Vector(
            first: 3, size: 3, hashes: ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        Vector(
            first: 2, size: 5,
            hashes: [
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ]),
    ]

    static let consistencies = [
        Vector(first: 1, size: 1, hashes: []),
        Vector(first: 1, size: 8, hashes: inclusions[1].hashes),
        Vector(
            first: 6, size: 8,
            hashes: [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]),
        Vector(
            first: 2, size: 5,
            hashes: [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ]),
        Vector(
            first: 6, size: 7,
            hashes: [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]),
    ]

    static let nodes = MemoryNodes(leaves.map { LogHash.leaf($0) })

    @Test func rootsOfTheSizesOneToEight() throws {
        #expect(LogHash.empty == digest("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"))
        var frontier = Frontier()
        #expect(frontier.root == LogHash.empty)
        for (leaf, root) in zip(Self.leaves, Self.roots) {
            frontier.append(LogHash.leaf(leaf))
            #expect(frontier.root == root)
            #expect(try Self.nodes.root(at: frontier.size) == root)
        }
    }

    @Test(arguments: inclusions)
    func inclusion(vector: Vector) throws {
        let (index, size) = (vector.first - 1, vector.size)
        let proof = InclusionProof(index: index, size: size, hashes: vector.hashes.map(digest))
        let (leaf, root) = (LogHash.leaf(Self.leaves[Int(index)]), Self.roots[Int(size) - 1])
        try proof.verify(leaf: leaf, root: root)
        #expect(try InclusionProof(of: index, in: size, from: Self.nodes) == proof)
    }

    @Test(arguments: consistencies)
    func consistency(vector: Vector) throws {
        let (old, new) = (vector.first, vector.size)
        let proof = ConsistencyProof(oldSize: old, newSize: new, hashes: vector.hashes.map(digest))
        try proof.verify(oldRoot: Self.roots[Int(old) - 1], newRoot: Self.roots[Int(new) - 1])
        #expect(try ConsistencyProof(from: old, to: new, from: Self.nodes) == proof)
    }

    /// The degenerate cases of TestVerifyConsistency and TestVerifyInclusion there.
    @Test func degenerateCases() throws {
        let (one, two) = (Self.roots[0], Self.roots[1])
        func refusal(_ old: Int64, _ new: Int64, _ a: Digest, _ b: Digest, _ hashes: [Digest]) -> ProofRefusal? {
            do throws(ProofRefusal) {
                try ConsistencyProof(oldSize: old, newSize: new, hashes: hashes).verify(oldRoot: a, newRoot: b)
                return nil
            } catch { return error }
        }
        let empty = LogHash.empty
        #expect(refusal(0, 0, empty, empty, []) == nil)
        #expect(refusal(0, 1, empty, one, []) == nil)
        #expect(refusal(1, 1, two, two, []) == nil)
        #expect(refusal(0, 0, one, two, []) == .anotherOldRoot)
        #expect(refusal(0, 1, one, two, []) == .anotherOldRoot)
        #expect(refusal(1, 1, one, two, []) == .twoRoots(size: 1))
        #expect(refusal(1, 0, one, two, []) == .sizesReversed(old: 1, new: 0))
        #expect(refusal(2, 1, one, two, []) == .sizesReversed(old: 2, new: 1))
        #expect(refusal(-1, 1, one, two, []) == .sizesReversed(old: -1, new: 1))
        #expect(refusal(1, 2, one, two, []) == .tooFewHashes(found: 0, expected: 1))
        for (old, new) in [(0, 0), (0, 1), (1, 1)] as [(Int64, Int64)] {
            #expect(refusal(old, new, empty, empty, [empty]) == .tooManyHashes(found: 1, expected: 0))
        }
        for (index, size) in [(0, 0), (1, 0), (2, 1), (-1, 1)] as [(Int64, Int64)] {
            #expect(throws: ProofRefusal.noSuchLeaf(index: index, size: size)) {
                try InclusionProof(index: index, size: size, hashes: []).verify(leaf: one, root: one)
            }
        }
    }
}
