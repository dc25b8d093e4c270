import Foundation
import Testing

@Suite("Modules and files")
struct FileTests {
    /// Opens a path below a folder and ends with what that answered. Descriptor 3 is /input, 4 is /output.
    private static func opening(_ path: String, folder: Int, how: Int = 0, rights: Int = 1 << 1) throws -> ModuleFixture
    {
        let fixture = try ModuleFixture(
            Text.exit + Text.importing("path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32") + Text.memory
                + "(data (i32.const 1024) \"\(path)\")"
                + Text.start(
                    """
                    (call $proc_exit (call $path_open (i32.const \(folder)) (i32.const 1) (i32.const 1024)
                        (i32.const \(path.utf8.count)) (i32.const \(how)) (i64.const \(rights)) (i64.const 0)
                        (i32.const 0) (i32.const 0)))
                    """))
        try fixture.write("input/data", "some data\n")
        let manager = FileManager.default
        try manager.createDirectory(atPath: fixture.path("input/sub"), withIntermediateDirectories: true)
        try fixture.write("input/sub/more", "")
        for (link, target) in [("link", "/etc/passwd"), ("near", "data"), ("up", ".."), ("out", "/")] {
            try manager.createSymbolicLink(atPath: fixture.path("input/\(link)"), withDestinationPath: target)
        }
        return fixture
    }

    @Test(
        "It opens what lies in its folders; no way leads out, by path or link",
        arguments: [
            ("data", 0), ("sub/more", 0), ("./sub/../data", 0), ("none", 44), ("../input/data", 76),
            ("../../etc/passwd", 76), ("/etc/passwd", 76), ("sub/../../output", 76), ("link", 32), ("near", 32),
            ("up/output", 32), ("out/etc/passwd", 32), ("data/x", 54),
        ])
    func paths(path: String, answer: Int32) throws {
        #expect(try Self.opening(path, folder: 3).run().status == answer)
    }

    @Test("What it may only read cannot be written; what it may write, can", arguments: [(3, 69), (4, 0)])
    func readOnly(folder: Int, answer: Int32) throws {
        let new = try Self.opening("new", folder: folder, how: 1 | 4, rights: 1 << 6)
        #expect(try new.run().status == answer)
        #expect(FileManager.default.fileExists(atPath: new.path("output/new")) == (answer == 0))
        // The second time it is there.
        #expect(try new.run().status == (answer == 0 ? 20 : answer))
        if folder == 3 {
            #expect(try Self.opening("data", folder: 3, how: 8).run().status == 69)
            #expect(try Self.opening("data", folder: 3, rights: 1 << 1 | 1 << 6).run().status == 69)
        }
    }

    @Test("Where it was started, it finds paths that are not absolute")
    func workingFolder() throws {
        let module = try Self.opening("own", folder: 5, how: 1, rights: 1 << 6)
        // Elsewhere there is no fifth descriptor.
        #expect(try module.run().status == 8)
        let command =
            "cd \"$1\" && exec \"$0\" --fuel 1e6 --memory 65536 --dir \"$2\"::/input --dir .::/output \"$3\""
        let child = try Self.shell(
            command, [module.path("output"), module.path("input"), module.path("module.wasm")], module)
        #expect(child == 0 && FileManager.default.fileExists(atPath: module.path("output/own")))
    }

    private static func shell(_ command: String, _ arguments: [String], _ module: ModuleFixture) throws -> Int32 {
        let child = TestChildRun()
        return try child.run(command, [ModuleFixture.program] + arguments, said: module.path("said"))
    }

    /// Copies /input/data to `/output/copy`, by a buffer of 7 bytes.
    static let copying =
        Text.importing("path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32") + Text.writing
        + Text.importing("fd_read", "i32 i32 i32 i32") + Text.memory
        + "(data (i32.const 1024) \"data\") (data (i32.const 1028) \"copy\")"
        + Text.start(
            """
            (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const 4) (i32.const 0)
                (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16)) (then unreachable))
            (if (call $path_open (i32.const 4) (i32.const 0) (i32.const 1028) (i32.const 4) (i32.const 9)
                (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 20)) (then unreachable))
            (loop $l
                (i32.store (i32.const 0) (i32.const 2048)) (i32.store (i32.const 4) (i32.const 7))
                (if (call $fd_read (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 4))
                    (then unreachable))
                (if (i32.load (i32.const 4)) (then
                    (if (call $fd_write (i32.load (i32.const 20)) (i32.const 0) (i32.const 1) (i32.const 8))
                        (then unreachable))
                    (br $l))))
            """)

    @Test("It reads and writes files")
    func copies() throws {
        let module = try ModuleFixture(Self.copying)
        let text = (0..<1000).map { "line \($0)\n" }.joined()
        try module.write("input/data", text)
        #expect(try module.run() == .init(status: 0, output: "", errors: ""))
        #expect(module.text("output/copy") == text)
    }

    @Test("Folders are listed in order of names, whatever the file system says")
    func listing() throws {
        let module = try ModuleFixture(
            Text.writing + Text.importing("fd_readdir", "i32 i32 i32 i64 i32") + Text.memory
                + Text.start(
                    "(drop (call $fd_readdir (i32.const 3) (i32.const 1024) (i32.const 4096) (i64.const 0)"
                        + "(i32.const 8)))"
                        + Text.say(400)))
        let names = ["zeta", "alpha", "m", "B", "a0", "a-1"]
        for name in names { try module.write("input/\(name)", name) }
        let first = try module.run()
        let found = first.output.split { !$0.isLetter && !$0.isNumber && !"-.".contains($0) }.map(String.init)
        let order = found.filter { names.contains($0) }
        #expect(order == ["B", "a-1", "a0", "alpha", "m", "zeta"], "\(found)")
        for name in names.reversed() {
            try FileManager.default.removeItem(atPath: module.path("input/\(name)"))
            try module.write("input/\(name)", name)
        }
        #expect(try module.run().output == first.output)
    }

    @Test("There is no network, no link and no signal", arguments: ["sock_shutdown:57:i32 i32", "proc_raise:58:i32"])
    func refused(call: String) throws {
        let parts = call.split(separator: ":").map(String.init)
        let zeros = parts[2].split(separator: " ").map { _ in "(i32.const 0)" }.joined(separator: " ")
        let module = try ModuleFixture(
            Text.exit + Text.importing(parts[0], parts[2]) + Text.memory
                + Text.start("(call $proc_exit (call $\(parts[0]) \(zeros)))"))
        #expect(try module.run().status == Int32(parts[1]))
    }

    @Test("Addresses beyond its memory are refused, not followed", arguments: [65530, -8, Int(Int32.min)])
    func addresses(at: Int) throws {
        let module = try ModuleFixture(
            Text.exit + Text.importing("random_get", "i32 i32") + Text.memory
                + Text.start("(call $proc_exit (call $random_get (i32.const \(at)) (i32.const 16)))"))
        #expect(try module.run().status == 21)
    }

    @Test("The progress that is told for a module, which follows the clock, is not there for it")
    func hiddenProgress() throws {
        #expect(try Self.opening("progress", folder: 4).run().status == 44)
        #expect(try Self.opening("./progress", folder: 4).run().status == 44)
        // What it opens to write is empty, and its own from then on.
        let own = try Self.opening("progress", folder: 4, rights: 1 << 6)
        #expect(try own.run().status == 0)
        #expect(own.text("output/progress") == "")
        let listing = try ModuleFixture(
            Text.writing + Text.importing("fd_readdir", "i32 i32 i32 i64 i32") + Text.memory
                + Text.start(
                    "(drop (call $fd_readdir (i32.const 4) (i32.const 1024) (i32.const 4096) (i64.const 0)"
                        + "(i32.const 8)))" + Text.say(400)))
        try listing.write("output/other", "")
        let outcome = try listing.run()
        #expect(outcome.output.contains("other") && !outcome.output.contains("progress"))
        #expect(listing.text("output/progress") == "0.000000\n")
    }

    @Test("A module that writes its own progress is left alone")
    func ownProgress() throws {
        let module = try ModuleFixture(
            Text.importing("path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32") + Text.writing + Text.memory
                + "(data (i32.const 1024) \"progress0.5\")"
                + Text.start(
                    """
                    (if (call $path_open (i32.const 4) (i32.const 0) (i32.const 1024) (i32.const 8) (i32.const 9)
                        (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 20)) (then unreachable))
                    (i32.store (i32.const 0) (i32.const 1032)) (i32.store (i32.const 4) (i32.const 3))
                    (drop (call $fd_write (i32.load (i32.const 20)) (i32.const 0) (i32.const 1) (i32.const 8)))
                    \(Text.forever)
                    """))
        #expect(try module.run(fuel: "2e9").status == 71)
        #expect(module.text("output/progress") == "0.5")
    }
}
