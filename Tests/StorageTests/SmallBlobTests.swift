import Domain
import Foundation
import Storage
import StorageSQLite
import Synchronization
import Testing

/// Blobs that lie together in one file.
@Suite("small blobs")
struct SmallBlobTests {
    private static func blobs(_ path: String) throws -> FileBlobStore {
        try FileBlobStore(path: path, hash: sha256, smallMax: 100)
    }

    @Test("they have no file until somebody asks for one, and are there after the next opening")
    func together() throws {
        let folder = try ScratchFolder()
        let path = folder.file("blobs")
        let (small, large) = ([UInt8](repeating: 7, count: 100), [UInt8](repeating: 8, count: 101))
        var store: FileBlobStore? = try Self.blobs(path)
        let names = try #require(try store?.put([small, large, small]))
        #expect(names[0] == names[2] && names[0] == digest(of: small, with: sha256))
        #expect(!FileManager.default.fileExists(atPath: path + "/" + names[0].hex.prefix(2)))
        #expect(FileManager.default.fileExists(atPath: path + "/\(names[1].hex.prefix(2))/\(names[1].hex)"))
        let file = try #require(store?.path(of: names[0]))
        #expect(try Data(contentsOf: URL(filePath: file)) == Data(small))
        #expect(store?.path(of: names[0]) == file)
        store = nil
        let again = try Self.blobs(path)
        #expect(!FileManager.default.fileExists(atPath: file), "what was written out is removed at the next opening")
        #expect(try again.read(names[0], limit: 100) == small && again.size(of: names[1]) == 101)
        #expect(try again.read(names[0], offset: 98, count: 10) == [7, 7])
        try again.verify(names[0])
        try again.remove(names[0])
        #expect(try !again.contains(names[0]) && again.path(of: names[0]) == nil)
    }

    @Test("an upload of few bytes is a blob like others")
    func upload() throws {
        let folder = try ScratchFolder()
        let store = try Self.blobs(folder.file("blobs"))
        let bytes: [UInt8] = [1, 2, 3]
        let name = digest(of: bytes, with: sha256)
        let upload = UploadName(blob: name)
        _ = try store.appendUpload(upload, offset: 0, bytes: bytes, limit: 10)
        try store.finishUpload(upload, expecting: name)
        #expect(try store.put([bytes]) == [name])
        try store.finishUpload(upload, expecting: name)
        #expect(try store.read(name, limit: 3) == bytes)
        try store.remove(name)
        #expect(try !store.contains(name))
    }

    @Test("many threads put at the same time, and each finds its own")
    func threads() async throws {
        let folder = try ScratchFolder()
        let store = try Self.blobs(folder.file("blobs"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    for turn in 0..<50 {
                        let bytes = Array("\(number) \(turn % 25) \(turn)".utf8)
                        let names = try store.put([bytes, Array("shared \(turn)".utf8)])
                        #expect(try store.read(names[0], limit: 100) == bytes)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("a file of another program is refused, and so is one of a newer version")
    func strangers() throws {
        for pragma in ["application_id = 1; PRAGMA user_version = 1", "user_version = 99"] {
            let folder = try ScratchFolder()
            let path = folder.file("blobs")
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            _ = RawDatabase(path + "/small.sqlite").run("PRAGMA \(pragma); CREATE TABLE x (y)")
            #expect(throws: StoreError.self) { _ = try Self.blobs(path) }
        }
    }

    @Test("a changed byte is found when asked for")
    func rot() throws {
        let folder = try ScratchFolder()
        let path = folder.file("blobs")
        let bytes = Array("right".utf8)
        do { _ = try Self.blobs(path).put(bytes) }
        _ = RawDatabase(path + "/small.sqlite").run("UPDATE blob SET bytes = x'00'")
        let name = digest(of: bytes, with: sha256)
        #expect(throws: StoreError.self) { try Self.blobs(path).verify(name) }
        let careful = try FileBlobStore(path: path, hash: sha256, recheck: true, smallMax: 100)
        #expect(throws: StoreError.self) { try careful.read(name, limit: 100) }
    }

    /// Knows from memory what was put, whatever became of it where it is stored.
    private final class Forgetful: SmallBlobStore {
        private let known = Mutex<[Digest: [UInt8]]>([:])
        /// What is stored in place of a blob of these bytes; nil: nothing.
        private let fate: @Sendable ([UInt8]) -> [UInt8]?

        init(_ fate: @escaping @Sendable ([UInt8]) -> [UInt8]?) { self.fate = fate }

        func put(_ blobs: [(digest: Digest, bytes: [UInt8])]) throws {
            known.withLock { for blob in blobs { $0[blob.digest] = blob.bytes } }
        }
        func size(of digest: Digest) throws -> Int64? { recent(digest).map { Int64($0.count) } }
        func bytes(of digest: Digest) throws -> [UInt8]? { recent(digest) }
        func recent(_ digest: Digest) -> [UInt8]? { known.withLock { $0[digest] } }
        func remove(_ digest: Digest) throws { known.withLock { $0[digest] = nil } }
        var isEmpty: Bool { known.withLock { $0.isEmpty } }
        func page(after digest: Digest?, limit: Int) throws -> [(digest: Digest, bytes: [UInt8])] {
            let stored = known.withLock { $0 }.compactMap { name, put in fate(put).map { (digest: name, bytes: $0) } }
            let sorted = stored.sorted { $0.digest < $1.digest }
            return Array(sorted.filter { blob in digest.map { $0 < blob.digest } ?? true }.prefix(limit))
        }
    }

    @Test("moved, every blob is hashed as it lies there, and as it lay here")
    func copied() throws {
        let folder = try ScratchFolder()
        let store = try Self.blobs(folder.file("blobs"))
        _ = try store.put((0..<1203).map { [UInt8($0 & 255), UInt8($0 >> 8)] })
        let sound = Forgetful { $0 }
        // What others have put there is in between.
        try sound.put((0..<700).map { (digest(of: [7, 7, UInt8($0 & 255), UInt8($0 >> 8)], with: sha256), []) })
        #expect(try store.copySmall(to: sound) == 1203)
        #expect(refusal { try store.copySmall(to: Forgetful { $0 == [5, 1] ? [5, 2] : $0 }) } == "corrupt")
        #expect(refusal { try store.copySmall(to: Forgetful { $0 == [5, 1] ? nil : $0 }) } == "corrupt")
        let damaged = Forgetful { $0 == [9] ? [8] : $0 }
        try damaged.put([(digest(of: [9], with: sha256), [9])])
        #expect(refusal { try store.copySmall(from: damaged) } == "corrupt")
        #expect(try !store.contains(digest(of: [9], with: sha256)))
    }
}
