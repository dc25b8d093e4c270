import Bytes
import Domain
import FoundationEssentials
import SwiftProtobuf
import Wire

/// The messages of calls through the codec written by hand and through the generated one, side by side.
///
/// Promises: both take the same bytes, but for what is beyond the limits that only the former has; they read the same
/// in them; and what they write of it is the same byte for byte.
struct HotTarget: FuzzTarget {
    static let name = "hotPair"
    let mutator: Mutator

    init() throws {
        var short = SampleMessages.scheduler
        short.clearProfile()
        short.form = .callShort
        short.programPlatforms = ["x86_64-linux", "any"]
        var bare = SampleMessages.reply
        bare.receipts = Data()
        mutator = Mutator(
            seeds: try [
                SampleMessages.scheduler.serializedBytes(), short.serializedBytes(),
                SampleMessages.reply.serializedBytes(), bare.serializedBytes(),
                SampleMessages.receipts.serializedBytes(),
            ].map { (bytes: [UInt8]) in (bytes, .message) })
    }

    mutating func feed(_ message: [UInt8], _ random: inout SeededGenerator) throws -> Bool {
        switch random.nextIndex(below: 4) {
        case 0: return try Self.replies(message)
        case 1: return try Self.receipts(message)
        case 2:
            // What was not changed by chance but made by it: all of it must be taken.
            var drawn = RandomHot(random: random)
            let bytes = drawn.request().encoded
            guard try Self.requests(bytes) else { throw BrokenPromise("a drawn request is refused") }
            return try Self.replies(drawn.reply().encoded)
        default: return try Self.requests(message)
        }
    }

    private static func requests(_ bytes: [UInt8]) throws -> Bool {
        try same(
            bytes, WireSchedulerRequest.self,
            hot: { bytes throws(WireError) in
                try HotRequest(bytes: bytes, limit: Limits.rpcBytesMax)
            }, from: { HotRequest($0) }, encoded: \.encoded, message: \.message
        ) {
            $0.heldTasks.count > Limits.heldTasksPerRequestMax || $0.reports.count > Limits.reportsPerRequestMax
                || $0.apps.count > HotRequest.appsMax || $0.programPlatforms.count > HotRequest.platformsMax
        }
    }

    private static func replies(_ bytes: [UInt8]) throws -> Bool {
        try same(
            bytes, WireSchedulerReply.self,
            hot: { bytes throws(WireError) in
                try HotReply(bytes: bytes, limit: Limits.rpcBytesMax)
            }, from: { HotReply($0) }, encoded: \.encoded, message: \.message)
    }

    private static func receipts(_ bytes: [UInt8]) throws -> Bool {
        try same(
            bytes, WireReceipts.self,
            hot: { bytes throws(WireError) in
                try HotReceipts(bytes: bytes, limit: Limits.rpcBytesMax)
            }, from: { HotReceipts($0) }, encoded: \.encoded, message: \.message)
    }

    /// - Parameter isBeyond: whether a message that the generated codec takes is beyond the other's limits.
    /// - Returns: whether both take the bytes.
    private static func same<M: SwiftProtobuf.Message, Hot>(
        _ bytes: [UInt8], _ type: M.Type, hot read: ([UInt8]) throws(WireError) -> Hot, from: (M) -> Hot,
        encoded: (Hot) -> [UInt8], message: (Hot) -> M, isBeyond: (M) -> Bool = { _ in false }
    ) throws -> Bool {
        let name = M.protoMessageName
        let generated: M?
        do throws(WireError) {
            generated = try StrictDecode.message(type, from: bytes, limit: Limits.rpcBytesMax)
        } catch { generated = nil }
        let hot: Hot
        do throws(WireError) { hot = try read(bytes) } catch {
            guard !error.description.isEmpty, !error.code.isEmpty else { throw BrokenPromise("no words") }
            if let generated, !isBeyond(generated) {
                throw BrokenPromise("\(name): only the generated codec takes it (\(error))")
            }
            return false
        }
        guard let generated else { throw BrokenPromise("\(name): the generated codec refuses it") }
        if isBeyond(generated) { throw BrokenPromise("\(name): taken beyond the limits") }
        let canonical = try StrictDecode.bytes(of: generated)
        // Equal bytes are equal values, and NaN has bytes like any number.
        guard encoded(hot) == canonical else { throw BrokenPromise("\(name): read or written otherwise") }
        guard encoded(from(generated)) == canonical, try StrictDecode.bytes(of: message(hot)) == canonical else {
            throw BrokenPromise("\(name): lost in conversion")
        }
        return true
    }
}

/// Messages of calls with values drawn by lot, of which many are at the edges.
struct RandomHot {
    var random: SeededGenerator

    private mutating func number() -> UInt64 {
        random.nextIndex(below: 3) == 0 ? random.next() : random.oneOf(Varint.edges)
    }

    private mutating func real() -> Double {
        random.nextIndex(below: 3) == 0
            ? Double(bitPattern: random.next()) : random.oneOf([0, -0.0, 1, -1, .nan, .infinity, 1e-300])
    }

    private mutating func bytes(_ most: Int) -> [UInt8] { random.nextBytes(random.nextIndex(below: most + 1)) }

    private mutating func text() -> String {
        random.oneOf(["", "a", "x86_64-linux", "\u{0}", "grüße", "\u{1F680}", String(repeating: "é", count: 100)])
    }

    private mutating func some<T>(_ most: Int, _ make: (inout RandomHot) -> T) -> [T] {
        (0..<random.nextIndex(below: most + 1)).map { _ in make(&self) }
    }

    private mutating func chance() -> Bool { random.nextIndex(below: 2) == 0 }

    mutating func request() -> HotRequest {
        var request = HotRequest()
        if chance() {
            var profile = WireHostProfileMessage()
            (profile.name, profile.platform, profile.cpuModel) = (text(), text(), text())
            (profile.memoryBytes, profile.diskFreeBytes) = (number(), number())
            profile.cores = UInt32(truncatingIfNeeded: number())
            (profile.benchmarkFlopsPerSecond, profile.clientVersion) = (real(), text())
            request.profile = profile
        }
        request.heldTasks = some(5) { $0.number() }
        request.reports = some(4) { $0.report() }
        request.wantTasks = UInt32(truncatingIfNeeded: number())
        (request.wantSeconds, request.queuedSeconds, request.availability) = (real(), real(), real())
        request.apps = some(4) { $0.text() }
        request.sendsInline = chance()
        request.programPlatforms = some(3) { $0.text() }
        request.form = random.oneOf([.callFull, .callShort, .callShortWithAccount, .UNRECOGNIZED(-7)])
        return request
    }

    private mutating func report() -> HotReport {
        var report = HotReport()
        report.taskID = number()
        switch random.nextIndex(below: 4) {
        case 0: break
        case 1:
            var failure = WireTaskFailure()
            (failure.code, failure.message) = (UInt32(truncatingIfNeeded: number()), text())
            report.outcome = .failure(failure)
        default:
            var success = HotSuccess()
            (success.resultSha256, success.resultBytes, success.resultInline) = (bytes(40), number(), bytes(300))
            (success.cpuSeconds, success.wallSeconds, success.fingerprint) = (real(), real(), text())
            report.outcome = .success(success)
        }
        return report
    }

    mutating func reply() -> HotReply {
        var reply = HotReply()
        (reply.receipts, reply.receiptsSignature) = (bytes(200), bytes(70))
        reply.tasks = some(4) { $0.offer() }
        reply.abortTasks = some(5) { $0.number() }
        (reply.nextCallSeconds, reply.noWorkReasons) = (real(), some(3) { $0.text() })
        (reply.serverTimeMs, reply.validTasks, reply.invalidTasks) = (number(), number(), number())
        reply.creditMicrocobblestones = Int64(bitPattern: number())
        reply.provisionalMicrocobblestones = Int64(bitPattern: number())
        return reply
    }

    private mutating func offer() -> HotOffer {
        var offer = HotOffer()
        (offer.taskID, offer.unitSha256, offer.unitBytes, offer.unitInline) = (
            number(), bytes(40), number(), bytes(500)
        )
        (offer.deadlineMs, offer.estimatedSeconds, offer.uploadTicket) = (number(), real(), text())
        (offer.project, offer.flops) = (text(), real())
        return offer
    }
}
