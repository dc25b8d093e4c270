import Domain

/// Where blobs lie that are not worth a file each: containers of small units, small results.
///
/// As `BlobStore`: `put` is durable on return, a blob is there whole or not at all, and never changes. Safe to call
/// from any thread.
public protocol SmallBlobStore: AnyObject, Sendable {
    /// The digests are right: the caller has made them. What is there already is left alone.
    func put(_ blobs: [(digest: Digest, bytes: [UInt8])]) throws
    func size(of digest: Digest) throws -> Int64?
    /// Nil when there is no such blob.
    func bytes(of digest: Digest) throws -> [UInt8]?
    /// A blob that was put or read lately; nil says nothing. Never waits.
    func recent(_ digest: Digest) -> [UInt8]?
    func remove(_ digest: Digest) throws
    var isEmpty: Bool { get throws }
    /// In order of digests, behind `digest` if there is one.
    func page(after digest: Digest?, limit: Int) throws -> [(digest: Digest, bytes: [UInt8])]
}

extension SmallBlobStore {
    /// Copies every blob and reads it again. Repeats are harmless. - Returns: how many there are.
    /// - Throws: `StoreError.corrupt` when the copy of one differs.
    public func copy(to target: any SmallBlobStore) throws -> Int {
        var last: Digest?
        var count = 0
        while true {
            let blobs = try page(after: last, limit: 500)
            guard let end = blobs.last else { return count }
            try target.put(blobs)
            for blob in blobs where try target.bytes(of: blob.digest) != blob.bytes {
                throw StoreError.corrupt("the copy of small blob \(blob.digest) differs")
            }
            last = end.digest
            count += blobs.count
        }
    }
}
