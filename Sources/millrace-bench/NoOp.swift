import Bytes
import Domain
import FoundationEssentials
import Wire

/// An app that computes nothing: units are numbers, and equal results have equal hashes.
enum NoOp {
    static let name = "no-op"
    /// What a batch of the server has; nobody waits for its end.
    static let unitsMax = 10_000_000

    /// - Parameter outputBytes: a result may have as much.
    static func manifest(quorum: Int, outputBytes: Int = 1024) -> String {
        """
        name: bench
        title: Bench
        description: Nothing is computed.
        science_area: none
        licence: CC0-1.0
        app: \(name)
        split:
          steps_per_unit: 1
        replication:
          quorum: \(quorum)
        resources:
          memory: 1 MiB
          disk: 1 MiB
          output: \(max(1, outputBytes / 1024)) KiB
        validation:
          check_each: false
        """
    }

    /// What a worker answers.
    static func answer(_ job: WireWorkerJob, units: Int) -> WireWorkerReply {
        var reply = WireWorkerReply()
        switch job.job {
        case .describe:
            reply.catalogue.apps = [
                WireAppSchemaMessage(
                    AppSchema(
                        name: name, version: 1, title: "No-op", step: "one", parameters: [], inputs: [],
                        numericClass: .exact))
            ]
        case .split(let split): reply.split = piece(split, units: units)
        case .compare(let compare): reply.compare = pairs(compare)
        case .assemble: reply.assemble.files = []
        case .check: reply.check.outcome = .checkProven
        case nil: break
        }
        return reply
    }

    private static func piece(_ job: WireSplitJob, units: Int) -> WireSplitReply {
        var reply = WireSplitReply()
        let first = Int(String(decoding: job.cursor, as: UTF8.self)) ?? 0
        let count = min(Int(job.limit), units - first)
        reply.drafts = (first..<(first + count)).map { index in
            var draft = WireUnitDraftMessage()
            draft.label = "unit \(index)"
            draft.flops = 1e9
            draft.sections = [
                SectionCodec.stored(
                    name: "number", kind: .elementInt64, bytes: LittleEndian.bytes(of: [Int64(index)]))
            ]
            return draft
        }
        reply.cursor = Data("\(first + count)".utf8)
        reply.finished = first + count == units
        reply.appVersion = 1
        return reply
    }

    /// Results lie in files that are named by their hashes.
    private static func pairs(_ job: WireCompareJob) -> WireCompareReply {
        var reply = WireCompareReply()
        let results = job.results.map(\.path)
        for first in results.indices {
            for second in results.indices.dropFirst(first + 1) {
                var pair = WirePairReply()
                pair.first = UInt32(first)
                pair.second = UInt32(second)
                pair.agree = results[first] == results[second]
                reply.pairs.append(pair)
            }
        }
        return reply
    }
}
