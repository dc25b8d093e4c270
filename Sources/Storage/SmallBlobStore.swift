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
    /// In order of digests, behind `digest` if there is one, as they are stored now.
    func page(after digest: Digest?, limit: Int) throws -> [(digest: Digest, bytes: [UInt8])]
}

extension SmallBlobStore {
    private static var pageMax: Int { 500 }

    /// Copies every blob, reads it again from where it lies now, and hashes it. Repeats are harmless.
    ///
    /// - Returns: how many there are.
    /// - Throws: `StoreError.corrupt` when one is not what its digest says, here or there.
    public func copy(to target: any SmallBlobStore, hash: HashFactory) throws -> Int {
        var last: Digest?
        var count = 0
        while true {
            let blobs = try page(after: last, limit: Self.pageMax)
            guard let end = blobs.last?.digest else { return count }
            for blob in blobs where digest(of: blob.bytes, with: hash) != blob.digest {
                throw StoreError.corrupt("small blob \(blob.digest): its bytes are others, before it was copied")
            }
            try target.put(blobs)
            try target.verify(Set(blobs.map(\.digest)), after: last, through: end, hash: hash)
            last = end
            count += blobs.count
        }
    }

    /// Pages come from the database, never from what was put lately.
    private func verify(_ copied: Set<Digest>, after start: Digest?, through end: Digest, hash: HashFactory) throws {
        var missing = copied
        var last = start
        while true {
            let blobs = try page(after: last, limit: Self.pageMax)
            for blob in blobs where missing.remove(blob.digest) != nil {
                guard digest(of: blob.bytes, with: hash) == blob.digest else {
                    throw StoreError.corrupt("small blob \(blob.digest): the bytes of its copy are others")
                }
            }
            guard let next = blobs.last?.digest, next < end else { break }
            last = next
        }
        if let lost = missing.min() { throw StoreError.corrupt("small blob \(lost): its copy is missing") }
    }
}
