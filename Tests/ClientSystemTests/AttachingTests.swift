import Bytes
import CPosix
import ClientCore
import ClientSystem
import Domain
import Releases
import Testing
import WorkerHost

@Suite("Joining several projects and leaving them")
struct AttachingTests {
    @discardableResult
    static func attach(
        _ server: ProjectServer, _ folder: TemporaryFolder, say: (String) -> Void = { _ in }
    ) throws(Fault) -> ClientState.Attachment {
        try Attachment.attach(url: server.url, volunteer: "Ada", data: folder.path, say: say) { _ in }
    }

    @Test("Each project has a folder and a key of its own; joined again, a host keeps its key")
    func keys() throws {
        let folder = try TemporaryFolder()
        let (one, two) = (try ProjectServer(), try ProjectServer())
        for server in [one, two, one] { try Self.attach(server, folder) }
        #expect(try ProjectNames.attached(in: folder.path) == [one.name, two.name].sorted())
        #expect(one.keys.count == 2 && Set(one.keys).count == 1)
        #expect(two.keys.count == 1 && one.keys[0] != two.keys[0])
        let list = try Attachment.list(in: folder.path)
        #expect(list.map { $0.attachment?.serverURL } == list.map { $0.name == one.name ? one.url : two.url })
        #expect(!DataDirectory.isInUse(folder.path) && !ProjectDirectory.isInUse("\(folder.path)/projects/\(one.name)"))
    }

    @Test("The root of a project's releases is shown and pinned; what is not believed is said, and no news is none")
    func releases() throws {
        var site = ReleaseSite(now: Timestamp(milliseconds: millrace_wall_milliseconds()))
        site.release("1.0")
        var shown: [ClientSystem.Attachment.Introduction] = []
        func attach(_ server: ProjectServer, _ folder: TemporaryFolder) throws {
            _ = try ClientSystem.Attachment.attach(url: server.url, volunteer: "Ada", data: folder.path) {
                shown.append($0)
            }
        }
        let folder = try TemporaryFolder()
        let server = try ProjectServer(key: site.key, releases: site.files)
        try attach(server, folder)
        let store = ReleaseStore(
            folder: "\(folder.path)/projects/\(server.name)/releases", project: site.key.publicKey)
        let trusted = try #require(try store.trusted())
        #expect(shown[0].releaseRoot == trusted.rootFingerprint && shown[0].releaseTrouble == nil)
        // Attached again, it is what was pinned that is shown.
        try attach(server, folder)
        #expect(shown[1].releaseRoot == trusted.rootFingerprint)
        // Keys of the releases that the project's own key does not vouch for.
        let other = try ProjectServer(key: SigningKey(), releases: site.files)
        try attach(other, folder)
        #expect(shown[2].releaseRoot == nil && shown[2].releaseTrouble?.isEmpty == false)
        try attach(try ProjectServer(), folder)
        #expect(shown[3].releaseRoot == nil && shown[3].releaseTrouble == nil)
    }

    @Test("Leaving one keeps the other; leaving the last leaves nothing")
    func leave() throws {
        let folder = try TemporaryFolder()
        let data = folder.path + "/client"
        let (one, two) = (try ProjectServer(), try ProjectServer())
        for server in [one, two] {
            _ = try Attachment.attach(url: server.url, volunteer: "Ada", data: data) { _ in }
        }
        let unclear = DataDirectoryTests.fault { () throws(Fault) in
            _ = try Attachment.detach(nil, data: data, force: true)
        }
        #expect(unclear?.kind == .usage)
        #expect(try Attachment.detach(one.url, data: data, force: false).name == one.name)
        #expect(try ProjectNames.all(in: data) == [two.name])
        #expect(try Files.names(in: data + "/projects") == [two.name])
        _ = try Attachment.detach(nil, data: data, force: false)
        #expect(!Files.exists(data))
    }

    @Test("Receipts of a project that was left stay, and can be listed; joined again, they are there")
    func receiptsStay() throws {
        let folder = try TemporaryFolder()
        let server = try ProjectServer()
        try Self.attach(server, folder)
        try folder.write("projects/\(server.name)/receipts", "")
        _ = try Attachment.detach(nil, data: folder.path, force: false)
        #expect(try Files.names(in: "\(folder.path)/projects/\(server.name)") == ["receipts"])
        #expect(try ReceiptFile.kept(of: nil, in: folder.path) == [])
        #expect(try ReceiptFile.kept(of: server.name, in: folder.path) == [])
        try Self.attach(server, folder)
        #expect(Files.exists("\(folder.path)/projects/\(server.name)/receipts"))
        #expect(Set(server.keys).count == 2)
    }

    @Test("A folder whose key is lost is set aside at the next attach, with everything in it", arguments: [nil, "x"])
    func lostKey(text: String?) throws {
        let folder = try TemporaryFolder()
        let server = try ProjectServer()
        try Self.attach(server, folder)
        let path = "\(folder.path)/projects/\(server.name)"
        try Files.remove("\(path)/host.key")
        if let text { try folder.write("projects/\(server.name)/host.key", text) }
        try Files.makeFolder("\(path)/slots/64")
        try folder.write("projects/\(server.name)/slots/64/result", "precious")
        var said: [String] = []
        try Self.attach(server, folder) { said.append($0) }
        #expect(said.count == 1 && said[0].contains("host.key") && said[0].contains(".damaged-1"))
        #expect(try folder.text("projects/\(server.name).damaged-1/slots/64/result") == "precious")
        #expect(try ProjectNames.attached(in: folder.path) == [server.name])
        #expect(Set(server.keys).count == 2)
    }

    @Test("A file in the place of a project's folder is set aside")
    func fileInPlace() throws {
        let folder = try TemporaryFolder()
        let server = try ProjectServer()
        try Files.makeFolder(folder.path + "/projects")
        try folder.write("projects/\(server.name)", "a file")
        var said: [String] = []
        try Self.attach(server, folder) { said.append($0) }
        #expect(said.count == 1)
        #expect(try folder.text("projects/\(server.name).damaged-1") == "a file")
    }

    @Test("Another key than the pinned one is refused, also when the identity had to be found in the state")
    func pinned() throws {
        let folder = try TemporaryFolder()
        let server = try ProjectServer()
        let identity = try Self.attach(server, folder)
        let path = "\(folder.path)/projects/\(server.name)"
        let directory = try ProjectDirectory(path: path)
        var other = identity
        other.projectKey = SigningKey().publicKey.rawRepresentation
        try directory.save(other)
        try directory.save(ClientState(attachment: other))
        directory.release()
        for text in [nil, "{}"] {
            if let text { try folder.write("projects/\(server.name)/identity.json", text) }
            let fault = DataDirectoryTests.fault { () throws(Fault) in try Self.attach(server, folder) }
            #expect(fault?.kind == .refused)
        }
        #expect(server.keys.count == 1)
    }

    @Test("A wish to leave lasts as long as the command; what a killed one left is removed")
    func wish() throws {
        let folder = try TemporaryFolder()
        let project = folder.path + "/a_1"
        #expect(!LeaveWish.isThere(for: project))
        let wish = try LeaveWish(project: project)
        #expect(LeaveWish.isThere(for: project))
        let second = DataDirectoryTests.fault { () throws(Fault) in _ = try LeaveWish(project: project) }
        #expect(second?.kind == .configuration)
        wish.end()
        #expect(!LeaveWish.isThere(for: project))
        try folder.write("a_1.leave", "")
        #expect(!LeaveWish.isThere(for: project))
        #expect(!Files.exists(project + ".leave"))
    }
}
