import Bytes
import ClientSystem
import Domain
import Foundation
import Glibc
import Testing
import Wire
import WorkerHost

/// A small search, packed as the server would, and the real `millrace-worker` to compute it.
final class WorkerProgramFixture: Sendable {
    static let worker = Files.parent(of: WorkerLocator.ownPath()) + "/millrace-worker"

    let folder: TemporaryFolder
    let key = SigningKey()
    let servant: WorkerServant
    let context: WireAppContextMessage
    let body: WireWorkUnitBody

    init() throws {
        folder = try TemporaryFolder()
        servant = WorkerServant(executable: Self.worker)
        // Four hundred photons of noise over a day and a half.
        var generator = SeededGenerator(seed: 7)
        let times = (0..<400).map { _ in Double.random(in: 0..<130_000, using: &generator) }.sorted()
        let weights = (0..<400).map { _ in Double.random(in: 0.2..<1, using: &generator) }
        let table = try #require(Table(names: ["time_s", "weight"], columns: [times, weights]))
        let packed = try TableContainer.encode(table)
        try Files.replace(folder.path + "/photons", with: packed)
        var input = WireLocalInput()
        input.ref = WireInputRef(
            InputReference(
                name: "photons", digest: SHA256Hash.digest(of: packed), size: Int64(packed.count), packing: .table))
        input.path = folder.path + "/photons"
        var context = WireAppContextMessage()
        context.app = "gamma-pulsar"
        context.project = "noise"
        let parameters = [
            Parameter(name: "frequency_min_hz", value: .real(8)),
            Parameter(name: "frequency_max_hz", value: .real(24)),
            Parameter(name: "lag_window_s", value: .real(4096)),
            Parameter(name: "f1_over_f", value: .reals([0, -1e-15])),
        ]
        context.parameters = parameters.map { WireParameterMessage($0) }
        context.inputs = [input]
        context.stepsPerUnit = 1
        self.context = context
        body = try Self.firstUnit(servant, context)
    }

    deinit { servant.stop() }

    private static func firstUnit(
        _ servant: WorkerServant, _ context: WireAppContextMessage
    ) throws -> WireWorkUnitBody {
        var split = WireSplitJob()
        split.context = context
        split.limit = 100
        var job = WireWorkerJob()
        job.split = split
        let reply = try servant.perform(job, timeoutSeconds: 300).split
        #expect(reply.finished)
        #expect(reply.drafts.count == 4)
        let draft = try #require(reply.drafts.first)
        var body = WireWorkUnitBody()
        body.unitID = 77
        body.project = context.project
        body.label = draft.label
        body.app = context.app
        body.appVersion = reply.appVersion
        body.flops = draft.flops
        body.flopsBound = draft.flops * 100
        body.memoryBytes = 512 << 20
        body.diskBytes = 64 << 20
        body.outputBytesMax = 1 << 20
        body.inputs = context.inputs.map(\.ref)
        body.sections = try draft.sections.map {
            try SectionCodec.pack(name: $0.name, kind: $0.kind, bytes: Array($0.data))
        }
        return body
    }

    /// Puts a unit into a folder of its own and starts the worker on it.
    func start(
        _ name: String, sandbox: WorkerSandbox = WorkerSandbox(), change: (inout WireWorkUnitBody) -> Void = { _ in },
        spoil: (inout WireRunJob) throws -> Void = { _ in }
    ) throws -> WorkerRun {
        var body = body
        change(&body)
        let slot = "\(folder.path)/\(name)"
        try Files.makeFolder(slot)
        let unit = try UnitContainer.encode(body, key: key)
        try Files.replace(slot + "/unit", with: unit)
        var job = WireRunJob()
        job.unitPath = slot + "/unit"
        job.unitSha256 = Data(SHA256Hash.digest(of: unit).bytes)
        job.inputs = context.inputs
        job.checkpointSeconds = 60
        try spoil(&job)
        return try WorkerRun.start(executable: Self.worker, directory: slot, job: job, sandbox: sandbox)
    }

    func result(of name: String) throws -> WireResultBody {
        try ResultContainer.decode(
            try Files.read("\(folder.path)/\(name)/result", limit: 1 << 20), limit: 1 << 20)
    }

    /// What the server's check says of these bytes as the result of the unit in folder `unit`.
    func check(_ bytes: [UInt8], unit: String, bytesMax: UInt64 = 1 << 20) throws -> WireCheckReply {
        try Files.replace(folder.path + "/claim", with: bytes)
        var check = WireCheckJob()
        check.context = context
        check.unitPath = "\(folder.path)/\(unit)/unit"
        check.result.path = folder.path + "/claim"
        check.result.bytesMax = bytesMax
        check.challenge = 5
        var job = WireWorkerJob()
        job.check = check
        return try servant.perform(job, timeoutSeconds: 300).check
    }
}
