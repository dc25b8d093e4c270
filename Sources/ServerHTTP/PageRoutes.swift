import Domain
import HTTPTypes
import Hummingbird
import NIOCore
import ServerCore
import Storage
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

    /// Head and foot of every page. - Parameter now: milliseconds since 1970; 0 where nobody asked for the time.
    private func frame(_ heading: String, _ place: PageFrame.Place?, now: UInt64, refresh: Int? = nil) -> PageFrame {
        PageFrame(
            site: core.settings.site, heading: heading, fingerprint: core.keys.fingerprint,
            now: PageText.time(now), refresh: refresh, place: place)
    }

    private func time() async throws -> UInt64 {
        try await writer.perform { _, now in UInt64(max(0, now.milliseconds)) }
    }

    /// What a person sees whose browser asked for something that is refused; nil when even that cannot be made.
    func refusalPage(_ refusal: RequestRefusal) -> Response? {
        let heading = refusal.code.status == 404 ? "Not found" : "Not possible"
        let page = RefusalPage(frame: frame(heading, nil, now: 0), refusal: refusal)
        guard var response = (try? web.render("refusal", page.values)).map(html) else { return nil }
        response.status = .init(code: refusal.code.status)
        return response
    }

    @Sendable func statusPage(_ request: Request, _ context: ServerContext) async throws -> Response {
        let routes = self
        return html(try await pages.page("status") { try await routes.makeStatusPage() })
    }

    private func makeStatusPage() async throws -> String {
        let routes = self
        let (list, manifests) = try await writer.perform { tx, _ in
            let batches = try tx.newestBatches(limit: 50).compactMap { try tx.batch($0) }
            return (try batches.map { try routes.status($0, in: tx) }, batches.map(\.manifest))
        }
        let now = try await time()
        let cards = try await onDisk {
            zip(list, manifests).map { status, manifest in
                // Only to tell people what it is: without its manifest, the batch is shown all the same.
                let spec = try? routes.runtime.manifests.spec(manifest)
                let summary = routes.runtime.results.summary(of: .init(rawValue: Int64(status.batchID)))
                return BatchCard(status, spec: spec, summary: summary)
            }
        }
        let isBusy = list.contains { $0.state == "running" || $0.state == "assembling" }
        let page = StatusPage(
            frame: frame("Projects", .status, now: now, refresh: isBusy ? 10 : nil), batches: cards)
        return try web.render("status", page.values)
    }

    @Sendable func validationPage(_ request: Request, _ context: ServerContext) async throws -> Response {
        let asked = try ValidationPage.Asked(request.uri.queryParameters.map { ("\($0.key)", "\($0.value)") })
        let routes = self
        return html(try await pages.page("validation \(asked)") { try await routes.makeValidationPage(asked) })
    }

    private func makeValidationPage(_ asked: ValidationPage.Asked) async throws -> String {
        let (ids, now) = try await writer.perform { tx, now in
            (try tx.newestBatches(limit: 20), UInt64(max(0, now.milliseconds)))
        }
        var report: WireValidationReport?
        if let batch = asked.batch ?? ids.first?.rawValue {
            report = try asked.narrowed(try await validationForPages(batch, onlyDisagreed: asked.onlyDisagreed))
        } else if let unit = asked.unit {
            throw RequestRefusal(.notFound, "there is no unit \(unit)")
        }
        let others = ids.map { UInt64($0.rawValue) }.filter { $0 != report?.batchID }
        let page = ValidationPage(
            frame: frame("Validation", .validation, now: now), report: report, asked: asked, others: others)
        return try web.render("validation", page.values)
    }

    /// Walks through the whole batch: kept like a page, so that asking for one unit after another walks no oftener.
    private func validationForPages(_ batch: Int64, onlyDisagreed: Bool) async throws -> WireValidationReport {
        let routes = self
        return try await reports.page("\(batch) \(onlyDisagreed)") {
            let query = ValidationQuery(
                batch: .init(rawValue: batch), onlyDisagreed: onlyDisagreed, unitsMax: ServerRoutes.unitsOnPage,
                isForAll: true)
            let report = try await routes.writer.perform { tx, _ in
                try routes.core.validationReport(query, in: tx)
            }
            guard let report else { throw RequestRefusal(.notFound, "there is no batch \(batch)") }
            return report
        }
    }

    @Sendable func creditPage(_ request: Request, _ context: ServerContext) async throws -> Response {
        let routes = self
        return html(try await pages.page("credit") { try await routes.makeCreditPage() })
    }

    private func makeCreditPage() async throws -> String {
        let (report, now) = try await writer.perform { [core] tx, now in
            (try core.creditReport(in: tx, now: now), UInt64(max(0, now.milliseconds)))
        }
        let page = CreditPage(frame: frame("Credit", .credit, now: now), report: report)
        return try web.render("credit", page.values)
    }
}
