import Domain
import HTTPTypes
import Hummingbird
import NIOCore
import ServerCore
import Storage
import Wire

/// The statistics files for everybody, and exports of credit with the token.
extension ServerRoutes {
    func addStatistics(_ router: Router<ServerContext>) {
        for name in StatsPublisher.names {
            let routes = self
            router.get(RouterPath("/stats/\(name)")) { _, _ in try await routes.statisticsFile(name) }
        }
    }

    private func statisticsFile(_ name: String) async throws -> Response {
        let bytes = try await onDisk { [stats = runtime.stats] in try stats.read(name) }
        guard let bytes else {
            throw RequestRefusal(.notFound, "the statistics files are not made yet", advice: "try again in a minute")
        }
        var fields = HTTPFields()
        // No content encoding: readers want the file as it is, and unpack it themselves.
        fields[.contentType] = name.hasSuffix(".gz") ? "application/gzip" : "application/xml"
        fields[.cacheControl] = "public, max-age=600"
        return Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// By the query `by=volunteer|host|team|project|day[&from=YYYY-MM-DD][&to=YYYY-MM-DD]`.
    @Sendable func creditExport(_ request: Request, _ context: ServerContext) async throws -> Response {
        try requireToken(request)
        let parameters = request.uri.queryParameters
        guard let grouping = parameters["by"].flatMap({ CreditGrouping(rawValue: String($0)) }) else {
            let known = CreditGrouping.allCases.map(\.rawValue).joined(separator: ", ")
            throw RequestRefusal(.badRequest, "the query needs by=, one of \(known)")
        }
        func day(_ name: String) throws -> UTCDay? {
            guard let text = parameters[name[...]] else { return nil }
            guard let day = UTCDay(String(text)) else {
                throw RequestRefusal(.badRequest, "\(name) is not a day of the form YYYY-MM-DD")
            }
            return day
        }
        let query = CreditExportQuery(grouping: grouping, from: try day("from"), to: try day("to"))
        let export = try await writer.perform { [core] tx, now in try core.creditExport(query, in: tx, now: now) }
        return try ReplyFormat.forTools(request).response(export)
    }
}
