import Bytes
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
        try folder.write("version", "2\n")
        let fault = try #require(Self.fault { () throws(Fault) in _ = try DataDirectory(path: folder.path) })
        #expect(fault.kind == .configuration)
        #expect(fault.message.contains("version 2"))
        #expect(try folder.text("version") == "2\n")
    }

    @Test("The host's key is made once, and only its owner may read it")
    func hostKey() throws {
        let folder = try TemporaryFolder()
        let directory = try DataDirectory(path: folder.path)
        #expect(Self.fault { () throws(Fault) in _ = try directory.hostKey() }?.kind == .configuration)
        #expect(!Files.exists(folder.path + "/host.key"))
        let key = try directory.hostKey(makingOne: true)
        #expect(try directory.hostKey().rawRepresentation == key.rawRepresentation)
        #expect(Self.mode(folder.path + "/host.key") == 0o600)
        try folder.write("host.key", "nonsense")
        #expect(Self.fault { () throws(Fault) in _ = try directory.hostKey() }?.kind == .configuration)
    }

    @Test("A host that is attached nowhere is told so")
    func notAttached() throws {
        let folder = try TemporaryFolder()
        let directory = try DataDirectory(path: folder.path)
        let fault = try #require(Self.fault { () throws(Fault) in _ = try directory.loadState { _ in } })
        #expect(fault.kind == .configuration)
        #expect(fault.advice?.contains("attach") == true)
    }

    @Test("A damaged state is set aside and said, the identity stays")
    func damagedState() throws {
        let folder = try TemporaryFolder()
        let directory = try DataDirectory(path: folder.path)
        try directory.save(Self.identity())
        var state = try directory.loadState { _ in }
        state.sequence = 77
        try directory.save(state)
        #expect(try directory.loadState { _ in }.sequence == 77)
        for round in 1...2 {
            var bytes = try Files.read(folder.path + "/state", limit: 1 << 20)
            bytes[10] ^= 1
            try Files.replace(folder.path + "/state", with: bytes)
            var said: [String] = []
            let fresh = try directory.loadState { said.append($0) }
            #expect(fresh.sequence == 0)
            #expect(fresh.attachment.host == HostID(rawValue: 3))
            #expect(said.count == 1)
            #expect(try Files.read(folder.path + "/state.damaged-\(round)", limit: 1 << 20) == bytes)
            try directory.save(state)
        }
    }

    @Test("A full disk is a clear failure, and the old state stays", .enabled(if: geteuid() == 0))
    func fullDisk() throws {
        let folder = try TemporaryFolder()
        let disk = folder.path + "/small"
        try Files.makeFolder(disk)
        guard mount("none", disk, "tmpfs", 0, "size=256k") == 0 else { return }
        defer { umount(disk) }
        let directory = try DataDirectory(path: disk)
        try directory.save(Self.identity())
        var state = try directory.loadState { _ in }
        state.sequence = 5
        try directory.save(state)
        let filler = open(disk + "/filler", O_WRONLY | O_CREAT, 0o600)
        let block = [UInt8](repeating: 1, count: 4096)
        while write(filler, block, block.count) > 0 {}
        close(filler)
        state.sequence = 6
        // More than the temporary file's first page can hold.
        state.attachment.site = String(repeating: "x", count: 20_000)
        let fault = try #require(Self.fault { () throws(Fault) in try directory.save(state) })
        #expect(fault.kind == .cannotWrite)
        #expect(try directory.loadState { _ in }.sequence == 5)
        #expect(try Files.names(in: disk).allSatisfy { !$0.hasSuffix(".new") })
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
            try directory.save(machine.status(now: now, liveWorkerCPUSeconds: 2))
            let status = try DataDirectory.status(in: path)
            #expect(status.running)
            #expect(status.computing)
            #expect(status.workerCPUSeconds == 2)
        }
        let status = try DataDirectory.status(in: path)
        #expect(!status.running)
        #expect(!status.computing)
        #expect(StatusText.lines(status, nowMs: 1_005_000).contains("client     not running; last seen 5 s ago"))
    }

    @Test("Leaving with unreported results is refused unless forced, and then nothing stays")
    func detach() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/client"
        let directory = try DataDirectory(path: path)
        try directory.save(Self.identity())
        _ = try directory.hostKey(makingOne: true)
        let task = TaskID(rawValue: 4_398_046_511_104)
        try Files.makeFolder(directory.slot(task))
        try Files.replace(directory.slot(task) + "/result", with: [1, 2, 3])
        let fault = try #require(Self.fault { () throws(Fault) in try Attachment.detach(directory, force: false) })
        #expect(fault.kind == .negative)
        #expect(fault.message.contains("\(task)"))
        #expect(Files.exists(path + "/host.key"))
        let losses = try Attachment.detach(directory, force: true)
        #expect(losses.unreported.count == 1)
        #expect(!Files.exists(path))
    }

    @Test("Results are not lost because the identity is", arguments: [nil, "{}", "nonsense"])
    func detachWithoutIdentity(identity: String?) throws {
        let folder = try TemporaryFolder()
        let directory = try DataDirectory(path: folder.path + "/client")
        if let identity { try folder.write("client/identity.json", identity) }
        let task = TaskID(rawValue: 4_398_046_511_104)
        try Files.makeFolder(directory.slot(task))
        try Files.replace(directory.slot(task) + "/result", with: [1, 2, 3])
        let fault = try #require(Self.fault { () throws(Fault) in try Attachment.detach(directory, force: false) })
        #expect(fault.kind == .negative)
        #expect(fault.message.contains("\(task)"))
        #expect(Files.exists(directory.slot(task) + "/result"))
        try Files.remove(directory.slot(task))
        let left = try Attachment.detach(directory, force: false)
        #expect(left.untold?.contains("does not say where it is attached") == true || identity != nil)
        #expect(!Files.exists(directory.path))
    }

    @Test("A folder that was never attached cannot be left", arguments: [true, false])
    func detachNothing(force: Bool) throws {
        let folder = try TemporaryFolder()
        let directory = try DataDirectory(path: folder.path + "/client")
        let fault = try #require(Self.fault { () throws(Fault) in try Attachment.detach(directory, force: force) })
        #expect(fault.kind == .noInput)
        #expect(fault.message.contains("not attached"))
    }

    @Test("A damaged identity is called so, with what to do")
    func damagedIdentity() throws {
        let folder = try TemporaryFolder()
        let directory = try DataDirectory(path: folder.path)
        try folder.write("identity.json", "{\"site\": 3")
        let fault = try #require(Self.fault { () throws(Fault) in _ = try directory.identity() })
        #expect(fault.kind == .configuration)
        #expect(fault.message.contains("is damaged"))
        #expect(!fault.message.contains("DecodingError") && !fault.message.contains("Context"))
        #expect(fault.advice?.contains("attach") == true)
    }
}
