import Domain
import FoundationEssentials
import SwiftProtobuf
import Testing
import Wire
import WorkerHost

@Suite("An answer in pages")
struct AssemblePagesTests {
    static let job: WireWorkerJob = {
        var job = WireWorkerJob()
        job.assemble.context.app = "sample"
        job.assemble.outputPath = "/answer"
        return job
    }()

    static func units(_ numbers: Range<Int>) -> [WireAssembleUnit] {
        numbers.map {
            var unit = WireAssembleUnit()
            unit.unitPath = "/blobs/\($0)"
            return unit
        }
    }

    /// The frames that a child must get: the pages, and one without units that says where the files go.
    static func frames(_ pages: [[WireAssembleUnit]]) -> [WireWorkerJob] {
        (pages + [[]]).enumerated().map { at, units in
            var frame = job
            frame.number = UInt64(at + 1)
            frame.assemble.units = units
            if !units.isEmpty { frame.assemble.outputPath = "" }
            return frame
        }
    }

    /// A program that keeps the frames that it gets, and answers each by these bytes.
    static func servant(_ folder: TemporaryFolder, _ frames: [WireWorkerJob], _ replies: [String]) throws
        -> WorkerServant
    {
        var script = ""
        for (frame, reply) in zip(frames, replies) {
            let size = 4 + (try frame.serializedData()).count
            script += "head -c \(size) >>\(folder.path)/frames; printf '\(reply)'\n"
        }
        return WorkerServant(executable: try folder.script("fake-servant", script + "sleep 1000"))
    }

    @Test("A large answer travels in pages to one child; the last alone says where the files go, and its reply counts")
    func exchange() throws {
        let folder = try TemporaryFolder()
        let pages = [Self.units(0..<3), Self.units(3..<4)]
        let frames = Self.frames(pages)
        // number = 1, assemble = {}; the same for 2; number = 3, assemble = { files: "a" }
        let servant = try Self.servant(
            folder, frames,
            [
                #"\004\000\000\000\010\001\102\000"#, #"\004\000\000\000\010\002\102\000"#,
                #"\007\000\000\000\010\003\102\003\012\001a"#,
            ])
        var left = pages
        let reply = try servant.assemble(Self.job, timeoutSeconds: 300) { left.isEmpty ? [] : left.removeFirst() }
        #expect(reply.assemble.files == ["a"])
        #expect(servant.pid != nil)
        servant.stop()
        var expected = Data()
        for frame in frames {
            let bytes = try frame.serializedData()
            expected += withUnsafeBytes(of: UInt32(bytes.count).littleEndian) { Data($0) } + bytes
        }
        #expect(Data(try Files.read("\(folder.path)/frames", limit: 1 << 20)) == expected)
    }

    @Test("A page that fails ends the answer, and the child that holds the pages before it")
    func failure() throws {
        let folder = try TemporaryFolder()
        // number = 1, failure = { kind: 66 }
        let servant = try Self.servant(
            folder, Self.frames([Self.units(0..<2)]), [#"\006\000\000\000\010\001\032\002\010\102"#])
        let reply = try servant.assemble(Self.job, timeoutSeconds: 300) { Self.units(0..<2) }
        #expect(reply.failure.kind == FaultKind.noInput.rawValue)
        #expect(servant.pid == nil)
    }

    @Test("When the units cannot be had, the child that holds the pages before them ends, too")
    func lostUnits() throws {
        let folder = try TemporaryFolder()
        let servant = try Self.servant(
            folder, Self.frames([Self.units(0..<2)]), [#"\004\000\000\000\010\001\102\000"#])
        var isFirst = true
        let fault = #expect(throws: Fault.self) {
            _ = try servant.assemble(Self.job, timeoutSeconds: 300) { () throws(Fault) in
                guard isFirst else { throw Fault(.interrupted, "the store is away") }
                isFirst = false
                return Self.units(0..<2)
            }
        }
        #expect(fault?.kind == .interrupted && fault?.message.contains("the store is away") == true)
        #expect(servant.pid == nil)
    }
}
