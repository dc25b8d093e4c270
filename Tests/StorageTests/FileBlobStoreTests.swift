import Domain
import Foundation
import Storage
import StorageSQLite
import Testing

/// What concerns files and folders, and the data directory as a whole.
@Suite("blobs as files")
struct FileBlobStoreTests {
    private let words = Array("the quick brown fox".utf8)
    private var name: Digest { digest(of: words, with: sha256) }

    private func files(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    @Test("a blob lies under the first byte of its name, read-only, and nothing else is left")
    func layout() throws {
        let folder = try ScratchFolder()
        let blobs = try FileBlobStore(path: folder.file("a/b/blobs"), hash: sha256)
        _ = try blobs.put(words)
        let path = folder.file("a/b/blobs/\(name.hex.prefix(2))/\(name.hex)")
        #expect(blobs.path(of: name) == path)
        #expect(try Data(contentsOf: URL(filePath: path)) == Data(words))
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o444)
        #expect(
            try files(folder.file("a/b/blobs"))
                == ["lock", "temporary", "uploads", String(name.hex.prefix(2))].sorted())
        #expect(try files(folder.file("a/b/blobs/temporary")).isEmpty)
    }

    @Test("what a crash left in the temporary folder is removed at opening; blobs and uploads stay")
    func leftOvers() throws {
        let folder = try ScratchFolder()
        let path = folder.file("blobs")
        let upload = UploadName(blob: name)
        do {
            let blobs = try FileBlobStore(path: path, hash: sha256)
            _ = try blobs.put([1, 2, 3])
            _ = try blobs.appendUpload(upload, offset: 0, bytes: Array(words[..<5]), limit: 100)
        }
        for left in ["1", "2", "part"] {
            try Data(words).write(to: URL(filePath: path + "/temporary/" + left))
        }
        let blobs = try FileBlobStore(path: path, hash: sha256)
        #expect(try files(path + "/temporary").isEmpty)
        #expect(try blobs.contains(digest(of: [1, 2, 3], with: sha256)))
        #expect(try blobs.uploadOffset(upload) == 5)
        _ = try blobs.appendUpload(upload, offset: 5, bytes: Array(words[5...]), limit: 100)
        try blobs.finishUpload(upload, expecting: name)
        #expect(try files(path + "/uploads").isEmpty)
    }

    @Test("bit rot is found when asked for")
    func rot() throws {
        let folder = try ScratchFolder()
        let path = folder.file("blobs")
        var trusting: FileBlobStore? = try FileBlobStore(path: path, hash: sha256)
        _ = try trusting?.put(words)
        try trusting?.verify(name)
        let file = URL(filePath: try #require(trusting?.path(of: name)))
        try FileManager.default.removeItem(at: file)
        try Data(Array("the quick brown fix".utf8)).write(to: file)
        #expect(try trusting?.read(name, limit: 100) != words)
        #expect(refusal { try trusting?.verify(name) } == "corrupt")
        trusting = nil
        let careful = try FileBlobStore(path: path, hash: sha256, recheck: true)
        #expect(refusal { try careful.read(name, limit: 100) } == "corrupt")
        #expect(refusal { try careful.verify(digest(of: [9], with: sha256)) } == "missing")
        // A file of another size is not taken for the blob: put mends it.
        try Data([1]).write(to: file)
        _ = try careful.put(words)
        #expect(try careful.read(name, limit: 100) == words)
    }

    @Test("a symbolic link in place of a blob, an upload or a folder is not followed")
    func links() throws {
        let folder = try ScratchFolder()
        let path = folder.file("blobs")
        let secret = folder.file("secret")
        try Data(words).write(to: URL(filePath: secret))
        var blobs: FileBlobStore? = try FileBlobStore(path: path, hash: sha256)
        _ = try blobs?.put(words)
        let file = try #require(blobs?.path(of: name))
        try FileManager.default.removeItem(atPath: file)
        try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: secret)
        #expect(refusal { try blobs?.read(name, limit: 100) } == "io")
        let upload = UploadName(blob: name)
        try FileManager.default.createSymbolicLink(
            atPath: path + "/uploads/" + upload.text, withDestinationPath: secret)
        #expect(refusal { try blobs?.appendUpload(upload, offset: 19, bytes: [1], limit: 99) } == "io")
        #expect(refusal { try blobs?.finishUpload(upload, expecting: name) } == "io")
        #expect(try Data(contentsOf: URL(filePath: secret)) == Data(words))
        blobs = nil
        try FileManager.default.removeItem(atPath: path + "/temporary")
        try FileManager.default.createSymbolicLink(atPath: path + "/temporary", withDestinationPath: folder.path)
        #expect(refusal { try FileBlobStore(path: path, hash: sha256) } == "io")
        #expect(FileManager.default.fileExists(atPath: secret))
    }

    @Test("a second store on the same folder is refused")
    func secondOpener() throws {
        let folder = try ScratchFolder()
        let first = try FileBlobStore(path: folder.path, hash: sha256)
        #expect(throws: StoreError.locked("\(folder.path)/lock is held by process \(getpid())")) {
            _ = try FileBlobStore(path: folder.path, hash: sha256)
        }
        _ = try first.put(words)
    }

    @Test("an upload that could not become a blob stays one that can be gone on with")
    func unpublished() throws {
        let folder = try ScratchFolder()
        let blobs = try FileBlobStore(path: folder.path, hash: sha256)
        let upload = UploadName(blob: name)
        _ = try blobs.appendUpload(upload, offset: 0, bytes: words, limit: 100)
        // A folder in the blob's place: the rename is refused, as it would be for ever after a crash before it.
        let place = folder.file("\(name.hex.prefix(2))/\(name.hex)")
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        #expect(refusal { try blobs.finishUpload(upload, expecting: name) } == "io")
        let file = folder.file("uploads/" + upload.text)
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600, "a read-only upload cannot be opened again by anybody but root")
        try FileManager.default.removeItem(atPath: place)
        try blobs.finishUpload(upload, expecting: name)
        #expect(try blobs.read(name, limit: 100) == words)
    }

    @Test("a read-only upload that a crash left is made writable at opening and gone on with")
    func readOnlyUpload() throws {
        let folder = try ScratchFolder()
        let upload = UploadName(blob: name)
        do {
            let blobs = try FileBlobStore(path: folder.path, hash: sha256)
            _ = try blobs.appendUpload(upload, offset: 0, bytes: Array(words[..<5]), limit: 100)
        }
        let file = folder.file("uploads/" + upload.text)
        try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: file)
        let blobs = try FileBlobStore(path: folder.path, hash: sha256)
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600, "root could open it anyway, so the mode is what counts")
        _ = try blobs.appendUpload(upload, offset: 5, bytes: Array(words[5...]), limit: 100)
        try blobs.finishUpload(upload, expecting: name)
        #expect(try blobs.read(name, limit: 100) == words)
    }

    @Test("a stale upload is known by its time")
    func staleness() throws {
        let folder = try ScratchFolder()
        let blobs = try FileBlobStore(path: folder.path, hash: sha256)
        let old = UploadName(task: TaskID(rawValue: 1), host: HostID(rawValue: 1))
        let fresh = UploadName(task: TaskID(rawValue: 2), host: HostID(rawValue: 1))
        for upload in [old, fresh] { _ = try blobs.appendUpload(upload, offset: 0, bytes: [1], limit: 9) }
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1000)], ofItemAtPath: folder.file("uploads/" + old.text))
        try blobs.removeStaleUploads(before: Timestamp(seconds: 1000))
        #expect(try files(folder.file("uploads")) == [old.text, fresh.text])
        try blobs.removeStaleUploads(before: Timestamp(milliseconds: 1_000_001))
        #expect(try files(folder.file("uploads")) == [fresh.text])
    }
}

@Suite("data directory")
struct DataDirectoryTests {
    @Test("is made, used, closed, opened again")
    func life() throws {
        let folder = try ScratchFolder()
        let path = folder.file("new/data")
        do {
            let data = try DataDirectory(path: path, hash: sha256)
            let store = try data.openStore()
            try store.transaction { try Samples.addHosts(2, $0) }
            _ = try data.blobs.put([1])
            #expect(refusal { try data.openStore() } == "locked")
            #expect(refusal { try DataDirectory(path: path, hash: sha256) } == "locked")
        }
        #expect(try String(contentsOfFile: path + "/version", encoding: .utf8) == "millrace-data 1\n")
        let data = try DataDirectory(path: path, hash: sha256)
        #expect(try data.openStore().transaction { try $0.hosts().count } == 2)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o700)
    }

    @Test("a database that was lost is not replaced by an empty one", arguments: [false, true])
    func lostDatabase(leavesEmptyFile: Bool) throws {
        let folder = try ScratchFolder()
        let path = folder.file("data")
        do { _ = try DataDirectory(path: path, hash: sha256).openStore() }
        let database = URL(filePath: path + "/millrace.sqlite")
        try FileManager.default.removeItem(at: database)
        if leavesEmptyFile { try Data().write(to: database) }
        let data = try DataDirectory(path: path, hash: sha256)
        #expect(refusal { try data.openStore() } == "corrupt")
        #expect(FileManager.default.fileExists(atPath: database.path) == leavesEmptyFile)
    }

    @Test("blobs beside no database tell of one that was lost, whether or not its mark is there")
    func lostDatabaseWithoutMark() throws {
        let folder = try ScratchFolder()
        let data = try DataDirectory(path: folder.path, hash: sha256)
        #expect(refusal { try data.openStore(mayMake: false) } == "missing")
        #expect(!FileManager.default.fileExists(atPath: data.databasePath))
        _ = try data.blobs.put([1])
        #expect(refusal { try data.openStore() } == "corrupt")
        #expect(!FileManager.default.fileExists(atPath: data.databasePath))
    }

    @Test("a first start that was killed before the database was made goes on")
    func killedFirstStart() throws {
        let folder = try ScratchFolder()
        let path = folder.file("data")
        do { _ = try DataDirectory(path: path, hash: sha256) }
        try Data().write(to: URL(filePath: path + "/millrace.sqlite"))
        let data = try DataDirectory(path: path, hash: sha256)
        #expect(try data.openStore().transaction { try $0.hosts().count } == 0)
    }

    @Test("one whose rows have gone elsewhere opens for nobody else from that moment on")
    func elsewhere() throws {
        let folder = try ScratchFolder()
        let path = folder.file("data")
        do {
            let data = try DataDirectory(path: path, hash: sha256)
            try data.openStore().transaction { try Samples.addHosts(1, $0) }
            try data.markElsewhere()
            #expect(DataDirectory.isElsewhere(path) && !DataDirectory.hasOwnRows(path))
        }
        #expect(refusal { try DataDirectory(path: path, hash: sha256) } == "locked")
        #expect(DataDirectory.leftBehind(path) == path + "/millrace.sqlite")
        try DataDirectory.setElsewhere(path)
        let left = try #require(DataDirectory.leftBehind(path))
        #expect(left == path + "/millrace.sqlite.moved")
        #expect(try SQLiteStore(path: left).transaction { try $0.hosts().count } == 1)
    }

    @Test("a newer directory is refused before anything in it is touched")
    func newer() throws {
        let folder = try ScratchFolder()
        try "millrace-data 2\n".write(toFile: folder.file("version"), atomically: false, encoding: .utf8)
        #expect(throws: StoreError.newerSchema(found: 2, known: 1)) {
            _ = try DataDirectory(path: folder.path, hash: sha256)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["version"])
        #expect(StoreError.newerSchema(found: 2, known: 1).fault.kind == .configuration)
    }

    @Test("a version file that says something else", arguments: ["", "1", "millrace-data x\n", "millrace-data 0\n"])
    func nonsense(text: String) throws {
        let folder = try ScratchFolder()
        try text.write(toFile: folder.file("version"), atomically: false, encoding: .utf8)
        #expect(refusal { try DataDirectory(path: folder.path, hash: sha256) } == "corrupt")
    }

    @Test("a database without a version file is refused; a folder with other files is not")
    func missingVersion() throws {
        let folder = try ScratchFolder()
        try Data().write(to: URL(filePath: folder.file("millrace.sqlite")))
        #expect(refusal { try DataDirectory(path: folder.path, hash: sha256) } == "corrupt")
        let other = try ScratchFolder()
        try Data().write(to: URL(filePath: other.file("admin.token")))
        #expect(refusal { try DataDirectory(path: other.path, hash: sha256) } == nil)
        #expect(refusal { try DataDirectory(path: other.file("admin.token"), hash: sha256) } == "io")
    }
}
