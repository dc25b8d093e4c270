import Bytes
import Domain
import Transparency

/// The hash tree as RFC 6962 section 2.1 defines it, by recursion over the leaves' hashes: slow, and obviously right.
enum Reference {
    static func split(_ count: Int) -> Int {
        var k = 1
        while k * 2 < count { k *= 2 }
        return k
    }

    static func root(_ leaves: ArraySlice<Digest>) -> Digest {
        if leaves.isEmpty { return SHA256Hash.digest(of: [UInt8]()) }
        if leaves.count == 1 { return leaves[leaves.startIndex] }
        let middle = leaves.startIndex + split(leaves.count)
        return SHA256Hash.digest(of: [1] + root(leaves[..<middle]).bytes + root(leaves[middle...]).bytes)
    }

    /// PATH(m, D[n]).
    static func path(_ index: Int, _ leaves: ArraySlice<Digest>) -> [Digest] {
        if leaves.count == 1 { return [] }
        let k = split(leaves.count)
        let middle = leaves.startIndex + k
        return index < k
            ? path(index, leaves[..<middle]) + [root(leaves[middle...])]
            : path(index - k, leaves[middle...]) + [root(leaves[..<middle])]
    }

    /// SUBPROOF(m, D[n], b).
    static func proof(_ size: Int, _ leaves: ArraySlice<Digest>, _ isWhole: Bool = true) -> [Digest] {
        if size == leaves.count { return isWhole ? [] : [root(leaves)] }
        let k = split(leaves.count)
        let middle = leaves.startIndex + k
        return size <= k
            ? proof(size, leaves[..<middle], isWhole) + [root(leaves[middle...])]
            : proof(size - k, leaves[middle...], false) + [root(leaves[..<middle])]
    }
}

enum Sample {
    /// Different short leaves.
    static func leaves(_ count: Int) -> [[UInt8]] { (0..<count).map { Array("leaf \($0)".utf8) } }

    static func hashes(_ count: Int) -> [Digest] { leaves(count).map { LogHash.leaf($0) } }

    static let logSigner = NoteSigner(name: "example.org/log", kind: .ed25519, secret: secret(1))!
    static let otherSigner = NoteSigner(name: "example.org/log", kind: .ed25519, secret: secret(2))!
    static let witnessSigner = NoteSigner(name: "witness.example.org", kind: .cosignature, secret: secret(3))!
    static var logKey: NoteKey { logSigner.key }

    static func secret(_ seed: UInt8) -> SigningKey {
        SigningKey(rawRepresentation: [UInt8](repeating: seed, count: 32))!
    }

    /// The public files of a log of these leaves, published at once.
    static func log(_ leaves: [[UInt8]], _ signer: NoteSigner = logSigner) throws -> MemoryTileStore {
        let store = MemoryTileStore()
        _ = try TileWriter(signer: signer).publish(leaves, from: LogEdge(), to: store)
        return store
    }

    static func checkpoint(_ store: MemoryTileStore) throws -> SignedCheckpoint {
        try SignedCheckpoint(store.files["checkpoint"]!, key: logKey)
    }

    static func report(_ store: some TileReader, kept: SignedCheckpoint? = nil) throws -> LogReport {
        var verifier = LogVerifier(store, key: logKey, kept: kept)
        return try verifier.run()
    }
}

func digest(_ hex: String) -> Digest { Digest(hex: hex)! }
