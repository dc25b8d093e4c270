import ArgumentParser
import Bytes
import Domain
import Measuring
import Wire

/// `millrace-bench codec`.
struct CodecCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "codec",
        abstract: "The messages of a call, read and written by hand and by the generated code, on one core.",
        discussion: """
            Times include what the server needs of a message besides: arrays of bytes in place of `Data`.

            Example:
              millrace-bench codec --rounds 20000
            """)

    @Option(name: .long, help: "How often each message is read and written; the best of five such runs counts.")
    var rounds = 10_000

    func validate() throws {
        guard (1...10_000_000).contains(rounds) else { throw ValidationError("--rounds is 1 to 10000000") }
    }

    func run() throws {
        for tasks in [1, 8, 64] {
            let (request, reply) = (Self.request(tasks), Self.reply(tasks))
            let (asked, said) = (request.encoded, reply.encoded)
            let message = reply.message
            let times = try [
                best {
                    _ = HotRequest(
                        try StrictDecode.message(WireSchedulerRequest.self, from: asked, limit: 1 << 20))
                },
                best { _ = try HotRequest(bytes: asked, limit: 1 << 20) },
                best { _ = try StrictDecode.bytes(of: reply.message) },
                best { _ = reply.encoded },
            ]
            guard try StrictDecode.bytes(of: message) == said else {
                throw Fault(.software, "the two codecs write something else")
            }
            let texts = times.map { BenchTable.short($0) }
            print(
                "\(tasks) reports, \(asked.count) bytes, read: generated \(texts[0]) us, by hand \(texts[1]) us; "
                    + "\(tasks) offers, \(said.count) bytes, written: generated \(texts[2]) us, by hand \(texts[3]) us")
        }
    }

    /// Microseconds of one round.
    private func best(_ body: () throws -> Void) rethrows -> Double {
        let clock = ContinuousClock()
        var best = Double.infinity
        for _ in 0..<5 {
            let time = try clock.measure { for _ in 0..<rounds { try body() } }
            best = min(best, time.inSeconds * 1e6 / Double(rounds))
        }
        return best
    }

    private static func request(_ tasks: Int) -> HotRequest {
        var request = HotRequest()
        request.profile = BenchSite.profile
        request.reports = (0..<tasks).map { number in
            var success = HotSuccess()
            success.resultSha256 = [UInt8](repeating: UInt8(number), count: 32)
            success.resultInline = [UInt8](repeating: 1, count: 200)
            (success.resultBytes, success.cpuSeconds, success.wallSeconds) = (200, 1, 1)
            var report = HotReport()
            report.taskID = 1 << 62 + UInt64(number)
            report.outcome = .success(success)
            return report
        }
        request.heldTasks = request.reports.map(\.taskID)
        (request.wantTasks, request.wantSeconds, request.apps) = (UInt32(tasks), 1e9, ["\(NoOp.name)/1"])
        return request
    }

    private static func reply(_ tasks: Int) -> HotReply {
        var reply = HotReply()
        reply.receipts = [UInt8](repeating: 1, count: 55 * tasks)
        reply.receiptsSignature = [UInt8](repeating: 2, count: 64)
        reply.tasks = (0..<tasks).map { number in
            var offer = HotOffer()
            offer.taskID = 1 << 62 + UInt64(number)
            offer.unitSha256 = [UInt8](repeating: 3, count: 32)
            offer.unitInline = [UInt8](repeating: 4, count: 200)
            (offer.unitBytes, offer.deadlineMs, offer.estimatedSeconds) = (200, 1 << 41, 3)
            (offer.project, offer.flops) = ("bench", 1e9)
            return offer
        }
        (reply.nextCallSeconds, reply.serverTimeMs) = (0.5, 1 << 41)
        return reply
    }
}
