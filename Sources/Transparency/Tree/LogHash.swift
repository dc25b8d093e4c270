import Bytes
import Domain

/// The hashes of a Merkle log (RFC 6962 section 2.1, the same in RFC 9162): SHA-256 with a byte in front that keeps a
/// leaf from passing as a node.
public enum LogHash {
    /// The root of a log without leaves: SHA-256 of nothing.
    public static let empty = SHA256Hash.digest(of: [UInt8]())

    /// - Parameter leaf: the bytes of an entry. - Returns: SHA-256 of 0x00 and them.
    public static func leaf(_ leaf: [UInt8]) -> Digest { leaf.withUnsafeBytes { self.leaf($0) } }

    public static func leaf(_ leaf: ArraySlice<UInt8>) -> Digest { leaf.withUnsafeBytes { self.leaf($0) } }

    /// - Returns: SHA-256 of 0x01, the left and the right hash.
    public static func node(_ left: Digest, _ right: Digest) -> Digest {
        var bytes: [UInt8] = [1]
        bytes.reserveCapacity(65)
        bytes.append(contentsOf: left.bytes)
        bytes.append(contentsOf: right.bytes)
        return SHA256Hash.digest(of: bytes)
    }

    /// The root over some hashes of one level, which are the whole of a tree: `MTH` of RFC 6962 with hashes for leaves.
    ///
    /// - Parameter hashes: at least one.
    static func root(over hashes: [Digest]) -> Digest {
        var frontier = Frontier()
        for hash in hashes { frontier.append(hash) }
        return frontier.root
    }

    private static func leaf(_ leaf: UnsafeRawBufferPointer) -> Digest {
        var hash = StreamingSHA256()
        hash.update([0])
        hash.update(leaf)
        return hash.finish()
    }
}
