import Bytes
import Domain
import Foundation
import Glibc
import Testing
import Wire
import WorkerHost

@Suite("The worker program", .enabled(if: Files.exists(WorkerProgramFixture.worker)))
struct WorkerProgramTests {
    @Test("A unit becomes a result that is bound to it and passes its check; replicas agree")
    func computes() throws {
        let fixture = try WorkerProgramFixture()
        for name in ["first", "second"] {
            let exit = try fixture.start(name).wait()
            #expect(exit.exit.code == 0, "\(exit.lastWords)")
        }
        let progress = try #require(WorkerRun.progress(in: fixture.folder.path + "/first"))
        #expect(progress.done)
        #expect(progress.fraction == 1)
        let (kernel, all) = (progress.kernelSeconds, progress.cpuSeconds)
        #expect(kernel > 0 && kernel <= all, "\(kernel) s of \(all)")
        #expect(!progress.fingerprint.isEmpty)
        let body = try fixture.result(of: "first")
        #expect(body.unitID == 77)
        let unit = try Files.read(fixture.folder.path + "/first/unit", limit: 1 << 20)
        #expect(Array(body.unitSha256) == SHA256Hash.digest(of: unit).bytes)
        let reply = try fixture.check(try ResultContainer.encode(body), unit: "first")
        #expect(reply.outcome == .checkPlausible || reply.outcome == .checkProven, "\(reply.reason)")
        #expect(try Self.compare(fixture, ["first/result", "second/result", "photons"]) == [true, false, false])
    }

    @Test("The manifest's rule compares in place of the app, but what the app cannot read agrees with nothing")
    func comparesByTheManifest() throws {
        let fixture = try WorkerProgramFixture()
        #expect(try fixture.start("first").wait().exit.code == 0)
        var louder = try fixture.result(of: "first")
        let at = try #require(louder.sections.firstIndex { $0.name == "grid.sum" })
        let sums = try #require(
            LittleEndian.doubles(from: try SectionCodec.unpack(louder.sections[at], limit: 1 << 20)))
        louder.sections[at] = try Self.section("grid.sum", sums.map { $0 + 1e3 })
        var shorter = louder
        shorter.sections[at] = try Self.section("grid.sum", [])
        for (name, body) in [("louder", louder), ("shorter", shorter)] {
            try Files.replace("\(fixture.folder.path)/\(name)", with: try ResultContainer.encode(body))
        }
        let files = ["first/result", "louder", "shorter", "shorter"]
        // First with each other, then louder with shorter, then the two short ones, whose bytes are equal.
        let exact = ComparisonRule.sections(SectionRules(parts: []))
        #expect(try Self.compare(fixture, files, by: exact) == [false, false, false, false, false, false])
        let deaf = ComparisonRule.sections(SectionRules(parts: [.init(["grid.sum"], .ignored)]))
        #expect(try Self.compare(fixture, files, by: deaf) == [true, false, false, false, false, false])
    }

    private static func section(_ name: String, _ values: [Double]) throws -> WireSection {
        try SectionCodec.pack(name: name, kind: .elementFloat64, bytes: LittleEndian.bytes(of: values))
    }

    static func compare(
        _ fixture: WorkerProgramFixture, _ files: [String], by rule: ComparisonRule? = nil
    ) throws -> [Bool] {
        var compare = WireCompareJob()
        compare.context = fixture.context
        compare.context.setComparison(rule)
        compare.unitPath = fixture.folder.path + "/first/unit"
        compare.results = files.map { file in
            var result = WireLocalResult()
            result.path = "\(fixture.folder.path)/\(file)"
            result.bytesMax = 1 << 20
            return result
        }
        var job = WireWorkerJob()
        job.compare = compare
        return try fixture.servant.perform(job, timeoutSeconds: 300).compare.pairs.map(\.agree)
    }

    @Test("Every kind of broken result is malformed, each with its own reason")
    func malformed() throws {
        let fixture = try WorkerProgramFixture()
        #expect(try fixture.start("unit").wait().exit.code == 0)
        let good = try fixture.result(of: "unit")
        let at = try #require(good.sections.firstIndex { $0.kind == .elementFloat64 && $0.rawBytes >= 8 })
        let changes: [(String, (inout WireResultBody) throws -> Void)] = [
            ("work unit 0.78", { $0.unitID = 78 }),
            ("another container", { $0.unitSha256 = Data(repeating: 1, count: 32) }),
            ("by the app", { $0.app = "other" }),
            ("version 9", { $0.appVersion = 9 }),
            (
                "not a finite number",
                { body in
                    let old = body.sections[at]
                    let count = Int(old.rawBytes) / 8
                    let bytes = LittleEndianBytes.of([Double](repeating: 1, count: count - 1) + [.nan])
                    body.sections[at] = try SectionCodec.pack(name: old.name, kind: old.kind, bytes: bytes)
                }
            ),
            ("than it declares", { $0.sections[at] = try Self.bomb($0.sections[at]) }),
        ]
        var reasons: Set<String> = []
        for (words, change) in changes {
            var body = good
            try change(&body)
            let reply = try fixture.check(try ResultContainer.encode(body), unit: "unit")
            #expect(reply.outcome == .checkMalformed, "\(words): \(reply.outcome)")
            #expect(reply.reason.contains(words), "\(words): \(reply.reason)")
            reasons.insert(reply.reason)
        }
        #expect(reasons.count == changes.count)
        let bytes = try ResultContainer.encode(good)
        for length in [0, 3, 16, bytes.count / 2, bytes.count - 1] {
            let reply = try fixture.check(Array(bytes.prefix(length)), unit: "unit")
            #expect(reply.outcome == .checkMalformed, "cut to \(length) bytes")
        }
        #expect(try fixture.check(bytes, unit: "unit", bytesMax: 10).outcome == .checkMalformed)
        // The same child has answered all of this.
        #expect(fixture.servant.pid != nil)
    }

    /// A section whose frame gives far more than it declares.
    static func bomb(_ section: WireSection) throws -> WireSection {
        var bomb = try SectionCodec.pack(
            name: section.name, kind: section.kind, bytes: [UInt8](repeating: 0, count: 8 << 20))
        bomb.rawBytes = 64
        return bomb
    }

    @Test("Stopped by a signal it leaves a checkpoint, and goes on to a result that passes")
    func checkpoint() throws {
        let fixture = try WorkerProgramFixture()
        let run = try fixture.start("unit")
        // The lock's file is written when the worker listens to signals already.
        #expect(eventually { (Files.size(fixture.folder.path + "/unit/lock") ?? 0) > 0 })
        run.terminate()
        let first = run.wait().exit.code
        // It may have been quicker than the signal.
        #expect(first == 75 || first == 0)
        if first == 75 { #expect(Files.exists(fixture.folder.path + "/unit/checkpoint")) }
        #expect(try fixture.start("unit").wait().exit.code == 0)
        let bytes = try ResultContainer.encode(try fixture.result(of: "unit"))
        #expect(try fixture.check(bytes, unit: "unit").outcome != .checkMalformed)
    }

    @Test("A damaged checkpoint is not used, and said so")
    func damagedCheckpoint() throws {
        let fixture = try WorkerProgramFixture()
        try Files.makeFolder(fixture.folder.path + "/unit")
        try Files.replace(fixture.folder.path + "/unit/checkpoint", with: [UInt8](repeating: 7, count: 500))
        let exit = try fixture.start("unit").wait()
        #expect(exit.exit.code == 0)
        #expect(exit.lastWords.contains("it is damaged"))
    }

    @Test("Bad units, inputs and bounds have their exit codes")
    func exitCodes() throws {
        let fixture = try WorkerProgramFixture()
        #expect(
            try fixture.start("hash", spoil: { $0.unitSha256 = Data(repeating: 0, count: 32) }).wait().exit.code == 65)
        #expect(try fixture.start("version", change: { $0.appVersion = 99 }).wait().exit.code == 78)
        #expect(try fixture.start("app", change: { $0.app = "unheard-of" }).wait().exit.code == 78)
        #expect(try fixture.start("section", change: { $0.sections = [] }).wait().exit.code == 65)
        #expect(try fixture.start("output", change: { $0.outputBytesMax = 16 }).wait().exit.code == 71)
        #expect(try fixture.start("missing", spoil: { $0.inputs = [] }).wait().exit.code == 66)
        let spoiled = try fixture.start("altered", change: { _ in }) { job in
            let bytes = try Files.read(job.inputs[0].path, limit: 1 << 20)
            try Files.replace(fixture.folder.path + "/altered-photons", with: bytes.dropLast() + [0])
            job.inputs[0].path = fixture.folder.path + "/altered-photons"
        }
        let exit = spoiled.wait()
        #expect(exit.exit.code == 66)
        #expect(exit.lastWords.contains("photons"))
    }

    @Test("Two workers never share a folder")
    func folderLock() throws {
        let fixture = try WorkerProgramFixture()
        try Files.makeFolder(fixture.folder.path + "/unit")
        let lock = open(fixture.folder.path + "/unit/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(lock) }
        #expect(flock(lock, LOCK_EX) == 0)
        #expect(try fixture.start("unit").wait().exit.code == 75)
    }

    @Test("What the server cannot read is its own fault, and no verdict")
    func ownFaults() throws {
        let fixture = try WorkerProgramFixture()
        #expect(try fixture.start("unit").wait().exit.code == 0)
        let changes: [(FaultKind, (inout WireCheckJob) -> Void)] = [
            (.noInput, { $0.result.path += "-lost" }),
            (.noInput, { $0.unitPath += "-lost" }),
            (.noInput, { $0.unitPath = fixture.folder.path + "/unit/result" }),
            (.noInput, { $0.context.inputs[0].path += "-lost" }),
            (.configuration, { $0.context.app = "other" }),
        ]
        for (kind, change) in changes {
            var check = WireCheckJob()
            check.context = fixture.context
            check.unitPath = fixture.folder.path + "/unit/unit"
            check.result.path = fixture.folder.path + "/unit/result"
            check.result.bytesMax = 1 << 20
            change(&check)
            var job = WireWorkerJob()
            job.check = check
            // A child that has read the input before would not miss it.
            fixture.servant.stop()
            let reply = try fixture.servant.perform(job, timeoutSeconds: 300)
            guard case .failure(let failure) = reply.reply else {
                Issue.record("\(kind): \(reply)")
                continue
            }
            #expect(failure.kind == kind.rawValue, "\(failure.message)")
        }
    }

    @Test("An answer that comes in pages is the answer that comes at once")
    func pages() throws {
        let fixture = try WorkerProgramFixture()
        #expect(try fixture.start("unit").wait().exit.code == 0)
        var whole = WireAssembleJob()
        whole.context = fixture.context
        whole.units = [WireAssembleUnit()]
        whole.units[0].unitPath = fixture.folder.path + "/unit/unit"
        whole.units[0].result.path = fixture.folder.path + "/unit/result"
        whole.units[0].result.bytesMax = 1 << 20
        func answer(_ assemble: WireAssembleJob, into folder: String?) throws -> WireAssembleReply {
            var job = WireWorkerJob()
            job.assemble = assemble
            if let folder {
                job.assemble.outputPath = "\(fixture.folder.path)/\(folder)"
                try Files.makeFolder(job.assemble.outputPath)
            }
            let reply = try fixture.servant.perform(job, timeoutSeconds: 300)
            if case .failure(let failure) = reply.reply { Issue.record("\(failure.message)") }
            return reply.assemble
        }
        let once = try answer(whole, into: "once")
        #expect(try answer(whole, into: nil).files.isEmpty)
        var rest = whole
        rest.units = []
        let paged = try answer(rest, into: "paged")
        #expect(!once.files.isEmpty && paged == once)
        // And so is one whose units and results travel in the message.
        whole.units[0].unitInline = Data(try Files.read(fixture.folder.path + "/unit/unit", limit: 1 << 20))
        whole.units[0].unitPath = "no file"
        whole.units[0].result.inline = Data(try Files.read(fixture.folder.path + "/unit/result", limit: 1 << 20))
        whole.units[0].result.path = "no file"
        #expect(try answer(whole, into: "inline") == once)
        for file in once.files {
            let texts = try ["once", "paged", "inline"].map { try fixture.folder.text("\($0)/\(file)") }
            #expect(Set(texts).count == 1)
        }
    }
}

enum LittleEndianBytes {
    static func of(_ values: [Double]) -> [UInt8] {
        var writer = ByteWriter()
        writer.put(doubles: values)
        return writer.bytes
    }
}
