import Domain
import Glibc
import Testing
import WorkerHost

@Suite("Removing what a program has left")
struct FileRemovalTests {
    @Test("Folders that are closed to their owner go, and links are not followed")
    func closed() throws {
        let folder = try TemporaryFolder()
        try folder.write("outside", "stays")
        let top = folder.path + "/top"
        try Files.makeFolder(top + "/a/b/c")
        try Files.makeFolder(top + "/a/empty")
        try folder.write("top/a/b/c/file", "x")
        try folder.write("top/.1.gone", "a name that the removal would give")
        #expect(symlink(folder.path, top + "/a/out") == 0 && symlink("nowhere", top + "/dangling") == 0)
        #expect(mkfifo(top + "/a/pipe", 0o600) == 0)
        for path in ["/a/b/c", "/a/b", "/a"] { #expect(chmod(top + path, 0) == 0) }
        try Files.remove(top)
        #expect(!Files.exists(top))
        #expect(try folder.text("outside") == "stays")
        try Files.remove(top)
    }

    @Test("Folders deeper than a path can name go, too")
    func deep() throws {
        let folder = try TemporaryFolder()
        let top = folder.path + "/top"
        try Files.makeFolder(top)
        let name = String(repeating: "d", count: 200)
        var at = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        for _ in 0..<60 {
            #expect(mkdirat(at, name, 0o700) == 0)
            let next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            close(at)
            at = next
        }
        let file = openat(at, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        #expect(file >= 0)
        close(file)
        close(at)
        try Files.remove(top)
        #expect(!Files.exists(top))
    }
}
