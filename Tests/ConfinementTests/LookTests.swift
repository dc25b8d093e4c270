import Confinement
import Foundation
import Glibc
import Testing

@Suite("What a process sees of itself")
struct LookTests {
    @Test("Threads that cannot be counted are not one thread")
    func threads() throws {
        #expect(try #require(Confinement.threadCount()) >= 1)
        #expect(Confinement.threadCount(in: "/nowhere/task") == nil)
    }

    @Test("Names of a folder: all of them, some and one more, or why there are none")
    func names() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "millrace-test-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(FolderNames.list(folder) == nil && errno == ENOENT)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        #expect(FolderNames.list(folder) == [])
        for name in ["a", "b", ".c"] { try Data().write(to: URL(filePath: "\(folder)/\(name)")) }
        #expect(FolderNames.list(folder)?.sorted() == [".c", "a", "b"])
        #expect(FolderNames.list(folder, most: 3)?.count == 3 && FolderNames.list(folder, most: 1)?.count == 2)
        #expect(FolderNames.list("\(folder)/a") == nil && errno == ENOTDIR)
    }
}
