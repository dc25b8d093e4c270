import ClientCore
import ClientSystem
import Domain
import Glibc
import Preferences
import Synchronization
import Testing
import WorkerHost

@Suite("The file of preferences")
struct PreferencesFileTests {
    static let good = "not_in_use:\n  cores: 3\n"
    static let bad = "not_in_use:\n  cores: many\nnowhere: 1\n"

    /// Looks until the file was read anew, or three looks have not done it.
    static func look(_ file: inout PreferencesFile) -> Bool {
        for _ in 0..<3 where file.look() {
            _ = file.takeCopyWork()?()
            return true
        }
        return false
    }

    @Test("A look touches no copy itself: that is for who may wait for a disk, and only once")
    func copyWork() throws {
        let folder = try TemporaryFolder()
        var file = try PreferencesFile(folder: folder.path)
        try folder.write("preferences.yaml", Self.good)
        let looks = [file.look(), file.look()]
        #expect(looks == [false, true] && file.effective.preferences.notInUse.cores == .count(3))
        #expect(!Files.exists(folder.path + "/preferences.good.yaml"))
        let (first, second) = (file.takeCopyWork(), file.takeCopyWork())
        let work = try #require(first)
        #expect(second == nil && work() == nil)
        #expect(try folder.text("preferences.good.yaml") == Self.good)
    }

    @Test("Without a file the preset holds; a file is seen when it appears, changes and goes")
    func lifeOfAFile() throws {
        let folder = try TemporaryFolder()
        var file = try PreferencesFile(folder: folder.path)
        #expect(file.effective.preferences == Preferences.standard && file.problems == [])
        #expect(Self.look(&file) == false)
        try folder.write("preferences.yaml", Self.good)
        #expect(Self.look(&file))
        #expect(file.effective.preferences.notInUse.cores == .count(3))
        #expect(Self.look(&file) == false)
        try folder.write("preferences.yaml", "not_in_use:\n  cores: 4\n")
        #expect(Self.look(&file))
        #expect(file.effective.preferences.notInUse.cores == .count(4))
        unlink(folder.path + "/preferences.yaml")
        #expect(Self.look(&file))
        #expect(file.effective.preferences == Preferences.standard)
    }

    @Test("A file that is just being written is read when it stands still")
    func standsStill() throws {
        let folder = try TemporaryFolder()
        var file = try PreferencesFile(folder: folder.path)
        for count in 1...5 {
            // Each time of another length: never the same at two looks.
            try folder.write("preferences.yaml", Self.good + String(repeating: "#\n", count: count))
            let isRead = file.look()
            #expect(!isRead)
        }
        let isRead = file.look()
        #expect(isRead)
    }

    @Test("A bad file is refused with every fault and its place, and the last good one stays in force")
    func bad() throws {
        let folder = try TemporaryFolder()
        try folder.write("preferences.yaml", Self.good)
        var file = try PreferencesFile(folder: folder.path)
        try folder.write("preferences.yaml", Self.bad)
        #expect(Self.look(&file))
        #expect(file.effective.preferences.notInUse.cores == .count(3))
        #expect(file.problems.count == 2)
        #expect(file.problems.first?.contains("preferences.yaml:2:10: `not_in_use.cores`") == true)
        #expect(file.problems.last?.contains("preferences.yaml:3:1: unknown field `nowhere`") == true)
        // Over a restart, too.
        var next = try PreferencesFile(folder: folder.path)
        #expect(next.usesCopy && next.problems.count == 2)
        #expect(next.effective.preferences.notInUse.cores == .count(3))
        // A damaged copy is said, too, and does not come back.
        let damaged = try TemporaryFolder()
        try damaged.write("preferences.yaml", Self.bad)
        try damaged.write("preferences.good.yaml", "not_in_use: [")
        let none = try PreferencesFile(folder: damaged.path)
        #expect(!none.usesCopy && none.effective.preferences == Preferences.standard && none.problems.count == 3)
        #expect(none.problems.last?.contains("was set aside as") == true)
        #expect(Files.exists(damaged.path + "/preferences.good.yaml.damaged-1"))
        try folder.write("preferences.yaml", Self.good + "#")
        #expect(Self.look(&next))
        #expect(!next.usesCopy && next.problems == [])
    }

    @Test("What is no file is refused at once, also where opening it would wait for a writer")
    func noFile() throws {
        for make in [{ mkfifo($0, 0o600) }, { mkdir($0, 0o700) }, { symlink("/dev/tty", $0) }] as [(String) -> Int32] {
            let folder = try TemporaryFolder()
            var file = try PreferencesFile(folder: folder.path)
            try #require(make(folder.path + "/preferences.yaml") == 0)
            let isThere = Files.exists(folder.path + "/preferences.yaml")
            #expect(Self.look(&file) == isThere)
            #expect(file.problems.count == (isThere ? 1 : 0) && file.effective.preferences == Preferences.standard)
        }
    }

    @Test("A file that cannot be looked at was not removed: the last good one stays in force, and its copy is kept")
    func outOfReach() throws {
        let folder = try TemporaryFolder()
        try folder.write("preferences.yaml", Self.good)
        var file = try PreferencesFile(folder: folder.path)
        // As a folder that is closed, or a disk that is gone, also for root: a link that leads round in a circle.
        unlink(folder.path + "/preferences.yaml")
        try #require(symlink("preferences.yaml", folder.path + "/preferences.yaml") == 0)
        #expect(Self.look(&file))
        #expect(file.effective.preferences.notInUse.cores == .count(3) && file.problems.count == 1)
        let again = try PreferencesFile(folder: folder.path)
        #expect(again.usesCopy && again.effective.preferences.notInUse.cores == .count(3))
    }

    @Test("What was removed on purpose does not come back with a later bad file")
    func removed() throws {
        let folder = try TemporaryFolder()
        try folder.write("preferences.yaml", Self.good)
        var file = try PreferencesFile(folder: folder.path)
        unlink(folder.path + "/preferences.yaml")
        #expect(Self.look(&file))
        try folder.write("preferences.yaml", Self.bad)
        let next = try PreferencesFile(folder: folder.path)
        #expect(!next.usesCopy && next.effective.preferences == Preferences.standard && !next.problems.isEmpty)
    }

    @Test("A look beside a running client changes nothing in its folder")
    func onlyALook() throws {
        let folder = try TemporaryFolder()
        try folder.write("preferences.yaml", Self.good)
        _ = try PreferencesFile(folder: folder.path, keepsCopy: false)
        #expect(try Files.names(in: folder.path) == ["preferences.yaml"])
    }

    @Test("A folder, a file that is too large, or bytes that are no text, are refused")
    func odd() throws {
        let folder = try TemporaryFolder()
        try Files.makeFolder(folder.path + "/preferences.yaml")
        #expect(try PreferencesFile(folder: folder.path).problems.count == 1)
        let other = try TemporaryFolder()
        try other.write("preferences.yaml", String(repeating: "# x\n", count: 20_000))
        #expect(try PreferencesFile(folder: other.path).problems.first?.contains("too large") == true)
        try Files.replace(other.path + "/preferences.yaml", with: [0x70, 0xFF, 0xFE])
        #expect(try PreferencesFile(folder: other.path).problems.first?.contains("UTF-8") == true)
    }

    @Test("A file into which everybody may write is refused: it could name a program")
    func everybodysFile() throws {
        let folder = try TemporaryFolder()
        try folder.write("preferences.yaml", Self.good)
        chmod(folder.path + "/preferences.yaml", 0o666)
        let file = try PreferencesFile(folder: folder.path)
        #expect(file.problems.count == 1 && file.effective.preferences == Preferences.standard)
        chmod(folder.path + "/preferences.yaml", 0o664)
        #expect(try PreferencesFile(folder: folder.path).problems == [])
    }

    @Test("The command line comes first, after every change of the file, too; a bad option is an error")
    func options() throws {
        let folder = try TemporaryFolder()
        let options = [PreferenceOption(path: "not_in_use.cores", text: "2", option: "--cores")]
        var file = try PreferencesFile(folder: folder.path, options: options)
        #expect(file.effective.preferences.notInUse.cores == .count(2))
        try folder.write("preferences.yaml", Self.good)
        #expect(Self.look(&file))
        #expect(file.effective.preferences.notInUse.cores == .count(2))
        let wrong = [PreferenceOption(path: "not_in_use.cores", text: "0", option: "--cores")]
        let fault = #expect(throws: Fault.self) { _ = try PreferencesFile(folder: folder.path, options: wrong) }
        #expect(fault?.kind == .usage)
    }

    @Test("A file elsewhere is watched where it is")
    func elsewhere() throws {
        let (folder, other) = (try TemporaryFolder(), try TemporaryFolder())
        try other.write("mine.yaml", Self.good)
        let file = try PreferencesFile(folder: folder.path, path: other.path + "/mine.yaml")
        #expect(file.effective.preferences.notInUse.cores == .count(3))
        #expect(try Files.names(in: folder.path) == ["preferences.good.yaml"])
        #expect(try Files.names(in: other.path) == ["mine.yaml"])
    }

    @Test("Whether a file is right can be asked of any file")
    func check() throws {
        let folder = try TemporaryFolder()
        try folder.write("a.yaml", Self.good)
        try folder.write("b.yaml", Self.bad)
        #expect(try PreferencesFile.check(folder.path + "/a.yaml") == [])
        #expect(try PreferencesFile.check(folder.path + "/b.yaml").map(\.line) == [2, 3])
        let fault = #expect(throws: Fault.self) { _ = try PreferencesFile.check(folder.path + "/c.yaml") }
        #expect(fault?.kind == .noInput)
    }

    @Test("The report names every field once, with its value and its origin")
    func report() throws {
        let folder = try TemporaryFolder()
        try folder.write("preferences.yaml", "preset: quiet\n" + Self.good)
        let report = try PreferencesReport(folder: folder.path, path: nil)
        #expect(report.lines.count == PreferenceKeys.all.count)
        let line = try #require(report.lines.first { $0.hasPrefix("not_in_use.cores ") })
        #expect(line.contains(" 3 ") && line.hasSuffix("/preferences.yaml:3"))
        #expect(report.lines.contains { $0.hasPrefix("in_use.cpu ") && $0.hasSuffix("preset quiet") })
        let json = try report.json()
        #expect(json.contains("\"usesLastGoodCopy\" : false") && json.contains("\"field\" : \"not_in_use.cores\""))
        try folder.write("preferences.yaml", Self.bad)
        #expect(try PreferencesReport(folder: folder.path, path: nil).problems.count == 2)
    }
}

/// Collects what any thread has measured.
final class Measurements: Sendable {
    private let measured = Mutex<[(free: Int64, used: Int64)]>([])
    func add(_ free: Int64, _ used: Int64) { measured.withLock { $0.append((free, used)) } }
    var all: [(free: Int64, used: Int64)] { measured.withLock { $0 } }
}

@Suite("The keeper of the preferences")
struct PreferenceKeeperTests {
    static func keeper(
        _ folder: TemporaryFolder, say: @escaping (String) -> Void = { _ in },
        post: @escaping @Sendable (ClientEvent) -> Void = { _ in }
    ) throws -> PreferenceKeeper {
        PreferenceKeeper(
            file: try PreferencesFile(folder: folder.path), folder: folder.path, post: post, say: say)
    }

    @Test("A change of the file becomes an event, a bad one a word with its places, and what held goes on")
    func changes() throws {
        let folder = try TemporaryFolder()
        var words: [String] = []
        var keeper = try Self.keeper(folder, say: { words.append($0) })
        let first = keeper.tend(mayUseNetwork: true)
        #expect(first.isEmpty)
        try folder.write("preferences.yaml", "work:\n  checkpoint: 7 s\n")
        var found: [Preferences] = []
        for _ in 0..<3 {
            for case .settingsChanged(let new) in keeper.tend(mayUseNetwork: true) { found.append(new) }
        }
        #expect(found.map(\.checkpointSeconds) == [7])
        #expect(keeper.problem == nil && words.count == 1)
        try folder.write("preferences.yaml", "work:\n  checkpoint: soon\n")
        for _ in 0..<3 { _ = keeper.tend(mayUseNetwork: true) }
        #expect(keeper.preferences.checkpointSeconds == 7)
        #expect(keeper.problem?.contains("preferences.yaml:2:15: ") == true)
        #expect(words.contains { $0.contains("preferences.yaml:2:15: ") })
    }

    @Test("Bytes of the day are counted over a restart, and a damaged count begins anew")
    func usage() throws {
        let folder = try TemporaryFolder()
        var keeper = try Self.keeper(folder)
        keeper.governor.count(5000)
        var events = 0
        for case .networkUsed(let usage) in keeper.tend(mayUseNetwork: true) {
            #expect(usage.bytes == 5000)
            events += 1
        }
        #expect(events == 1)
        keeper.settle(seconds: 300)
        var next = try Self.keeper(folder)
        // Unless midnight has just passed.
        if next.usage.day == keeper.usage.day { #expect(next.usage.bytes == 5000) }
        next.governor.count(1)
        next.settle(seconds: 300)
        try folder.write("transfers", "{\"day\":1,\"bytes\":99}\n")
        #expect(try Self.keeper(folder).usage.bytes == 0, "another day")
        try folder.write("transfers", "damaged")
        #expect(try Self.keeper(folder).usage.bytes == 0)
        #expect(try folder.text("transfers.damaged-1") == "damaged")
    }

    @Test("More than a megabyte is written down while the client runs")
    func savedWhileRunning() throws {
        let folder = try TemporaryFolder()
        var keeper = try Self.keeper(folder)
        keeper.governor.count(2 << 20)
        _ = keeper.tend(mayUseNetwork: true)
        #expect(eventually { (try? folder.text("transfers"))?.contains("2097152") == true })
    }

    @Test("The disk is measured away from the deciding thread")
    func disk() throws {
        let folder = try TemporaryFolder()
        try folder.write("something", String(repeating: "x", count: 5000))
        let posted = Measurements()
        var keeper = try Self.keeper(
            folder,
            post: { event in
                if case .diskMeasured(let free, let used) = event { posted.add(free, used) }
            })
        _ = keeper.tend(mayUseNetwork: true)
        #expect(eventually { posted.all.count == 1 })
        let measured = try #require(posted.all.first)
        #expect(measured.free > 0 && measured.used >= 5000)
    }

    @Test("What the allowance closes, the governor closes")
    func closing() throws {
        let folder = try TemporaryFolder()
        try folder.write("preferences.yaml", "network:\n  per_day: 1 MB\n  download: 100 kB/s\n")
        var keeper = try Self.keeper(folder)
        _ = keeper.tend(mayUseNetwork: true)
        #expect(keeper.governor.mayGoOn)
        #expect(keeper.governor.rates(of: .download).down == 75_000)
        #expect(keeper.governor.rates(of: .call).down == 25_000)
        #expect(keeper.governor.rates(of: .upload).down == nil)
        _ = keeper.tend(mayUseNetwork: false)
        #expect(!keeper.governor.mayGoOn)
        _ = keeper.tend(mayUseNetwork: true)
        keeper.governor.count(1_000_000)
        #expect(!keeper.governor.mayGoOn)
    }
}
