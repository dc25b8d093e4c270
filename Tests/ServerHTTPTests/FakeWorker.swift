import Bytes
import Domain
import FoundationEssentials
import Glibc
import ServerHTTP
import Storage
import SwiftProtobuf
import Wire

/// A worker inside the test's process: knows one app, whose right result for every unit is `true`.
struct FakeWorker: JobPerformer {
    let blobs: any BlobStore
    let units: Int

    static let manifest = """
        name: sample
        title: A sample <project>
        description: Nothing is computed.
        science_area: none
        licence: CC0-1.0
        app: sample-app
        inputs:
          - name: photons
            file: photons.bin
            packing: plain
        split:
          steps_per_unit: 1
        replication:
          quorum: 2
          deadline: 1 h
        resources:
          memory: 1 MiB
          disk: 1 MiB
          output: 1 MiB
        """

    func abandon() {}

    func perform(_ job: WireWorkerJob, timeoutSeconds: Double) throws(Fault) -> WireWorkerReply {
        do {
            return try answer(job)
        } catch {
            throw Fault(.software, "\(error)")
        }
    }

    private func answer(_ job: WireWorkerJob) throws -> WireWorkerReply {
        var reply = WireWorkerReply()
        switch job.job {
        case .describe:
            reply.catalogue.apps = [
                WireAppSchemaMessage(
                    AppSchema(
                        name: "sample-app", version: 1, title: "Sample", step: "one", parameters: [],
                        inputs: [InputSchema(name: "photons", packing: .plain, columns: [], description: "any")],
                        numericClass: .exact))
            ]
        case .split(let split):
            let first = Int(String(decoding: split.cursor, as: UTF8.self)) ?? 0
            let last = min(units, first + Int(split.limit))
            reply.split.drafts = (first..<last).map { index in
                var draft = WireUnitDraftMessage()
                draft.label = "piece \(index) <i>"
                draft.flops = 4.32e11
                draft.sections = [
                    SectionCodec.stored(
                        name: "index", kind: .elementInt64, bytes: LittleEndian.bytes(of: [Int64(index)]))
                ]
                return draft
            }
            reply.split.finished = last == units
            reply.split.cursor = Data("\(last)".utf8)
            reply.split.appVersion = 1
        case .check(let check):
            let text = try result(check.result)
            reply.check.outcome = text.hasPrefix("true") ? .checkPlausible : .checkRefuted
            reply.check.reason = "said \(text.prefix(60))"
            reply.check.difference.element = "text"
            reply.check.difference.distance = 5
            reply.check.difference.tolerance = 1
        case .compare(let compare):
            for second in compare.results.indices {
                for first in 0..<second {
                    var pair = WirePairReply()
                    pair.first = UInt32(first)
                    pair.second = UInt32(second)
                    pair.agree = try result(compare.results[first]) == result(compare.results[second])
                    reply.compare.pairs.append(pair)
                }
            }
        case .assemble(let assemble):
            reply.assemble.files = ["answer.csv", "plot.svg"]
            reply.assemble.summary = ["found <nothing>"]
            try write("a,b\n1,2\n", to: assemble.outputPath + "/answer.csv")
            try write("<svg xmlns=\"http://www.w3.org/2000/svg\"/>", to: assemble.outputPath + "/plot.svg")
        case nil: throw Fault(.software, "an empty job")
        }
        return reply
    }

    private func result(_ local: WireLocalResult) throws -> String {
        guard let digest = Digest(hex: local.path) else { throw Fault(.software, "no digest") }
        return String(decoding: try blobs.read(digest, limit: Int(local.bytesMax)), as: UTF8.self)
    }

    private func write(_ text: String, to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT, 0o644)
        guard file >= 0 else { throw Fault(.cannotWrite, path) }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count else { throw Fault(.cannotWrite, path) }
    }
}
