import ClientCore
import FoundationEssentials

/// What the page is asked for, and what it answers; it knows nothing of sockets.
package struct PageRoutes {
    /// What it shows, at a moment.
    package struct Look: Sendable {
        package var status: ClientStatus
        package var history: HistoryReport
        package var preferences: [ControlReply.Preference]
        /// Milliseconds since 1970.
        package var nowMs: Int64

        package init(
            status: ClientStatus, history: HistoryReport, preferences: [ControlReply.Preference], nowMs: Int64
        ) {
            self.status = status
            self.history = history
            self.preferences = preferences
            self.nowMs = nowMs
        }
    }

    private let gate: PageGate
    /// What the client said to the last form, for the next look.
    private var said: (words: String, isBad: Bool, until: Double)?
    private static let saidSeconds = 15.0

    package init(gate: PageGate) { self.gate = gate }

    /// - Parameter now: by the monotonic clock.
    /// - Parameter admit: whether an invitation is good; it is not afterwards.
    /// - Parameter look: nil: the client does not answer.
    /// - Parameter ask: does what a form asks.
    package mutating func answer(
        _ request: PageRequest, now: Double, admit: (String) -> Bool, look: () -> Look?,
        ask: (ControlRequest) -> ControlReply
    ) -> PageResponse {
        if let refusal = gate.refusal(request) { return refusal }
        guard request.path.hasPrefix(gate.folder) else { return PageGate.no(404, "There is nothing here.") }
        let name = request.path.dropFirst(gate.folder.count)
        if request.method == .get, name == "open" { return gate.open(request, admit: admit) }
        guard gate.isKnown(request) else { return PageGate.stranger }
        switch (request.method, name) {
        case (.get, ""):
            guard let look = look() else { return PageGate.no(503, "The client is too busy to answer; try again.") }
            return .page(200, PageText.whole(parts(look, now)))
        case (.get, "state.json"):
            guard let look = look() else { return PageResponse(503, "application/json", "{}") }
            return json(parts(look, now))
        case (.get, "page.css"): return PageResponse(200, "text/css; charset=utf-8", PageAssets.style)
        case (.get, "page.js"): return PageResponse(200, "text/javascript; charset=utf-8", PageAssets.script)
        case (.get, "icon.svg"): return PageResponse(200, "image/svg+xml", PageAssets.icon)
        case (.post, "act"): return act(request, now, ask)
        default: return PageGate.no(404, "There is nothing here.")
        }
    }

    private mutating func act(
        _ request: PageRequest, _ now: Double, _ ask: (ControlRequest) -> ControlReply
    ) -> PageResponse {
        let form = PageRequest.fields(String(decoding: request.body, as: UTF8.self))
        guard request.headers["content-type"] == "application/x-www-form-urlencoded", gate.isOurs(form: form) else {
            return PageGate.no(403, "This form is not of this page; go back and load the page again.")
        }
        guard let wish = PageAct.request(form) else { return PageGate.no(400, "The page does not ask this.") }
        let reply = ask(wish)
        said = (reply.error ?? reply.done ?? "done", !reply.ok, now + Self.saidSeconds)
        return .redirect(to: gate.folder)
    }

    private func parts(_ look: Look, _ now: Double) -> [PagePart: Markup] {
        var parts = PageText(look, formToken: gate.formToken).parts
        if let said, now < said.until {
            parts[.said] = "<p class=\"\(said.isBad ? "said bad" : "said")\">\(said.words)</p>"
        }
        return parts
    }

    private func json(_ parts: [PagePart: Markup]) -> PageResponse {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let named = Dictionary(uniqueKeysWithValues: parts.map { ($0.key.rawValue, $0.value.text) })
        guard let bytes = try? encoder.encode(["parts": named]) else {
            return PageResponse(503, "application/json", "{}")
        }
        return PageResponse(200, "application/json", String(decoding: bytes, as: UTF8.self))
    }
}
