import Bytes
import ClientCore
import ClientSystem
import Domain
import Testing
import WorkerHost

@Suite("What lies in a client's folder, and what leaves it")
struct TidyingTests {
    @Test("What a killed client left half written goes at the next start, and nothing else")
    func temporaries() throws {
        let folder = try TemporaryFolder()
        let left = ["host.key.77.new", "state.1234.new", "blobs/aa.5.new", "slots/64/unit.99.new"]
        let kept = ["news.new", "state.damaged-1", "blobs/aa.part", "slots/64/checkpoint", "host.key"]
        for name in ["blobs", "slots/64"] { try Files.makeFolder("\(folder.path)/\(name)") }
        for name in left + kept { try folder.write(name, "x") }
        let directory = try ProjectDirectory(path: folder.path)
        _ = try directory.findings { _ in }
        for name in left { #expect(!Files.exists("\(folder.path)/\(name)"), "\(name)") }
        for name in kept { #expect(Files.exists("\(folder.path)/\(name)"), "\(name)") }
    }

    @Test("The sweep of inputs leaves the part of a download that runs")
    func partsStay() throws {
        let folder = try TemporaryFolder()
        let directory = try ProjectDirectory(path: folder.path)
        let (wanted, old) = (SHA256Hash.digest(of: [1]), SHA256Hash.digest(of: [2]))
        try Files.makeFolder("\(folder.path)/blobs")
        for name in ["\(wanted.hex).part", old.hex, "\(old.hex).part"] { try folder.write("blobs/\(name)", "x") }
        try directory.keepBlobs([wanted])
        #expect(try Files.names(in: folder.path + "/blobs") == ["\(wanted.hex).part"])
    }

    @Test("A result that is gone is told from one that cannot be read")
    func results() throws {
        let folder = try TemporaryFolder()
        let directory = try ProjectDirectory(path: folder.path)
        try Files.makeFolder("\(folder.path)/slots/64")
        try folder.write("slots/64/unit", "x")
        // A folder opens and cannot be read.
        try Files.makeFolder("\(folder.path)/slots/96/result")
        let findings = try directory.findings { _ in }
        #expect(findings.map(\.result) == [nil, nil])
        #expect(findings.map(\.isResultUnread) == [false, true])
    }

    static let texts: [(String, String)] = [
        ("cannot open DIR/slots/64/result: no space", "cannot open TASK/result: no space"),
        ("DIR/slots/65/unit and DIR/cache", "DATA/slots/65/unit and DATA/cache"),
        ("/home/ada/.config is odd", "HOME/.config is odd"), ("nothing here", "nothing here"),
    ]

    @Test("A worker's last words do not say where things lie on this computer", arguments: texts)
    func paths(text: String, clean: String) throws {
        let folder = try TemporaryFolder()
        let directory = try ProjectDirectory(path: folder.path)
        let task = TaskID(rawValue: 64)
        let said = String(
            text.split(separator: "DIR", omittingEmptySubsequences: false).joined(separator: directory.path))
        #expect(directory.withoutPaths(said, of: task, home: "/home/ada") == clean)
        // Cut off in the middle of the path.
        let cut = directory.path.dropFirst(5) + "/slots/64/log is full"
        #expect(directory.withoutPaths(String(cut), of: task, home: nil) == "TASK/log is full")
    }

    @Test("A disk without end is told as the largest that a server takes")
    func endlessDisk() {
        #expect(HostInventory.diskFreeBytes(blocks: .max, blockBytes: 4096) == 1_000_000_000_000_000_000)
        #expect(HostInventory.diskFreeBytes(blocks: 1 << 62, blockBytes: 1) == 1_000_000_000_000_000_000)
        #expect(HostInventory.diskFreeBytes(blocks: 1 << 40, blockBytes: 1 << 20) == 1_000_000_000_000_000_000)
        #expect(HostInventory.diskFreeBytes(blocks: 10, blockBytes: 4096) == 40_960)
    }

    @Test("While the disk does one thing nothing waits for it, and its end comes as an event")
    func errand() throws {
        let mailbox = Mailbox<ClientEvent>()
        let errand = DiskErrand(mailbox: mailbox.postbox)
        errand.begin { () throws(Fault) in throw Fault(.cannotWrite, "full") }
        #expect(mailbox.take(waitSeconds: 300).count == 1)
        guard case .failure(let fault)? = errand.takeOutcome() else {
            Issue.record("no failure came")
            return
        }
        #expect(fault.kind == .cannotWrite)
        if errand.takeOutcome() != nil { Issue.record("an outcome came twice") }
    }
}
