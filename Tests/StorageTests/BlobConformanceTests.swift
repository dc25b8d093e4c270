import Domain
import Storage
import Testing

/// What every blob store does.
@Suite("blob store conformance")
struct BlobConformanceTests {
    private let words = Array("the quick brown fox".utf8)
    private let upload = UploadName(task: TaskID(rawValue: 77), host: HostID(rawValue: 3))

    private func name(of bytes: [UInt8]) -> Digest { digest(of: bytes, with: sha256) }

    @Test("put is idempotent and named by the hash", arguments: BlobKind.allCases)
    func put(kind: BlobKind) throws {
        let bench = try BlobBench(kind)
        for bytes in [words, [], [0], [UInt8](repeating: 7, count: 300_000)] {
            let name = name(of: bytes)
            #expect(try !bench.blobs.contains(name))
            #expect(try bench.blobs.size(of: name) == nil)
            #expect(try bench.blobs.put(bytes) == name)
            #expect(try bench.blobs.put(bytes) == name)
            #expect(try bench.blobs.contains(name))
            #expect(try bench.blobs.size(of: name) == Int64(bytes.count))
            #expect(try bench.blobs.read(name, limit: bytes.count) == bytes)
        }
    }

    @Test("reads are bounded", arguments: BlobKind.allCases)
    func reads(kind: BlobKind) throws {
        let bench = try BlobBench(kind)
        let name = try bench.blobs.put(words)
        #expect(refusal { try bench.blobs.read(name, limit: words.count - 1) } == "io")
        #expect(try bench.blobs.read(name, offset: 4, count: 5) == Array("quick".utf8))
        #expect(try bench.blobs.read(name, offset: 16, count: .max) == Array("fox".utf8))
        #expect(try bench.blobs.read(name, offset: 19, count: 5) == [])
        #expect(try bench.blobs.read(name, offset: 0, count: 0) == [])
        #expect(refusal { try bench.blobs.read(name, offset: 20, count: 1) } == "io")
        #expect(refusal { try bench.blobs.read(name, offset: -1, count: 1) } == "io")
        #expect(refusal { try bench.blobs.read(name, offset: 0, count: -1) } == "io")
        let other = self.name(of: [1])
        #expect(refusal { try bench.blobs.read(other, limit: 10) } == "missing")
        #expect(refusal { try bench.blobs.read(other, offset: 0, count: 1) } == "missing")
        #expect(bench.blobs.path(of: other) == nil)
    }

    @Test("removal, of nothing too", arguments: BlobKind.allCases)
    func remove(kind: BlobKind) throws {
        let bench = try BlobBench(kind)
        let name = try bench.blobs.put(words)
        let kept = try bench.blobs.put([1])
        try bench.blobs.remove(name)
        try bench.blobs.remove(name)
        #expect(try !bench.blobs.contains(name))
        #expect(try bench.blobs.contains(kept))
        #expect(try bench.blobs.put(words) == name)
        #expect(try bench.blobs.read(name, limit: 100) == words)
    }

    @Test("an upload grows at its end and becomes a blob", arguments: BlobKind.allCases)
    func uploads(kind: BlobKind) throws {
        let bench = try BlobBench(kind)
        let blobs = bench.blobs
        #expect(try blobs.uploadOffset(upload) == 0)
        #expect(refusal { try blobs.appendUpload(upload, offset: 3, bytes: [1], limit: 100) } == "conflict")
        #expect(try blobs.uploadOffset(upload) == 0)
        #expect(try blobs.appendUpload(upload, offset: 0, bytes: Array(words[..<4]), limit: 19) == 4)
        #expect(try blobs.uploadOffset(upload) == 4)
        #expect(refusal { try blobs.appendUpload(upload, offset: 0, bytes: [1], limit: 19) } == "conflict")
        #expect(refusal { try blobs.appendUpload(upload, offset: 5, bytes: [1], limit: 19) } == "conflict")
        #expect(refusal { try blobs.appendUpload(upload, offset: -1, bytes: [1], limit: 19) } == "conflict")
        #expect(refusal { try blobs.appendUpload(upload, offset: 0, bytes: words + words, limit: 19) } == "conflict")
        #expect(refusal { try blobs.appendUpload(upload, offset: 4, bytes: words, limit: 19) } == "io")
        #expect(try blobs.uploadOffset(upload) == 4)
        #expect(try blobs.appendUpload(upload, offset: 4, bytes: [], limit: 19) == 4)
        #expect(try blobs.appendUpload(upload, offset: 4, bytes: Array(words[4...]), limit: 19) == 19)
        #expect(try !blobs.contains(name(of: words)))
        try blobs.finishUpload(upload, expecting: name(of: words))
        #expect(try blobs.read(name(of: words), limit: 100) == words)
        #expect(try blobs.uploadOffset(upload) == 0)
        try blobs.finishUpload(upload, expecting: name(of: words))
    }

    @Test("a wrong hash ends an upload, and it can begin anew", arguments: BlobKind.allCases)
    func wrongHash(kind: BlobKind) throws {
        let bench = try BlobBench(kind)
        _ = try bench.blobs.appendUpload(upload, offset: 0, bytes: words, limit: 100)
        #expect(refusal { try bench.blobs.finishUpload(upload, expecting: name(of: [1])) } == "corrupt")
        #expect(try bench.blobs.uploadOffset(upload) == 0)
        #expect(try !bench.blobs.contains(name(of: words)))
        #expect(refusal { try bench.blobs.finishUpload(upload, expecting: name(of: words)) } == "missing")
        _ = try bench.blobs.appendUpload(upload, offset: 0, bytes: words, limit: 100)
        try bench.blobs.finishUpload(upload, expecting: name(of: words))
    }

    @Test("an upload of nothing, and one of what is there already", arguments: BlobKind.allCases)
    func oddUploads(kind: BlobKind) throws {
        let bench = try BlobBench(kind)
        try bench.blobs.finishUpload(upload, expecting: name(of: []))
        #expect(try bench.blobs.read(name(of: []), limit: 0) == [])
        _ = try bench.blobs.put(words)
        let other = UploadName(blob: name(of: words))
        _ = try bench.blobs.appendUpload(other, offset: 0, bytes: words, limit: 100)
        try bench.blobs.finishUpload(other, expecting: name(of: words))
        #expect(try bench.blobs.uploadOffset(other) == 0)
        #expect(try bench.blobs.read(name(of: words), limit: 100) == words)
    }

    @Test("stale uploads go, others stay", arguments: BlobKind.allCases)
    func stale(kind: BlobKind) throws {
        let bench = try BlobBench(kind)
        let blob = try bench.blobs.put(words)
        _ = try bench.blobs.appendUpload(upload, offset: 0, bytes: words, limit: 100)
        try bench.blobs.removeStaleUploads(before: Timestamp(milliseconds: 0))
        #expect(try bench.blobs.uploadOffset(upload) == 19)
        try bench.blobs.removeStaleUploads(before: Timestamp(seconds: 1 << 40))
        #expect(try bench.blobs.uploadOffset(upload) == 0)
        #expect(try bench.blobs.contains(blob))
    }

    @Test("many threads put, read and upload at once", arguments: BlobKind.allCases)
    func threads(kind: BlobKind) async throws {
        let bench = try BlobBench(kind)
        let blobs = bench.blobs
        let contents = (0..<20).map { [UInt8](repeating: UInt8($0), count: 5000 + $0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    for bytes in contents {
                        let name = try blobs.put(bytes)
                        guard try blobs.read(name, limit: 10_000) == bytes else { throw StoreError.corrupt("\(name)") }
                    }
                    let mine = UploadName(task: TaskID(rawValue: Int64(worker)), host: HostID(rawValue: 1))
                    for part in 0..<10 {
                        _ = try blobs.appendUpload(
                            mine, offset: Int64(part * 100), bytes: [UInt8](repeating: UInt8(part), count: 100),
                            limit: 1000)
                    }
                    let whole = (0..<10).flatMap { [UInt8](repeating: UInt8($0), count: 100) }
                    try blobs.finishUpload(mine, expecting: digest(of: whole, with: sha256))
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("of many who append at the same place one gets through", arguments: BlobKind.allCases)
    func contention(kind: BlobKind) async throws {
        let bench = try BlobBench(kind)
        let blobs = bench.blobs
        let upload = upload
        for round in 0..<20 {
            let answers = await withTaskGroup(of: String?.self) { group in
                for worker in 0..<4 {
                    group.addTask {
                        refusal {
                            try blobs.appendUpload(
                                upload, offset: Int64(round * 4), bytes: [UInt8](repeating: UInt8(worker), count: 4),
                                limit: 1000)
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.filter { $0 == nil }.count == 1)
            #expect(answers.filter { $0 == "conflict" }.count == 3)
        }
        #expect(try blobs.uploadOffset(upload) == 80)
    }
}
