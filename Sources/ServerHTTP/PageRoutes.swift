import Domain
import HTTPTypes
import Hummingbird
import NIOCore
import ServerCore
import Storage
import Synchronization
import Wire

/// The pages for people: plain HTML made here, one style sheet, no script.
///
/// They show what is public: names that volunteers chose and the numbers of their hosts, but no host names.
extension ServerRoutes {
    private static let unitsOnPage = 200

    func addPages(_ router: Router<ServerContext>) {
        router.get("/", use: statusPage)
        router.get("/validation", use: validationPage)
        router.get("/credit", use: creditPage)
        router.get("/style.css", use: styleSheet)
        router.get("/results/{batch}/{file}", use: resultForPages)
    }

    private func html(_ text: String) -> Response {
        var fields = HTTPFields()
        fields[.contentType] = "text/html; charset=utf-8"
        return Response(
            status: .ok, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    @Sendable func styleSheet(_ request: Request, _ context: ServerContext) async throws -> Response {
        var fields = HTTPFields()
        fields[.contentType] = "text/css; charset=utf-8"
        fields[.cacheControl] = "public, max-age=300"
        return Response(
            status: .ok, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(string: web.style)))
    }

    @Sendable func resultForPages(_ request: Request, _ context: ServerContext) async throws -> Response {
        try await resultFile(context)
    }

    /// Head and foot of every page. - Parameter now: milliseconds since 1970.
    private func frame(_ heading: String, _ place: PageFrame.Place, now: UInt64, refresh: Int? = nil) -> PageFrame {
        PageFrame(
            site: core.settings.site, heading: heading, fingerprint: core.keys.fingerprint,
            now: PageText.time(now), refresh: refresh, place: place)
    }

    @Sendable func statusPage(_ request: Request, _ context: ServerContext) async throws -> Response {
        let key = "status"
        if let page = pages.page(key) { return html(page) }
        let list = try await batchList(limit: 50)
        let now = try await writer.perform { _, now in UInt64(max(0, now.milliseconds)) }
        let results = runtime.results
        let cards = try await onDisk {
            list.batches.map { BatchCard($0, summary: results.summary(of: .init(rawValue: Int64($0.batchID)))) }
        }
        let isBusy = list.batches.contains { $0.state == "running" || $0.state == "assembling" }
        let page = StatusPage(
            frame: frame("Projects", .status, now: now, refresh: isBusy ? 10 : nil), batches: cards)
        return html(pages.keep(try web.render("status", page.values), key))
    }

    @Sendable func validationPage(_ request: Request, _ context: ServerContext) async throws -> Response {
        let asked = request.uri.queryParameters["batch"].flatMap { Int64($0) }
        let only = request.uri.queryParameters["only"] == "disagreed"
        let key = "validation \(asked.map { "\($0)" } ?? "newest") \(only)"
        if let page = pages.page(key) { return html(page) }
        let (ids, now) = try await writer.perform { tx, now in
            (try tx.batches().prefix(20).map(\.id), UInt64(max(0, now.milliseconds)))
        }
        var report: WireValidationReport?
        if let batch = asked ?? ids.first?.rawValue {
            guard batch > 0, batch < 1 << 21 else { throw RequestRefusal(.notFound, "there is no batch \(batch)") }
            let query = ValidationQuery(
                batch: .init(rawValue: batch), onlyDisagreed: only, unitsMax: ServerRoutes.unitsOnPage)
            report = try await writer.perform { [core] tx, _ in try core.validationReport(query, in: tx) }
            guard report != nil else { throw RequestRefusal(.notFound, "there is no batch \(batch)") }
        }
        let others = ids.map { UInt64($0.rawValue) }.filter { $0 != report?.batchID }
        let page = ValidationPage(
            frame: frame("Validation", .validation, now: now),
            report: report, onlyDisagreed: only, others: others)
        return html(pages.keep(try web.render("validation", page.values), key))
    }

    @Sendable func creditPage(_ request: Request, _ context: ServerContext) async throws -> Response {
        let key = "credit"
        if let page = pages.page(key) { return html(page) }
        let (report, now) = try await writer.perform { [core] tx, now in
            (try core.creditReport(in: tx), UInt64(max(0, now.milliseconds)))
        }
        let page = CreditPage(frame: frame("Credit", .credit, now: now), report: report)
        return html(pages.keep(try web.render("credit", page.values), key))
    }
}

/// Pages of the last second, so that a crowd that looks costs the writer no more than one reader.
final class PageShelf: Sendable {
    private struct Kept {
        var text: String
        var at: ContinuousClock.Instant
    }

    private let pages = Mutex<[String: Kept]>([:])
    private static let pagesMax = 32
    private static let lifetime: Duration = .seconds(1)

    func page(_ key: String) -> String? {
        pages.withLock { pages in
            guard let kept = pages[key], kept.at.duration(to: .now) < PageShelf.lifetime else { return nil }
            return kept.text
        }
    }

    func keep(_ text: String, _ key: String) -> String {
        pages.withLock { pages in
            if pages.count >= PageShelf.pagesMax { pages.removeAll() }
            pages[key] = Kept(text: text, at: .now)
        }
        return text
    }
}
