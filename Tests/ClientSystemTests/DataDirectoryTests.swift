import Bytes
import CPosix
import ClientCore
import ClientSystem
import Domain
import Glibc
import Testing
import WorkerHost

@Suite("The data directory")
struct DataDirectoryTests {
    static func identity() -> ClientState.Attachment {
        ClientState.Attachment(
            serverURL: "http://127.0.0.1:1", site: "Test", projectKey: SigningKey().publicKey.rawRepresentation,
            host: HostID(rawValue: 3), volunteerName: "Ada")
    }

    static func fault(_ body: () throws(Fault) -> Void) -> Fault? {
        do throws(Fault) { try body() } catch { return error }
        return nil
    }

    static func mode(_ path: String) -> UInt32 {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    @Test("A second client is refused while the first lives")
    func lock() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/client"
        do {
            let first = try DataDirectory(path: path)
            #expect(DataDirectory.isInUse(path))
            let fault = try #require(Self.fault { () throws(Fault) in _ = try DataDirectory(path: path) })
            #expect(fault.kind == .configuration)
            #expect(fault.message.contains(path))
            withExtendedLifetime(first) {}
        }
        #expect(!DataDirectory.isInUse(path))
        _ = try DataDirectory(path: path)
    }

    @Test("A folder of a newer version is left alone")
    func newerVersion() throws {
        let folder = try TemporaryFolder()
        try folder.write("version", "3\n")
        let fault = try #require(Self.fault { () throws(Fault) in _ = try DataDirectory(path: folder.path) })
        #expect(fault.kind == .configuration)
        #expect(fault.message.contains("version 3"))
        #expect(try folder.text("version") == "3\n")
    }

    @Test("Status can be read while no client runs, and says so")
    func status() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/client"
        #expect(Self.fault { () throws(Fault) in _ = try DataDirectory.status(in: path) }?.kind == .noInput)
        do {
            let directory = try DataDirectory(path: path)
            var settings = ClientSettings(cores: 1, apps: [], profile: HostInventory.profile(folder: path))
            settings.idle.always = true
            let now = Timestamp(seconds: 1000)
            let machine = ClientMachine(
                state: ClientState(attachment: Self.identity()), settings: settings, machineCores: 1, now: now)
            var computing = ClientStatus(
                writtenAt: now, policy: machine.policy, cores: 1,
                projects: [machine.status(name: "a_1", now: now, liveWorkerCPUSeconds: 2)])
            #expect(!computing.computing, "without a task nothing computes")
            computing.computing = true
            try directory.save(computing)
            let status = try DataDirectory.status(in: path)
            #expect(status.running)
            #expect(status.computing)
            #expect(status.projects.map(\.workerCPUSeconds) == [2])
        }
        let status = try DataDirectory.status(in: path)
        #expect(!status.running)
        #expect(!status.computing)
        #expect(StatusText.lines(status, nowMs: 1_005_000).contains("client     not running; last seen 5 s ago"))
    }

    @Test("A version that cannot be read is set aside; what lies there says which it is", arguments: ["", "x\n", "0"])
    func unreadableVersion(text: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("version", text)
        try Files.makeFolder(folder.path + "/projects/a_1")
        try folder.write("projects/a_1/identity.json", "{}")
        var said: [String] = []
        _ = try DataDirectory(path: folder.path) { said.append($0) }
        #expect(try folder.text("version") == "2\n")
        #expect(try folder.text("version.damaged-1") == text)
        #expect(try folder.text("projects/a_1/identity.json") == "{}")
        #expect(said.count == 1)
    }

    @Test("What each project used is kept; a damaged file is set aside and said")
    func shares() throws {
        let folder = try TemporaryFolder()
        let directory = try DataDirectory(path: folder.path)
        #expect(directory.loadShares { Issue.record("\($0)") } == ShareBook())
        var book = ShareBook()
        let demand = ProjectDemand(needs: [.init()], running: 1)
        for second: Int64 in [0, 10] {
            _ = book.divide(
                [.init(project: "a_1", demand: demand)], cores: 1, memoryBytes: nil, now: Timestamp(seconds: second))
        }
        try directory.save(book)
        #expect(directory.loadShares { Issue.record("\($0)") } == book)
        #expect(book.use["a_1"] == 10)
        // What a power failure may leave is no damage: nothing but use is lost.
        try folder.write("shares.json", "")
        #expect(directory.loadShares { Issue.record("\($0)") } == ShareBook())
        for (number, text) in ["[", "{}", "{\"use\":{\"a\":-1},\"computing\":{}}"].enumerated() {
            try folder.write("shares.json", text)
            var said: [String] = []
            #expect(directory.loadShares { said.append($0) } == ShareBook())
            #expect(said.count == 1)
            #expect(try folder.text("shares.json.damaged-\(number + 1)") == text)
        }
    }

    @Test("A folder that may not be looked at is not called one that is not there")
    func outOfReach() throws {
        let folder = try TemporaryFolder()
        let none = #expect(throws: Fault.self) { try DataDirectory.mustExist(folder.path + "/none", "nothing yet") }
        #expect(none?.kind == .noInput && none?.message == "nothing yet")
        // As a folder of another user is, also for root: a link that leads round in a circle.
        try #require(symlink("round", folder.path + "/round") == 0)
        let closed = #expect(throws: Fault.self) { try DataDirectory.mustExist(folder.path + "/round", "nothing yet") }
        #expect(closed?.kind == .osError)
        _ = try DataDirectory(path: folder.path)
        try DataDirectory.mustExist(folder.path, "nothing yet")
    }
}
