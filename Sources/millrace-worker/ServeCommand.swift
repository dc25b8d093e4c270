import Apps
import CPosix
import Domain
import FoundationEssentials
import Glibc
import Plugins
import SwiftProtobuf
import Wire

/// `millrace-worker serve`: a job in, a reply out, until the input ends.
enum ServeCommand {
    static func perform() throws(Fault) {
        _ = millrace_no_core_dumps()
        signal(SIGPIPE, SIG_IGN)
        // Replies own the old standard output; whatever a library prints goes to the log.
        let output = dup(1)
        guard output >= 0, dup2(2, 1) >= 0 else { throw Fault(.osError, "standard output cannot be moved") }
        var jobs = JobRunner()
        while let frame = try readFrame() {
            let started = millrace_own_cpu_seconds()
            var reply = WireWorkerReply()
            do throws(WireError) {
                let job = try StrictDecode.message(WireWorkerJob.self, from: frame, limit: Limits.workerReplyBytesMax)
                reply.number = job.number
                reply.reply = answer(job, &jobs)
            } catch {
                reply.reply = .failure(failure(Fault(.software, "the job cannot be read: \(error)")))
            }
            reply.cpuSeconds = millrace_own_cpu_seconds() - started
            try writeFrame(reply, to: output)
        }
    }

    private static func answer(_ job: WireWorkerJob, _ jobs: inout JobRunner) -> WireWorkerReply.OneOf_Reply {
        do throws(Fault) {
            switch job.job {
            case .describe:
                var catalogue = WireAppCatalogue()
                catalogue.apps = AppCatalog.all.map { WireAppSchemaMessage($0.schema) }
                return .catalogue(catalogue)
            case .split(let split): return .split(try jobs.split(split))
            case .check(let check): return .check(try jobs.check(check))
            case .compare(let compare): return .compare(try jobs.compare(compare))
            case .assemble(let assemble): return .assemble(try jobs.assemble(assemble))
            case nil: throw Fault(.software, "an empty job")
            }
        } catch {
            return .failure(failure(error))
        }
    }

    private static func failure(_ fault: Fault) -> WireWorkerFailure {
        var failure = WireWorkerFailure()
        failure.kind = fault.kind.rawValue
        failure.message = String(decoding: fault.message.utf8.prefix(Limits.messageBytesMax), as: UTF8.self)
        failure.advice = fault.advice ?? ""
        return failure
    }

    /// - Returns: nil at the end of the input.
    private static func readFrame() throws(Fault) -> [UInt8]? {
        guard let head = try readExactly(4) else { return nil }
        let count = Int(head[0]) | Int(head[1]) << 8 | Int(head[2]) << 16 | Int(head[3]) << 24
        guard count <= Limits.workerReplyBytesMax else { throw Fault(.badData, "a job of \(count) bytes") }
        guard let body = try readExactly(count) else { throw Fault(.interrupted, "the job ends too early") }
        return body
    }

    private static func readExactly(_ count: Int) throws(Fault) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var at = 0
        while at < count {
            let got = bytes.withUnsafeMutableBytes { read(0, $0.baseAddress! + at, count - at) }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw Fault(.interrupted, "standard input: \(String(cString: strerror(errno)))") }
            if got == 0 {
                guard at == 0 else { throw Fault(.interrupted, "the input ends inside a job") }
                return nil
            }
            at += got
        }
        return bytes
    }

    private static func writeFrame(_ reply: WireWorkerReply, to output: Int32) throws(Fault) {
        var bytes: [UInt8]
        do { bytes = try reply.serializedBytes() } catch {
            throw Fault(.software, "a reply cannot be encoded: \(error)")
        }
        if bytes.count > Limits.workerReplyBytesMax {
            var small = WireWorkerReply()
            small.number = reply.number
            small.reply = .failure(failure(Fault(.software, "a reply of \(bytes.count) bytes is too large")))
            bytes = (try? small.serializedBytes()) ?? []
        }
        let head = (0..<4).map { UInt8(truncatingIfNeeded: bytes.count >> ($0 * 8)) }
        try WorkerFiles.writeAll(head + bytes, to: output, "standard output")
    }
}
