import Bytes
import ClientCore
import ClientSystem
import Domain
import Testing
import WorkerHost

@Suite("A folder of version 1 is taken over")
struct TakeOverTests {
    static let task = TaskID(rawValue: 4_398_046_511_104)

    /// A folder as version 1 left it. - Returns: the folder, and what must lie in the project's folder afterwards.
    static func old() throws -> (folder: TemporaryFolder, things: [String: String], name: String) {
        let folder = try TemporaryFolder()
        // What wrote it then wrote the same files.
        let directory = try ProjectDirectory(path: folder.path)
        let identity = DataDirectoryTests.identity()
        try directory.save(identity)
        _ = try directory.hostKey(makingOne: true)
        var state = try directory.loadState { _ in }
        state.sequence = 77
        try directory.save(state)
        directory.release()
        for path in ["slots/\(task.rawValue)", "blobs", "cache"] { try Files.makeFolder("\(folder.path)/\(path)") }
        var names = ["identity.json", "host.key", "state"]
        for name in [
            "receipts", "receipts.old", "state.damaged-1", "state.damaged-2", "slots/\(task.rawValue)/result",
            "slots/\(task.rawValue)/unit", "blobs/aa.part", "cache/wisdom",
        ] {
            try folder.write(name, "this is \(name)")
            names.append(name)
        }
        try folder.write("version", "1\n")
        try folder.write("status.json", "{}")
        var things: [String: String] = [:]
        for name in names { things[name] = try folder.text(name) }
        return (folder, things, ProjectNames.name(for: identity.serverURL))
    }

    static func check(_ folder: TemporaryFolder, _ things: [String: String], _ name: String) throws {
        #expect(try Files.names(in: folder.path).filter { $0 != "lock" } == ["projects", "version"])
        #expect(try folder.text("version") == "2\n")
        #expect(try ProjectNames.all(in: folder.path) == [name])
        for (thing, text) in things { #expect(try folder.text("projects/\(name)/\(thing)") == text, "\(thing)") }
        let directory = try ProjectDirectory(path: "\(folder.path)/projects/\(name)")
        #expect(try directory.loadState { Issue.record("\($0)") }.sequence == 77)
        _ = try directory.hostKey()
        #expect(DataDirectoryTests.mode("\(directory.path)/host.key") == 0o600)
        #expect(try directory.findings { _ in }.map(\.task) == [task])
    }

    @Test("Stopped after any step, it goes on at the next start, and nothing is lost")
    func everyCrash() throws {
        var steps = 0
        while true {
            let (folder, things, name) = try Self.old()
            let takeOver = TakeOver(data: folder.path)
            var isDone = false
            for step in 0..<steps where !isDone {
                isDone = try !takeOver.step(fallback: nil, say: { _ in })
                // An older client refuses the folder before anything has moved.
                if step >= 1 { #expect(try folder.text("version") == "2\n") }
            }
            let directory = try DataDirectory(path: folder.path)
            try Self.check(folder, things, name)
            withExtendedLifetime(directory) {}
            if isDone { break }
            steps += 1
        }
        // The plan, the version, the folder, ten things, the end.
        #expect(steps == 15)
    }

    @Test("Every crash within the crashes' repair, too: a step at each start")
    func oneStepAStart() throws {
        let (folder, things, name) = try Self.old()
        while try TakeOver(data: folder.path).step(fallback: nil, say: { _ in }) {}
        _ = try DataDirectory(path: folder.path)
        try Self.check(folder, things, name)
    }

    @Test("A command beside no client takes it over as well, and lets the folder go")
    func byCommand() throws {
        let (folder, things, name) = try Self.old()
        #expect(DataDirectory.exists(folder.path))
        let path = try Attachment.folder(of: nil, in: folder.path)
        #expect(path.hasSuffix("/projects/\(name)"))
        #expect(!DataDirectory.isInUse(folder.path))
        try Self.check(folder, things, name)
    }

    @Test("Without an identity the copy in the state says whose it is")
    func byState() throws {
        for text in [nil, "{\"site\": 3"] {
            let (folder, things, name) = try Self.old()
            try Files.remove("\(folder.path)/identity.json")
            if let text { try folder.write("identity.json", text) }
            _ = try DataDirectory(path: folder.path)
            let directory = try ProjectDirectory(path: "\(folder.path)/projects/\(name)")
            try directory.repairIdentity { _ in }
            #expect(try directory.loadState { _ in }.sequence == 77)
            #expect(try folder.text("projects/\(name)/receipts") == things["receipts"])
        }
    }

    @Test("When nothing says whose it is, nothing is moved, and the message says what to do")
    func nobodys() throws {
        let (folder, _, _) = try Self.old()
        for name in ["identity.json", "state"] { try folder.write(name, "damaged") }
        let fault = try #require(
            DataDirectoryTests.fault { () throws(Fault) in _ = try DataDirectory(path: folder.path) })
        #expect(fault.kind == .configuration)
        #expect(fault.advice?.contains("attach") == true)
        #expect(try folder.text("version") == "1\n")
        #expect(Files.exists("\(folder.path)/slots/\(Self.task.rawValue)/result"))
        // A server that does not answer changes nothing.
        let attach = DataDirectoryTests.fault { () throws(Fault) in
            _ = try Attachment.attach(url: "http://127.0.0.1:1", volunteer: "Ada", data: folder.path) { _ in }
        }
        #expect(attach?.kind == .unreachable)
        #expect(Files.exists("\(folder.path)/slots/\(Self.task.rawValue)/result"))
    }

    @Test("Attached anew with its address, such a folder keeps its key, its tasks and its results")
    func adopted() throws {
        let (folder, things, _) = try Self.old()
        for name in ["identity.json", "state"] { try folder.write(name, "damaged") }
        let server = try ProjectServer()
        var said: [String] = []
        let identity = try Attachment.attach(
            url: server.url, volunteer: "Ada", data: folder.path, say: { said.append($0) }
        ) { _ in }
        #expect(identity.host == HostID(rawValue: 9))
        let path = "projects/\(ProjectNames.name(for: server.url))"
        #expect(try folder.text("\(path)/host.key") == things["host.key"])
        #expect(said.contains { $0.contains("identity.json is damaged") })
        let directory = try ProjectDirectory(path: "\(folder.path)/\(path)")
        #expect(try directory.identity() == identity)
        // Its damaged state is set aside when it is read; the tasks are found in their folders.
        #expect(try directory.loadState { said.append($0) }.tasks.isEmpty)
        #expect(try directory.findings { _ in }.map(\.task) == [Self.task])
    }

    @Test("Receipts of a project that was left long ago are kept apart")
    func leftReceipts() throws {
        let folder = try TemporaryFolder()
        try folder.write("receipts", "old\n")
        _ = try DataDirectory(path: folder.path)
        let name = try #require(try ProjectNames.all(in: folder.path).first)
        #expect(try folder.text("projects/\(name)/receipts") == "old\n")
        #expect(try ProjectNames.attached(in: folder.path).isEmpty)
    }

    @Test("What a person puts beside the projects of a new folder is left alone")
    func present() throws {
        let folder = try TemporaryFolder()
        _ = try DataDirectory(path: folder.path)
        try folder.write("receipts", "mine")
        _ = try DataDirectory(path: folder.path)
        #expect(try folder.text("receipts") == "mine")
    }
}
