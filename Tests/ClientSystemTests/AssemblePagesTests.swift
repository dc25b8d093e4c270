import Domain
import FoundationEssentials
import SwiftProtobuf
import Testing
import Wire
import WorkerHost

@Suite("An answer in pages")
struct AssemblePagesTests {
    static func job(units: Int) -> WireWorkerJob {
        var job = WireWorkerJob()
        job.assemble.context.app = "sample"
        job.assemble.outputPath = "/answer"
        job.assemble.units = (0..<units).map {
            var unit = WireAssembleUnit()
            unit.unitPath = "/blobs/\($0)"
            return unit
        }
        return job
    }

    @Test(
        "Every unit is in one page, in order; the last page alone says where the files go",
        arguments: [0, 1, 2, 3])
    func cover(pages: Int) {
        for extra in [0, 1] {
            let whole = Self.job(units: pages * WorkerServant.unitsPerPage + extra)
            let parts = (0..<WorkerServant.pageCount(of: whole)).map {
                WorkerServant.page($0, of: whole).assemble
            }
            #expect(parts.count == max(1, pages + extra))
            #expect(parts.flatMap(\.units) == whole.assemble.units)
            #expect(
                parts.allSatisfy {
                    $0.context.app == "sample" && $0.units.count <= WorkerServant.unitsPerPage
                })
            #expect(parts.last?.outputPath == "/answer")
            #expect(parts.dropLast().allSatisfy { $0.outputPath.isEmpty })
        }
    }

    /// A program that takes the two pages of a job and answers each by these bytes.
    static func servant(_ folder: TemporaryFolder, _ job: WireWorkerJob, _ replies: [String]) throws
        -> WorkerServant
    {
        var script = ""
        for (at, reply) in replies.enumerated() {
            var page = WorkerServant.page(at, of: job)
            page.number = UInt64(at + 1)
            script += "head -c \(4 + (try page.serializedData()).count) >/dev/null; printf '\(reply)'\n"
        }
        return WorkerServant(executable: try folder.script("fake-servant", script + "sleep 1000"))
    }

    @Test("A large answer travels in pages to one child, and the last reply counts")
    func exchange() throws {
        let folder = try TemporaryFolder()
        let job = Self.job(units: WorkerServant.unitsPerPage + 1)
        // number = 1, assemble = {}; number = 2, assemble = { files: "a" }
        let servant = try Self.servant(
            folder, job,
            [#"\004\000\000\000\010\001\102\000"#, #"\007\000\000\000\010\002\102\003\012\001a"#])
        let reply = try servant.perform(job, timeoutSeconds: 300)
        #expect(reply.assemble.files == ["a"])
        #expect(servant.pid != nil)
        servant.stop()
    }

    @Test("A page that fails ends the answer, and the child that holds the pages before it")
    func failure() throws {
        let folder = try TemporaryFolder()
        let job = Self.job(units: WorkerServant.unitsPerPage + 1)
        // number = 1, failure = { kind: 66 }
        let servant = try Self.servant(folder, job, [#"\006\000\000\000\010\001\032\002\010\102"#])
        let reply = try servant.perform(job, timeoutSeconds: 300)
        #expect(reply.failure.kind == FaultKind.noInput.rawValue)
        #expect(servant.pid == nil)
    }
}
