import Domain

/// SHA-256 fed in pieces. A protocol, because storage may not import a crypto library; `Bytes` has the implementation.
public protocol StreamingHash: Sendable {
    mutating func update(_ bytes: [UInt8])
    func finish() -> Digest
}

/// Starts a hash.
public typealias HashFactory = @Sendable () -> any StreamingHash

/// The hash of some bytes in one go.
public func digest(of bytes: [UInt8], with hash: HashFactory) -> Digest {
    var state = hash()
    state.update(bytes)
    return state.finish()
}
