import Domain
import Glibc
import PostgresServer
import Storage
import StoragePostgres
import StorageSQLite
import Synchronization
import Testing

/// A hash that counts what it is fed.
private struct CountingHash: StreamingHash {
    let count: Count
    var state = TestSHA256()

    final class Count: Sendable {
        private let bytes = Mutex(0)
        func add(_ more: Int) { bytes.withLock { $0 += more } }
        func take() -> Int {
            bytes.withLock { bytes in
                defer { bytes = 0 }
                return bytes
            }
        }
    }

    mutating func update(_ bytes: [UInt8]) {
        count.add(bytes.count)
        state.update(bytes)
    }

    func finish() -> Digest { state.finish() }
}

/// How often the bytes of an upload are hashed.
@Suite("hashes of uploads")
struct UploadHashTests {
    private let content = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 * 13 >> 2) }
    private var name: Digest { digest(of: content, with: sha256) }
    private var upload: UploadName { UploadName(blob: name) }

    private func append(_ range: Range<Int>, to blobs: FileBlobStore) throws {
        _ = try blobs.appendUpload(
            upload, offset: Int64(range.lowerBound), bytes: Array(content[range]), limit: Int64(content.count))
    }

    private func store(_ folder: ScratchFolder, _ count: CountingHash.Count) throws -> FileBlobStore {
        try FileBlobStore(path: folder.file("blobs"), hash: { CountingHash(count: count) })
    }

    @Test("each byte is hashed once, while it comes")
    func once() throws {
        let folder = try ScratchFolder()
        let count = CountingHash.Count()
        let blobs = try store(folder, count)
        for start in stride(from: 0, to: content.count, by: 5000) { try append(start..<start + 5000, to: blobs) }
        #expect(count.take() == content.count)
        try blobs.finishUpload(upload, expecting: name)
        #expect(count.take() == 0)
        #expect(try blobs.read(name, limit: content.count) == content)
    }

    @Test("after a restart the file is read once more, at the end")
    func restart() throws {
        let folder = try ScratchFolder()
        let count = CountingHash.Count()
        try append(0..<20_000, to: try store(folder, count))
        #expect(count.take() == 20_000)
        let blobs = try store(folder, count)
        try append(20_000..<30_000, to: blobs)
        try append(30_000..<50_000, to: blobs)
        #expect(count.take() == 0, "nobody can make the server read by sending little")
        try blobs.finishUpload(upload, expecting: name)
        #expect(count.take() == content.count)
    }

    @Test("where several servers share the folder, what lies in the file is hashed, not what this one wrote")
    func shared() throws {
        let folder = try ScratchFolder()
        let small = PostgresSmallBlobs(try PostgresServer.fresh())
        let one = try FileBlobStore(path: folder.file("blobs"), hash: sha256, smallMax: 64, shared: small)
        let other = try FileBlobStore(path: folder.file("blobs"), hash: sha256, smallMax: 64, shared: small)
        try append(0..<20_000, to: one)
        // What another server may do: end the upload and begin anew, and the file system may give the number again.
        let path = folder.file("blobs/uploads/\(upload.text)")
        let file = try #require(fopen(path, "r+"))
        #expect(fputs(String(repeating: "x", count: 20_000), file) >= 0)
        #expect(fclose(file) == 0)
        try append(20_000..<50_000, to: one)
        #expect(refusal { try one.finishUpload(upload, expecting: name) } == "corrupt")
        #expect(try !one.contains(name))
        // Halves that come by way of two servers are whole.
        try append(0..<20_000, to: one)
        try append(20_000..<40_000, to: other)
        try append(40_000..<50_000, to: one)
        try other.finishUpload(upload, expecting: name)
        #expect(try one.read(name, limit: content.count) == content)
    }

    @Test("an upload that begins anew is not taken for the old one")
    func anew() throws {
        let folder = try ScratchFolder()
        let blobs = try store(folder, CountingHash.Count())
        let wrong = [UInt8](repeating: 1, count: 100)
        _ = try blobs.appendUpload(upload, offset: 0, bytes: wrong, limit: 100_000)
        #expect(refusal { try blobs.finishUpload(upload, expecting: name) } == "corrupt")
        _ = try blobs.appendUpload(upload, offset: 0, bytes: wrong, limit: 100_000)
        try blobs.removeStaleUploads(before: Timestamp(seconds: 1 << 40))
        try append(0..<100, to: blobs)
        try append(100..<50_000, to: blobs)
        try blobs.finishUpload(upload, expecting: name)
        #expect(try blobs.read(name, limit: content.count) == content)
    }

    @Test("a piece that is refused is not in the hash")
    func refused() throws {
        let folder = try ScratchFolder()
        let blobs = try store(folder, CountingHash.Count())
        try append(0..<100, to: blobs)
        #expect(refusal { try append(200..<300, to: blobs) } == "conflict")
        #expect(refusal { try append(0..<100, to: blobs) } == "conflict")
        try append(100..<50_000, to: blobs)
        try blobs.finishUpload(upload, expecting: name)
    }
}
