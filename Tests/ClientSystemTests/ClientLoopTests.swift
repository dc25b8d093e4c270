import Bytes
import ClientCore
import ClientSystem
import Domain
import Synchronization
import Testing
import WorkerHost

@Suite("A client that runs for several projects")
struct ClientLoopTests {
    /// A client in this process, on a thread of its own.
    final class Client: Sendable {
        private let said = Mutex<[String]>([])
        private let outcome = Mutex<Result<Void, Fault>?>(nil)
        private let stopper = Stopper()
        let folder: String

        init(_ folder: String, waits: Bool = false) {
            self.folder = folder
            BlockingThread.start("client") { [self] in
                let ended = Result { () throws(Fault) in try run(waits) }
                outcome.withLock { $0 = ended }
            }
        }

        private func run(_ waits: Bool) throws(Fault) {
            let directory = try DataDirectory(path: folder)
            let loop = try ClientLoop(
                directory: directory, waits: waits,
                say: { [self] line in said.withLock { $0.append(line) } }
            ) {
                $0.cores = 2
                $0.idle.always = true
            }
            stopper.set(loop.stopper)
            try loop.run()
        }

        var words: [String] { said.withLock { $0 } }
        var isOver: Bool { outcome.withLock { $0 != nil } }
        var fault: Fault? {
            if case .failure(let fault)? = outcome.withLock({ $0 }) { fault } else { nil }
        }
        /// By the project's name.
        var projects: [String: ClientStatus.Project] {
            let status = try? DataDirectory.status(in: folder)
            return Dictionary(uniqueKeysWithValues: (status?.projects ?? []).map { ($0.name, $0) })
        }

        func stop() -> Bool {
            stopper.stop()
            return eventually { isOver }
        }
    }

    @Test("It takes up what is attached beside it, and lets go what is detached; the others go on")
    func comingAndGoing() throws {
        let folder = try TemporaryFolder()
        let (one, two) = (try ProjectServer(), try ProjectServer())
        try AttachingTests.attach(one, folder)
        try folder.write("preferences.yaml", "shares:\n  \"\(two.url)\": 300\n")
        let client = Client(folder.path)
        #expect(eventually { one.calls > 0 }, "\(client.words)")
        try AttachingTests.attach(two, folder)
        #expect(eventually { two.calls > 0 }, "\(client.words)")
        #expect(eventually { client.projects.count == 2 })
        #expect(client.projects[one.name]?.share == 100 && client.projects[two.name]?.share == 300)
        let left = try Attachment.detach(one.url, data: folder.path, force: false)
        #expect(left.name == one.name)
        #expect(try ProjectNames.all(in: folder.path) == [two.name])
        let calls = one.calls
        #expect(eventually { client.projects.count == 1 && client.projects[two.name]?.state == "working" })
        let later = two.calls
        #expect(eventually { two.calls > later + 1 })
        #expect(one.calls == calls && !client.isOver)
        // Joined again, it is a new host to the server.
        try AttachingTests.attach(one, folder)
        #expect(eventually { one.calls > calls })
        #expect(client.stop())
        #expect(client.fault == nil)
        // What they were is known when no client runs, too.
        #expect(client.projects.values.allSatisfy { $0.state == "stopped" && $0.volunteer == "Ada" })
        #expect(client.projects.count == 2)
    }

    @Test("A damaged project is set aside with a message, and taken up when it was put right; the good one works")
    func damaged() throws {
        let folder = try TemporaryFolder()
        let (good, bad) = (try ProjectServer(), try ProjectServer())
        for server in [good, bad] { try AttachingTests.attach(server, folder) }
        try folder.write("projects/\(bad.name)/host.key", "nonsense")
        let client = Client(folder.path)
        #expect(eventually { good.calls > 1 }, "\(client.words)")
        #expect(eventually { client.projects[bad.name]?.state == "set aside" })
        #expect(client.projects[bad.name]?.problem?.contains("does not hold a host key") == true)
        #expect(client.projects[bad.name]?.server == bad.url)
        #expect(client.projects[good.name]?.state == "working")
        #expect(bad.calls == 0 && client.words.contains { $0.contains("does not hold a host key") })
        try AttachingTests.attach(bad, folder)
        #expect(eventually { bad.calls > 0 }, "\(client.words)")
        #expect(client.stop())
    }

    @Test("A folder that is taken away while the client runs ends only that project")
    func takenAway() throws {
        let folder = try TemporaryFolder()
        let (one, two) = (try ProjectServer(), try ProjectServer())
        for server in [one, two] { try AttachingTests.attach(server, folder) }
        let client = Client(folder.path)
        #expect(eventually { one.calls > 0 && two.calls > 0 })
        try Files.remove("\(folder.path)/projects/\(one.name)")
        #expect(eventually { client.words.contains { $0.contains("was taken away") } }, "\(client.words)")
        let calls = two.calls
        #expect(eventually { two.calls > calls + 1 })
        #expect(eventually { client.projects.keys.sorted() == [two.name] })
        #expect(client.stop())
    }

    @Test("A project that finished is taken up again when that is withdrawn, or when it was joined anew")
    func finished() throws {
        let folder = try TemporaryFolder()
        let (one, two) = (try ProjectServer(), try ProjectServer())
        for server in [one, two] { try AttachingTests.attach(server, folder) }
        let client = Client(folder.path)
        #expect(eventually { one.calls > 0 && two.calls > 0 }, "\(client.words)")
        func ask(_ command: ControlRequest.Command, withdraw: Bool? = nil) throws {
            var request = ControlRequest(command)
            request.project = one.name
            request.withdraw = withdraw
            _ = try ControlClient.ask(request, folder: folder.path)
        }
        for withdraw in [nil, true] as [Bool?] {
            try ask(.finish)
            #expect(eventually { client.projects[one.name]?.state == "stopped" }, "\(client.words)")
            let calls = one.calls
            try ask(withdraw == nil ? .resume : .finish, withdraw: withdraw)
            #expect(eventually { one.calls > calls }, "\(client.words)")
            #expect(eventually { client.projects[one.name]?.state == "working" })
        }
        try ask(.finish)
        #expect(eventually { client.projects[one.name]?.state == "stopped" })
        let calls = one.calls
        _ = try Attachment.detach(one.url, data: folder.path, force: false)
        try AttachingTests.attach(one, folder)
        #expect(eventually { one.calls > calls }, "\(client.words)")
        #expect(!client.isOver && client.stop())
    }

    @Test("A folder that was taken away by hand and is there again is worked for again")
    func backAgain() throws {
        let folder = try TemporaryFolder()
        let (one, two) = (try ProjectServer(), try ProjectServer())
        for server in [one, two] { try AttachingTests.attach(server, folder) }
        let client = Client(folder.path)
        #expect(eventually { one.calls > 0 && two.calls > 0 })
        try Files.remove("\(folder.path)/projects/\(one.name)")
        #expect(eventually { client.projects.keys.sorted() == [two.name] }, "\(client.words)")
        let calls = one.calls
        try AttachingTests.attach(one, folder)
        #expect(eventually { one.calls > calls }, "\(client.words)")
        #expect(client.stop())
    }

    @Test("A server that is gone does not keep the other project's from being called")
    func goneServer() throws {
        let folder = try TemporaryFolder()
        let good = try ProjectServer()
        try AttachingTests.attach(good, folder)
        let gone = "http://127.0.0.1:\(try DeafPort().port)"
        let directory = try ProjectDirectory(path: "\(folder.path)/projects/\(ProjectNames.name(for: gone))")
        _ = try directory.hostKey(makingOne: true)
        var identity = DataDirectoryTests.identity()
        identity.serverURL = gone
        try directory.save(identity)
        directory.release()
        let client = Client(folder.path)
        #expect(eventually { good.calls > 2 }, "\(client.words)")
        #expect(client.stop())
    }

    @Test("Two folders never work as one host: a copy under another name is set aside")
    func copy() throws {
        let folder = try TemporaryFolder()
        let server = try ProjectServer()
        try AttachingTests.attach(server, folder)
        try Files.makeFolder("\(folder.path)/projects/copy_1")
        for name in ["identity.json", "host.key"] {
            try folder.write("projects/copy_1/\(name)", try folder.text("projects/\(server.name)/\(name)"))
        }
        let client = Client(folder.path)
        #expect(eventually { client.projects["copy_1"]?.state == "set aside" }, "\(client.words)")
        #expect(eventually { client.projects[server.name]?.state == "working" })
        #expect(client.projects["copy_1"]?.problem?.contains("perhaps a copy") == true)
        #expect(client.stop())
    }

    @Test("Without a project it does not start, unless it is to wait for one")
    func noProject() throws {
        let folder = try TemporaryFolder()
        let refused = Client(folder.path)
        #expect(eventually { refused.isOver })
        #expect(refused.fault?.kind == .configuration)
        let client = Client(folder.path, waits: true)
        #expect(eventually { (try? DataDirectory.status(in: folder.path)) != nil }, "\(client.words)")
        let server = try ProjectServer()
        try AttachingTests.attach(server, folder)
        #expect(eventually { server.calls > 0 })
        _ = try Attachment.detach(nil, data: folder.path, force: false)
        #expect(eventually { client.projects.isEmpty })
        #expect(!client.isOver)
        #expect(client.stop())
    }

    @Test("It ends when the last project was left, and says why when the only one cannot be worked for")
    func lastProject() throws {
        let folder = try TemporaryFolder()
        let server = try ProjectServer()
        try AttachingTests.attach(server, folder)
        let client = Client(folder.path)
        #expect(eventually { server.calls > 0 })
        _ = try Attachment.detach(nil, data: folder.path, force: false)
        #expect(eventually { client.isOver })
        #expect(client.fault == nil)
        try AttachingTests.attach(server, folder)
        try folder.write("projects/\(server.name)/host.key", "nonsense")
        let damaged = Client(folder.path)
        #expect(eventually { damaged.isOver })
        #expect(damaged.fault?.message.contains("does not hold a host key") == true)
    }
}
