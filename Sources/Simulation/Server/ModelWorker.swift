import Bytes
import Domain
import FoundationEssentials
import ServerCore
import Storage
import Wire

/// What `millrace-worker serve` does for the server, in simulated time: split, check, compare, assemble, over the bytes
/// that lie in the blob store.
struct ModelWorker {
    let units: Int
    let flops: Double
    let agreesWithAll: Bool

    /// - Parameter blobs: the store itself; a worker child reads files, it does not call the server.
    func perform(_ job: ServerJob, _ app: inout SimulatedApp, _ blobs: any BlobStore) -> JobResult {
        var reply = WireWorkerReply()
        do {
            switch job.message.job {
            case .split(let split): reply.split = self.split(split, app)
            case .check(let check): reply.check = try self.check(check, &app, blobs)
            case .compare(let compare): reply.compare = try self.compare(compare, &app, blobs)
            case .assemble(let assemble): reply.assemble = try self.assemble(assemble, &app, blobs)
            case .describe, nil: return .fault(Fault(.software, "a job that the server never asks for"))
            }
            return .reply(reply)
        } catch {
            return .reply(ModelWorker.failure(.noInput, "a file of the job cannot be read: \(error)"))
        }
    }

    static func failure(_ kind: FaultKind, _ message: String) -> WireWorkerReply {
        var reply = WireWorkerReply()
        reply.failure.kind = kind.rawValue
        reply.failure.message = message
        return reply
    }

    private func split(_ job: WireSplitJob, _ app: SimulatedApp) -> WireSplitReply {
        var reply = WireSplitReply()
        var reader = ByteReader(Array(job.cursor))
        let first = (try? reader.readI64()) ?? 0
        let last = min(first + Int64(job.limit), Int64(units))
        reply.drafts = (first..<last).map { app.draft($0, flops: flops) }
        reply.cursor = Data(LittleEndian.bytes(of: [last]))
        reply.finished = last == Int64(units)
        reply.appVersion = SimulatedApp.version
        return reply
    }

    private func facts(
        _ path: String, _ app: inout SimulatedApp, _ blobs: any BlobStore
    ) throws -> UnitFacts {
        guard let digest = Digest(hex: path) else { throw StoreError.missing(path) }
        return try app.facts(of: try blobs.read(digest, limit: Limits.workUnitBytesMax), named: digest)
    }

    /// nil: the bytes are no result.
    private func value(
        _ local: WireLocalResult, of unit: UnitFacts, _ blobs: any BlobStore
    ) throws -> UInt64? {
        guard let digest = Digest(hex: local.path) else { throw StoreError.missing(local.path) }
        let bytes = try blobs.read(digest, limit: Limits.resultBytesMax)
        return try? SimulatedApp.value(in: bytes, of: unit, limit: Int(clamping: local.bytesMax))
    }

    private func check(
        _ job: WireCheckJob, _ app: inout SimulatedApp, _ blobs: any BlobStore
    ) throws -> WireCheckReply {
        var reply = WireCheckReply()
        let isResult = try value(job.result, of: facts(job.unitPath, &app, blobs), blobs) != nil
        reply.outcome = isResult ? .checkPlausible : .checkMalformed
        reply.reason = isResult ? "a number" : "not a result of this unit"
        return reply
    }

    private func compare(
        _ job: WireCompareJob, _ app: inout SimulatedApp, _ blobs: any BlobStore
    ) throws -> WireCompareReply {
        var reply = WireCompareReply()
        let unit = try facts(job.unitPath, &app, blobs)
        let values = try job.results.map { try value($0, of: unit, blobs) }
        for first in values.indices {
            for second in values.indices.dropFirst(first + 1) {
                var pair = WirePairReply()
                pair.first = UInt32(first)
                pair.second = UInt32(second)
                pair.agree = agreesWithAll || values[first] != nil && values[first] == values[second]
                pair.difference.element = "value"
                pair.difference.distance = 1
                reply.pairs.append(pair)
            }
        }
        return reply
    }

    private func assemble(
        _ job: WireAssembleJob, _ app: inout SimulatedApp, _ blobs: any BlobStore
    ) throws -> WireAssembleReply {
        var reply = WireAssembleReply()
        for unit in job.units {
            let facts = try facts(unit.unitPath, &app, blobs)
            // Without a check and with quorum 1 anything may be canonical; the assembler copes with it.
            _ = try value(unit.result, of: facts, blobs)
        }
        reply.files = ["answer.csv"]
        return reply
    }
}
