import Bytes
import Domain
import Foundation
import ServerCore
import ServerHTTP
import Storage
import StorageSQLite
import Testing
import Wire

@Suite("Files of a job")
struct JobFilesTests {
    private struct Bench {
        let folder = FileManager.default.temporaryDirectory.appending(path: "millrace-\(UUID().uuidString)")
        let blobs: FileBlobStore
        let small: Digest
        let large: Digest
        let missing = SHA256Hash.digest(of: [9])

        init() throws {
            blobs = try FileBlobStore(path: folder.path, hash: BlobHash.factory, smallMax: 64)
            small = try blobs.put([1, 2, 3])
            large = try blobs.put([UInt8](repeating: 7, count: 65))
        }

        func remove() { try? FileManager.default.removeItem(at: folder) }

        func isFile(_ path: String, of bytes: [UInt8]) -> Bool {
            (try? Data(contentsOf: URL(filePath: path))).map(Array.init) == bytes
        }
    }

    @Test("Small blobs travel in the job, others as files; what is not there keeps its name")
    func compare() throws {
        let bench = try Bench()
        defer { bench.remove() }
        var job = WireWorkerJob()
        job.compare.unitPath = bench.small.hex
        job.compare.results = [bench.large, bench.small, bench.missing].map { digest in
            var result = WireLocalResult()
            result.path = digest.hex
            return result
        }
        var input = WireLocalInput()
        input.path = bench.small.hex
        job.compare.context.inputs = [input]
        let filled = try JobFiles(blobs: bench.blobs).filled(job).compare
        #expect(Array(filled.unitInline) == [1, 2, 3] && filled.unitPath == bench.small.hex)
        #expect(filled.results[0].inline.isEmpty)
        #expect(bench.isFile(filled.results[0].path, of: [UInt8](repeating: 7, count: 65)))
        #expect(Array(filled.results[1].inline) == [1, 2, 3])
        #expect(filled.results[2].path == bench.missing.hex && filled.results[2].inline.isEmpty)
        #expect(bench.isFile(filled.context.inputs[0].path, of: [1, 2, 3]), "inputs are read as files")
    }

    @Test("A check, a piece of an answer, and jobs without files")
    func others() throws {
        let bench = try Bench()
        defer { bench.remove() }
        let files = JobFiles(blobs: bench.blobs)
        var check = WireWorkerJob()
        check.check.unitPath = bench.large.hex
        check.check.result.path = bench.small.hex
        let filled = try files.filled(check).check
        #expect(bench.isFile(filled.unitPath, of: [UInt8](repeating: 7, count: 65)) && filled.unitInline.isEmpty)
        #expect(Array(filled.result.inline) == [1, 2, 3])
        var unit = WireAssembleUnit()
        unit.unitPath = bench.small.hex
        unit.result.path = bench.large.hex
        let units = try files.filled([unit])
        #expect(Array(units[0].unitInline) == [1, 2, 3])
        #expect(bench.isFile(units[0].result.path, of: [UInt8](repeating: 7, count: 65)))
        var describe = WireWorkerJob()
        describe.describe = WireDescribeJob()
        #expect(try files.filled(describe) == describe)
    }
}
