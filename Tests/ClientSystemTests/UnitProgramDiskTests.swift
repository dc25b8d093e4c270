import CPosix
import Domain
import Glibc
import Testing
import Wire
import WorkerHost

/// What units with a program leave on a disk that is full, loses its power, or has something older on it.
@Suite(
    "Programs of units and the disk", .enabled(if: SandboxTests.isThere && Files.exists(WorkerProgramFixture.worker)))
struct UnitProgramDiskTests {
    @Test(
        "On a full disk it waits, whether its program noticed or not, and goes on when there is room",
        arguments: ["exit 3", "true"])
    func fullDisk(then end: String) throws {
        let fixture = try UnitProgramFixture()
        let slot = fixture.slot("slot")
        try Files.makeFolder(slot)
        // Only root may do this; elsewhere there is nothing to see.
        guard mount("none", slot, "tmpfs", 0, "size=4m") == 0 else { return }
        defer { umount2(slot, Int32(MNT_DETACH)) }
        let unit = UnitProgramFixture.Unit(
            "head -c 9000000 /dev/zero > checkpoint || \(end); wc -c < checkpoint > out.txt; true")
        let exit = try fixture.end("slot", unit)
        #expect(exit.exit.code == FaultKind.cannotWrite.rawValue, "\(exit)")
        #expect(exit.lastWords.contains("the disk has"), "\(exit)")
        #expect(!fixture.hasResult("slot"))
        #expect(mount("none", slot, "tmpfs", UInt(MS_REMOUNT), "size=64m") == 0)
        #expect(try fixture.end("slot", unit).exit.code == 0)
        #expect(try fixture.result("slot") == ["out.txt": "9000000\n"])
    }

    @Test("Its results are on the disk, not on their way there, before it counts as done")
    func durable() throws {
        let fixture = try UnitProgramFixture()
        try Files.replace(fixture.folder.path + "/control", with: [UInt8](repeating: 1, count: 50_000), durable: false)
        // Kernels before 6.5 do not tell, and some file systems keep nothing to be written.
        guard let control = Self.unwrittenPages(fixture.folder.path + "/control"), control > 0 else { return }
        let unit = UnitProgramFixture.Unit("head -c 50000 /dev/zero > out.txt")
        #expect(try fixture.end("slot", unit).exit.code == 0)
        #expect(Self.unwrittenPages(fixture.slot("slot") + "/program-output/out.txt") == 0)
    }

    /// Pages of a file that are in memory only; nil: it cannot be told. cachestat, 451 on every architecture.
    private static func unwrittenPages(_ path: String) -> UInt64? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        // From the start to the end; pages in memory, to be written, being written, and two more.
        var (range, counts): ([UInt64], [UInt64]) = ([0, 0], [0, 0, 0, 0, 0])
        let answer = range.withUnsafeMutableBytes { range in
            counts.withUnsafeMutableBytes { counts in
                millrace_call(
                    451, Int(file), Int(bitPattern: range.baseAddress), Int(bitPattern: counts.baseAddress), 0, 0, 0)
            }
        }
        return answer == 0 ? counts[1] + counts[2] : nil
    }

    @Test("What another file of the program left is not gone on from, nor taken for its result")
    func otherProgram() throws {
        let fixture = try UnitProgramFixture()
        let unit = UnitProgramFixture.Unit("[ -e checkpoint ] || echo 1 > out.txt; echo 1 > checkpoint; exit 75")
        #expect(try fixture.end("slot", unit).exit.code == 70)
        let other = UnitProgramFixture.Unit("cat out.txt checkpoint; ls > /tmp/list; cat /tmp/list > out.txt")
        // As if the first had ended well, just before the client did.
        try fixture.folder.write("slot/program-done", "")
        #expect(try fixture.end("slot", other).exit.code == 0)
        #expect(try fixture.result("slot") == ["out.txt": ""])
        // The same file goes on from what it left.
        let again = UnitProgramFixture.Unit(
            "[ -e checkpoint ] && echo went on > out.txt && exit 0; touch checkpoint; exit 3")
        #expect(try fixture.end("again", again).exit.code == 70)
        #expect(try fixture.end("again", again).exit.code == 0)
        #expect(try fixture.result("again") == ["out.txt": "went on\n"])
    }
}
