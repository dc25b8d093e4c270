import Domain
import Hummingbird
import ServerCore
import Storage
import Synchronization
import Wire

/// Reports that are read in pages or asked by host, for admins with the token.
extension ServerRoutes {
    /// Entries of the ledger, and units, that one transaction reads.
    private static let entriesAtOnce = 5000
    private static let unitsAtOnce = 500
    private static let rowsMax = 10_000

    @Sendable func credit(_ request: Request, _ context: ServerContext) async throws -> Response {
        try requireToken(request)
        var tally = voids.tally
        while true {
            let known = tally
            let limit = Self.entriesAtOnce
            let (entries, report) = try await writer.perform { [core] tx, now in
                let entries = try tx.ledger(fromNumber: known.next, limit: limit)
                guard entries.count < limit else { return (entries, WireCreditReport?.none) }
                // The last page and the sums are of one transaction, so that they fit together.
                var whole = known
                whole.add(entries)
                return (entries, try core.creditReport(in: tx, voided: whole, now: now))
            }
            tally.add(entries)
            guard let report else { continue }
            voids.keep(tally)
            return try ReplyFormat.forTools(request).response(report)
        }
    }

    /// By the query `[host=N]`.
    @Sendable func trust(_ request: Request, _ context: ServerContext) async throws -> Response {
        try requireToken(request)
        let asked = try host(request)
        let report = try await writer.perform { [core] tx, now in
            if let asked, try tx.host(asked) == nil { return WireTrustReport?.none }
            return try core.trustReport(host: asked, in: tx, now: now)
        }
        guard let report else { throw RequestRefusal(.notFound, "there is no host \(asked?.rawValue ?? 0)") }
        return try ReplyFormat.forTools(request).response(report)
    }

    /// By the query `[batch=N][&host=N][&rows=N]`.
    @Sendable func disagreements(_ request: Request, _ context: ServerContext) async throws -> Response {
        try requireToken(request)
        var query = DisagreementQuery(host: try host(request))
        if let text = request.uri.queryParameters["batch"] {
            guard let number = Int64(text), number > 0, number < 1 << 21 else {
                throw RequestRefusal(.badRequest, "batch is not a number")
            }
            query.batch = BatchID(rawValue: number)
        }
        if let text = request.uri.queryParameters["rows"] {
            guard let number = Int(text), number >= 0, number <= Self.rowsMax else {
                throw RequestRefusal(.badRequest, "rows is not a number from 0 to \(Self.rowsMax)")
            }
            query.rowsMax = number
        }
        let asked = query
        var reading = DisagreementReading(asked)
        for batch in try await writer.perform({ [core] tx, _ in try core.disagreementBatches(asked, in: tx) }) {
            var index: Int64? = 0
            while let from = index {
                let page = try await writer.perform { [core] tx, _ in
                    try core.evidencePage(of: batch, fromIndex: from, limit: Self.unitsAtOnce, in: tx)
                }
                reading.add(page)
                index = page.next
            }
        }
        let whole = reading
        let unnamed = try await onDisk { whole.report() }
        let report = try await writer.perform { [core] tx, _ in try core.named(unnamed, in: tx) }
        return try ReplyFormat.forTools(request).response(report)
    }

    private func host(_ request: Request) throws -> HostID? {
        guard let text = request.uri.queryParameters["host"] else { return nil }
        guard let number = Int64(text), number > 0 else {
            throw RequestRefusal(.badRequest, "host is not a number")
        }
        return HostID(rawValue: number)
    }
}

/// Keeps the tally of what was taken back from question to question.
final class VoidShelf: Sendable {
    private let kept = Mutex(VoidTally())

    var tally: VoidTally { kept.withLock { $0 } }

    /// Of two that were made at the same time, the one that knows more.
    func keep(_ tally: VoidTally) {
        kept.withLock { if $0.next < tally.next { $0 = tally } }
    }
}
