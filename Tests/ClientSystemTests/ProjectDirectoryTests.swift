import Bytes
import ClientCore
import ClientSystem
import Domain
import Glibc
import Testing
import WorkerHost

@Suite("The folder of one project")
struct ProjectDirectoryTests {
    @Test("The host's key is made once, and only its owner may read it")
    func hostKey() throws {
        let folder = try TemporaryFolder()
        let directory = try ProjectDirectory(path: folder.path)
        #expect(DataDirectoryTests.fault { () throws(Fault) in _ = try directory.hostKey() }?.kind == .configuration)
        #expect(!Files.exists(folder.path + "/host.key"))
        let key = try directory.hostKey(makingOne: true)
        #expect(try directory.hostKey().rawRepresentation == key.rawRepresentation)
        #expect(DataDirectoryTests.mode(folder.path + "/host.key") == 0o600)
        try folder.write("host.key", "nonsense")
        #expect(DataDirectoryTests.fault { () throws(Fault) in _ = try directory.hostKey() }?.kind == .configuration)
    }

    @Test("A host that is attached nowhere is told so")
    func notAttached() throws {
        let folder = try TemporaryFolder()
        let directory = try ProjectDirectory(path: folder.path)
        let fault = try #require(DataDirectoryTests.fault { () throws(Fault) in _ = try directory.loadState { _ in } })
        #expect(fault.kind == .configuration)
        #expect(fault.advice?.contains("attach") == true)
    }

    @Test("A damaged state is set aside and said, the identity stays")
    func damagedState() throws {
        let folder = try TemporaryFolder()
        let directory = try ProjectDirectory(path: folder.path)
        try directory.save(DataDirectoryTests.identity())
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
        let directory = try ProjectDirectory(path: disk)
        try directory.save(DataDirectoryTests.identity())
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
        let fault = try #require(DataDirectoryTests.fault { () throws(Fault) in try directory.save(state) })
        #expect(fault.kind == .cannotWrite)
        #expect(try directory.loadState { _ in }.sequence == 5)
        #expect(try Files.names(in: disk).allSatisfy { !$0.hasSuffix(".new") })
    }

    @Test("Leaving with unreported results is refused unless forced, and then nothing stays")
    func detach() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/client"
        let directory = try ProjectDirectory(path: path)
        try directory.save(DataDirectoryTests.identity())
        _ = try directory.hostKey(makingOne: true)
        let task = TaskID(rawValue: 4_398_046_511_104)
        try Files.makeFolder(directory.slot(task))
        try Files.replace(directory.slot(task) + "/result", with: [1, 2, 3])
        let fault = try #require(
            DataDirectoryTests.fault { () throws(Fault) in try Attachment.detach(directory, force: false) })
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
        let directory = try ProjectDirectory(path: folder.path + "/client")
        if let identity { try folder.write("client/identity.json", identity) }
        let task = TaskID(rawValue: 4_398_046_511_104)
        try Files.makeFolder(directory.slot(task))
        try Files.replace(directory.slot(task) + "/result", with: [1, 2, 3])
        let fault = try #require(
            DataDirectoryTests.fault { () throws(Fault) in try Attachment.detach(directory, force: false) })
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
        let directory = try ProjectDirectory(path: folder.path + "/client")
        let fault = try #require(
            DataDirectoryTests.fault { () throws(Fault) in try Attachment.detach(directory, force: force) })
        #expect(fault.kind == .noInput)
        #expect(fault.message.contains("not attached"))
    }

    @Test("Whatever bit of the identity changes, it is called damaged or says the same")
    func everyBitOfTheIdentity() throws {
        let folder = try TemporaryFolder()
        let directory = try ProjectDirectory(path: folder.path)
        let key = try directory.hostKey(makingOne: true)
        let identity = DataDirectoryTests.identity()
        try directory.save(identity)
        #expect(directory.isRegistered(key) && !directory.isRegistered(SigningKey()))
        let file = folder.path + "/identity.json"
        let sound = try Files.read(file, limit: 1 << 16)
        var noticed = 0
        for at in sound.indices {
            var bytes = sound
            bytes[at] ^= UInt8(1) << (at % 8)
            try Files.replace(file, with: bytes, durable: false)
            var read: ClientState.Attachment?
            let fault = DataDirectoryTests.fault { () throws(Fault) in read = try directory.identity() }
            if let fault { #expect(fault.kind == .configuration) } else { #expect(read == identity, "byte \(at)") }
            noticed += fault == nil ? 0 : 1
        }
        #expect(noticed > sound.count / 2)
        // As an earlier client wrote it.
        try folder.write(
            "identity.json",
            "{\"serverURL\":\"http://a\",\"site\":\"\",\"projectKey\":[1],\"host\":4,\"volunteerName\":\"Ada\"}")
        #expect(try directory.identity()?.host == HostID(rawValue: 4))
        #expect(directory.isRegistered(SigningKey()))
    }

    @Test("A lost offer is written anew from the state; a result of which nothing says the task is set aside and said")
    func mendedSlots() throws {
        let folder = try TemporaryFolder()
        let directory = try ProjectDirectory(path: folder.path)
        try directory.save(DataDirectoryTests.identity())
        var state = try directory.loadState { _ in }
        let offers = (0..<2).map { number in
            Offer(
                task: TaskID(rawValue: 4_398_046_511_104 + number), project: "a", unit: SHA256Hash.digest(of: [1]),
                unitBytes: 1, deadline: Timestamp(seconds: 9), estimatedSeconds: 1, uploadTicket: "t", flops: 1)
        }
        state[task: offers[0].task] = HeldTask(offer: offers[0])
        for offer in offers {
            try Files.makeFolder(directory.slot(offer.task))
            for name in ["unit", "result"] { try Files.replace("\(directory.slot(offer.task))/\(name)", with: [1]) }
            try Files.replace("\(directory.slot(offer.task))/offer.json", with: Array("{}".utf8))
        }
        var said: [String] = []
        func findings() throws -> [SlotFinding] {
            try directory.mended(try directory.findings { said.append($0) }, state) { said.append($0) }
        }
        #expect(try findings().map(\.task) == [offers[0].task])
        #expect(said.count == 2)
        #expect(said.contains { $0.contains("offer.json was missing or damaged") })
        #expect(said.contains { $0.contains("was set aside as \(offers[1].task.rawValue).damaged-1") })
        #expect(Files.exists("\(directory.slot(offers[1].task)).damaged-1/result"))
        said = []
        #expect(try findings().map(\.offer) == [offers[0]])
        // What lies aside is still said.
        #expect(said.count == 1 && said[0].contains("damaged-1"))
        said = []
        try Files.replace("\(directory.slot(offers[0].task))/unit", with: [2])
        #expect(try findings().count == 1)
        #expect(said.contains { $0.hasSuffix("/unit is damaged; it is fetched anew") })
    }

    @Test("A damaged identity is called so, with what to do")
    func damagedIdentity() throws {
        let folder = try TemporaryFolder()
        let directory = try ProjectDirectory(path: folder.path)
        try folder.write("identity.json", "{\"site\": 3")
        let fault = try #require(DataDirectoryTests.fault { () throws(Fault) in _ = try directory.identity() })
        #expect(fault.kind == .configuration)
        #expect(fault.message.contains("is damaged"))
        #expect(!fault.message.contains("DecodingError") && !fault.message.contains("Context"))
        #expect(fault.advice?.contains("attach") == true)
    }

    @Test("One process works in the folder, and lets it go when it says so, whoever still knows it")
    func lock() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a_1"
        let first = try ProjectDirectory(path: path)
        #expect(ProjectDirectory.isInUse(path))
        let fault = try #require(DataDirectoryTests.fault { () throws(Fault) in _ = try ProjectDirectory(path: path) })
        #expect(fault.kind == .configuration)
        first.release()
        #expect(!ProjectDirectory.isInUse(path))
        _ = try ProjectDirectory(path: path)
        withExtendedLifetime(first) {}
    }

    @Test("An identity that is gone or damaged is written anew from the state", arguments: [nil, "", "{}", "x"])
    func identityFromState(text: String?) throws {
        let folder = try TemporaryFolder()
        let directory = try ProjectDirectory(path: folder.path)
        let identity = DataDirectoryTests.identity()
        try directory.save(identity)
        try directory.save(try directory.loadState { _ in })
        try Files.remove(folder.path + "/identity.json")
        if let text { try folder.write("identity.json", text) }
        var said: [String] = []
        try directory.repairIdentity { said.append($0) }
        #expect(try directory.identity() == identity)
        #expect(said.count == 1)
        #expect(try text == nil || folder.text("identity.json.damaged-1") == text)
        try directory.repairIdentity { said.append($0) }
        #expect(said.count == 1)
    }

    @Test("Without a state, too, nothing is made up")
    func identityLost() throws {
        let folder = try TemporaryFolder()
        let directory = try ProjectDirectory(path: folder.path)
        try folder.write("identity.json", "{}")
        try folder.write("state", "no state")
        try directory.repairIdentity { Issue.record("\($0)") }
        #expect(DataDirectoryTests.fault { () throws(Fault) in _ = try directory.identity() }?.kind == .configuration)
        #expect(try folder.text("identity.json") == "{}")
    }
}
