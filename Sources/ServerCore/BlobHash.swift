import Bytes
import Domain
import Storage

/// SHA-256 for blob stores, which may not import a crypto library themselves.
public struct BlobHash: StreamingHash {
    private var state = StreamingSHA256()

    public init() {}

    public mutating func update(_ bytes: [UInt8]) { state.update(bytes) }
    public func finish() -> Digest { state.finish() }

    /// Starts a hash.
    public static let factory: HashFactory = { BlobHash() }
}
