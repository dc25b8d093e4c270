import CPosix
import Domain
import Glibc
import Testing
import WorkerHost

@Suite("Files that are replaced together")
struct FileGroupTests {
    @Test("All have their new content and the mode that was asked for, whatever the umask; nothing else is left")
    func all() throws {
        let folder = try TemporaryFolder()
        for name in ["a", "b"] { try Files.makeFolder("\(folder.path)/\(name)", mode: 0o755, isPublic: true) }
        try folder.write("a/0", "old")
        chmod("\(folder.path)/a/0", 0o600)
        // More than one group of them, some empty, some larger than a page of the disk.
        let files = (0..<150).map { number in
            (
                path: "\(folder.path)/\(number % 2 == 0 ? "a" : "b")/\(number)",
                bytes: [UInt8](repeating: UInt8(number), count: number * 100)
            )
        }
        try Files.replaceAll(files, mode: 0o666, isPublic: true)
        for file in files {
            #expect(try Files.read(file.path, limit: 1 << 20) == file.bytes)
            var status = stat()
            #expect(stat(file.path, &status) == 0 && status.st_mode & 0o777 == 0o666)
        }
        for name in ["a", "b"] { #expect(try Files.names(in: "\(folder.path)/\(name)").count == 75) }
        try Files.replaceAll([])
    }

    @Test("One that cannot be written is named, and leaves the others of its group as they were")
    func one() throws {
        let folder = try TemporaryFolder()
        try folder.write("first", "old")
        let files = ["first", "nowhere/second", "third"].map { (path: "\(folder.path)/\($0)", bytes: [UInt8(1)]) }
        let fault = #expect(throws: Fault.self) { try Files.replaceAll(files) }
        #expect(fault?.kind == .noInput && fault?.message.contains("nowhere/second") == true)
        #expect(try Files.names(in: folder.path) == ["first"])
        #expect(try Files.read("\(folder.path)/first", limit: 10) == Array("old".utf8))
    }

    @Test("Where a folder stands in the way, those before it are replaced, and nothing is left beside them")
    func folderInTheWay() throws {
        let folder = try TemporaryFolder()
        try folder.write("first", "old")
        try Files.makeFolder("\(folder.path)/second")
        let files = ["first", "second", "third"].map { (path: "\(folder.path)/\($0)", bytes: [UInt8(1)]) }
        #expect(throws: Fault.self) { try Files.replaceAll(files) }
        #expect(try Files.names(in: folder.path) == ["first", "second"])
        #expect(try Files.read("\(folder.path)/first", limit: 10) == [1])
    }
}
