import Domain

/// Immutable bytes named by their SHA-256.
///
/// Contract: `put` is idempotent and durable on return (temporary file, fsync, rename, fsync of the folder); a blob is
/// there whole or not at all; `read` gives bytes whose hash was checked when they were put. Reading what is not there
/// throws `StoreError.missing`. Safe to call from any thread.
public protocol BlobStore: AnyObject, Sendable {
    /// - Throws: `StoreError.io` when there is no space; nothing is left behind.
    func put(_ bytes: [UInt8]) throws -> Digest
    /// Several at once, which may cost less than each alone. A crash may leave some of them.
    func put(_ blobs: [[UInt8]]) throws -> [Digest]
    /// Blobs of at most so many bytes cost little when several are put at once; 0: there are none such.
    var togetherBytesMax: Int { get }
    /// A blob that happens to be in memory; nil says nothing. Never waits for a disk.
    func recent(_ digest: Digest) -> [UInt8]?
    /// Whether `size` and `contains` answer at once; otherwise they are not asked inside of a transaction.
    var isNear: Bool { get }
    func contains(_ digest: Digest) throws -> Bool
    func size(of digest: Digest) throws -> Int64?
    /// As `size(of:)`, and the blob is there also after a crash: a name that another thread or process has made a
    /// moment ago may be seen before its folder is on the disk. For who acknowledges what somebody else has put.
    func durableSize(of digest: Digest) throws -> Int64?
    /// - Parameter limit: refuses with `StoreError.io` when the blob is larger.
    func read(_ digest: Digest, limit: Int) throws -> [UInt8]
    /// - Parameter offset: 0 ... size. - Returns: at most `count` bytes.
    func read(_ digest: Digest, offset: Int64, count: Int) throws -> [UInt8]
    /// The bytes of a blob that lies together with others (`togetherBytesMax`); nil for any other.
    func smallBytes(of digest: Digest) throws -> [UInt8]?
    /// The file a blob lies in, for worker children; nil for stores without files. May have to fetch it: never inside
    /// of a transaction.
    func path(of digest: Digest) -> String?
    /// The file that holds a blob and nothing else, for who sends it as it lies; nil: it must be read with `read`. The
    /// blob may be removed at any time: who has the file open still reads it whole.
    func ownFile(of digest: Digest) throws -> String?
    /// Bytes that are best read at once, when a blob is read piece by piece.
    var pieceBytes: Int { get }
    /// Hashes a whole blob again. - Throws: `StoreError.corrupt` when it has changed, `.missing`, `.io`.
    func verify(_ digest: Digest) throws
    /// Does nothing when there is no such blob.
    func remove(_ digest: Digest) throws

    /// Opens or goes on with an upload that ends as a blob. - Returns: bytes already here.
    func uploadOffset(_ name: UploadName) throws -> Int64
    /// Appends at `offset`, which must be the present length. - Returns: the new length, durable.
    /// - Throws: `StoreError.conflict` for another offset, `StoreError.io` beyond `limit`.
    func appendUpload(_ name: UploadName, offset: Int64, bytes: [UInt8], limit: Int64) throws -> Int64
    /// Checks the hash of what was uploaded and makes it a blob; otherwise the upload is removed and
    /// `StoreError.corrupt` thrown.
    func finishUpload(_ name: UploadName, expecting digest: Digest) throws
    /// Removes uploads not touched since `before`.
    func removeStaleUploads(before: Timestamp) throws
}

extension BlobStore {
    public var pieceBytes: Int { 512 << 10 }
    public var isNear: Bool { true }
    /// For stores that show no blob before it is durable.
    public func durableSize(of digest: Digest) throws -> Int64? { try size(of: digest) }
    /// For stores whose blobs cannot change.
    public func verify(_ digest: Digest) throws {
        guard try contains(digest) else { throw StoreError.missing("blob \(digest)") }
    }
    public func ownFile(of digest: Digest) throws -> String? { nil }
    public func put(_ blobs: [[UInt8]]) throws -> [Digest] { try blobs.map { try put($0) } }
    public var togetherBytesMax: Int { 0 }
    public func recent(_ digest: Digest) -> [UInt8]? { nil }
    public func smallBytes(of digest: Digest) throws -> [UInt8]? { nil }
}

/// The name of an unfinished upload: chosen by the server, never by a client.
public struct UploadName: Hashable, Sendable {
    /// Lower-case letters, digits and hyphens; 1 ... 96 bytes.
    public let text: String

    public init(task: TaskID, host: HostID) {
        text = "t\(task.rawValue)-h\(host.rawValue)"
    }

    /// The same upload for one result: another result of the same task does not go on where this one stopped.
    public func result(_ digest: Digest) -> UploadName { UploadName(text: "\(text)-\(digest.hex.prefix(16))") }

    private init(text: String) {
        self.text = text
    }

    /// - Parameter blob: an input that a scientist puts.
    public init(blob: Digest) {
        text = "b\(blob.hex)"
    }
}
