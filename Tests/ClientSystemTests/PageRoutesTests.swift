import Bytes
import ClientCore
import ClientSystem
import Testing

@Suite("Who may see the local page, and what it says")
struct PageRoutesTests {
    /// A page on port 4711 that remembers what it was asked to do.
    private struct Page {
        var routes: PageRoutes
        var invitations = PageInvitations()
        let gate: PageGate
        var asked: [ControlRequest] = []
        var status: ClientStatus?
        var random = SeededGenerator(seed: 9)

        init(_ status: ClientStatus?) {
            gate = PageGate(port: 4711, random: &random)
            routes = PageRoutes(gate: gate)
            self.status = status
        }

        mutating func send(_ request: PageRequest, now: Double = 0) -> PageResponse {
            var asked: [ControlRequest] = []
            let response = routes.answer(
                request, now: now, admit: { invitations.admit($0, now: now) },
                look: {
                    status.map {
                        let projects = $0.projects.map {
                            HistoryReport.project(
                                $0, HistoryBook(),
                                about: [AboutFile.Project(name: $0.site, title: $0.site, area: $0.site)], nil)
                        }
                        return PageRoutes.Look(
                            status: $0, history: HistoryReport(projects: projects, books: [], lastDay: 20_000),
                            preferences: [.init(field: "<i>", value: "\"><b>", origin: "&")],
                            nowMs: SampleStatus.nowMs)
                    }
                },
                ask: { request in
                    asked.append(request)
                    return ControlReply(done: "done <b>so</b>")
                })
            self.asked += asked
            return response
        }

        mutating func get(
            _ name: String, cookie: String? = nil, _ change: (inout PageRequest) -> Void = { _ in }
        ) -> PageResponse {
            var request = PageRequest(
                method: .get, path: gate.folder + name, headers: ["host": "127.0.0.1:4711", "sec-fetch-site": "none"])
            request.headers["cookie"] = cookie
            change(&request)
            return send(request)
        }

        /// A fresh invitation taken in.
        mutating func cookie() -> String {
            let token = invitations.invite(now: 0, random: &random)
            let answer = get("open") { $0.query = "token=\(token)" }
            let set = answer.headers.first { $0.name == "Set-Cookie" }?.value ?? ""
            return String(set.prefix { $0 != ";" })
        }
    }

    private func page() throws -> Page { Page(try SampleStatus.make(tasks: 6)) }

    private static func text(_ response: PageResponse) -> String { String(decoding: response.body, as: UTF8.self) }

    @Test("An address is good once, and soon; it gives a cookie that no script and no other site has")
    func invitation() throws {
        var page = try page()
        let token = page.invitations.invite(now: 0, random: &page.random)
        #expect(page.gate.address(token) == "http://127.0.0.1:4711\(page.gate.folder)open?token=\(token)")
        #expect(token.count == 64 && page.gate.folder.count == 34)
        let first = page.get("open") { $0.query = "token=\(token)" }
        #expect(first.status == 303)
        let set = try #require(first.headers.first { $0.name == "Set-Cookie" }?.value)
        #expect(set.hasSuffix("; Path=\(page.gate.folder); HttpOnly; SameSite=Strict"))
        #expect(!set.contains(token), "the address does not hold what the cookie does")
        #expect(page.get("open") { $0.query = "token=\(token)" }.status == 403, "once")
        let cookie = String(set.prefix { $0 != ";" })
        #expect(page.get("open", cookie: cookie) { $0.query = "token=\(token)" }.status == 303, "he is known")
        #expect(page.get("", cookie: "other=1; \(cookie)").status == 200)
        for wrong in ["", "0", String(repeating: "0", count: 64), token + "0"] {
            #expect(page.get("open") { $0.query = "token=\(wrong)" }.status == 403)
        }
        var invitations = PageInvitations()
        let late = invitations.invite(now: 0, random: &page.random)
        #expect(invitations.admit(late, now: PageInvitations.seconds) == false)
        let many = (0..<9).map { _ in invitations.invite(now: 0, random: &page.random) }
        #expect(invitations.admit(many[0], now: 1) == false)
        #expect(invitations.admit(many[1], now: 1) == true)
    }

    @Test("Without the cookie there is nothing, not even the looks")
    func strangers() throws {
        var page = try page()
        let cookie = page.cookie()
        for name in ["", "state.json", "page.css", "page.js", "icon.svg", "act", "x"] {
            for wrong in [nil, "", "millrace=", "millrace=\(String(repeating: "0", count: 64))", cookie + "0"] {
                let answer = page.get(name, cookie: wrong)
                #expect(answer.status == 403 && !Self.text(answer).contains("gamma"), "\(name)")
            }
        }
        #expect(page.get("", cookie: cookie).status == 200)
        #expect(page.send(PageRequest(method: .get, path: "/", headers: ["host": "127.0.0.1:4711"])).status == 404)
    }

    @Test("Another name of the host, another site, another port: refused, with the cookie as without")
    func otherSites() throws {
        var page = try page()
        let cookie = page.cookie()
        for host in ["evil.example", "evil.example:4711", "127.0.0.1", "127.0.0.1:4712", "localhost", ""] {
            #expect(page.get("", cookie: cookie) { $0.headers["host"] = host }.status == 421, "\(host)")
        }
        #expect(page.get("", cookie: cookie) { $0.headers["host"] = nil }.status == 421)
        #expect(page.get("", cookie: cookie) { $0.headers["host"] = "localhost:4711" }.status == 200)
        for origin in ["http://evil.example", "null", "https://127.0.0.1:4711", "http://127.0.0.1:4712"] {
            #expect(page.get("state.json", cookie: cookie) { $0.headers["origin"] = origin }.status == 403)
        }
        for site in ["cross-site", "same-site"] {
            #expect(page.get("state.json", cookie: cookie) { $0.headers["sec-fetch-site"] = site }.status == 403)
        }
    }

    @Test("A form works with its token, from this page, and only for what the page asks")
    func forms() throws {
        var page = try page()
        let cookie = page.cookie()
        let good = "act=pause&seconds=3600&form=\(page.gate.formToken)"
        func post(
            _ page: inout Page, _ body: String, _ change: (inout PageRequest) -> Void = { _ in }
        ) -> PageResponse {
            page.get("act", cookie: cookie) {
                $0.method = .post
                $0.body = Array(body.utf8)
                $0.headers["content-type"] = "application/x-www-form-urlencoded"
                $0.headers["origin"] = "http://127.0.0.1:4711"
                $0.headers["sec-fetch-site"] = "same-origin"
                change(&$0)
            }
        }
        #expect(post(&page, good).status == 303 && page.asked.map(\.command) == [.pause])
        #expect(page.asked.last?.seconds == 3600)
        #expect(Self.text(page.get("", cookie: cookie)).contains("done &lt;b&gt;so&lt;/b&gt;"))
        page.asked = []
        #expect(post(&page, "act=pause&form=wrong").status == 403)
        #expect(post(&page, "act=pause").status == 403)
        #expect(post(&page, good) { $0.headers["cookie"] = nil }.status == 403)
        #expect(post(&page, good) { $0.headers["origin"] = "http://evil.example" }.status == 403)
        #expect(post(&page, good) { $0.headers["sec-fetch-site"] = "same-site" }.status == 403)
        #expect(post(&page, good) { $0.headers["content-type"] = "text/plain" }.status == 403)
        let token = "form=\(page.gate.formToken)"
        for bad in [
            "act=stop", "act=finish", "act=abort-task&task=1", "act=page", "act=pause&seconds=-1",
            "act=pause&seconds=nan", "act=pause&seconds=x", "act=new-work", "act=suspend-task", "x=1",
        ] { #expect(post(&page, "\(bad)&\(token)").status == 400, "\(bad)") }
        #expect(page.asked.isEmpty, "nothing of that was done")
        for fine in [
            "act=resume", "act=new-work&allowed=false", "act=suspend-task&task=1.1%230&project=a",
            "act=resume-task&task=1&project=a", "act=pause",
        ] { #expect(post(&page, "\(fine)&\(token)").status == 303, "\(fine)") }
        #expect(page.asked.map(\.command) == [.resume, .newWork, .suspendTask, .resumeTask, .pause])
        #expect(page.asked[2].task == "1.1#0")
    }

    @Test("Every answer has the strict policy, and is not to be kept")
    func headers() throws {
        var page = try page()
        let cookie = page.cookie()
        for name in ["", "state.json", "page.css", "page.js", "icon.svg", "nothing"] {
            let head = String(decoding: page.get(name, cookie: cookie).bytes, as: UTF8.self)
            for line in [
                "Content-Security-Policy: default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
                    + "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
                "Cache-Control: no-store", "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer",
                "Connection: close",
            ] { #expect(head.contains("\r\n\(line)\r\n"), "\(name): \(line)") }
        }
    }

    @Test("The words of others are text, never markup; nothing is inline that the policy forbids")
    func escaping() throws {
        let bad = "<script>alert(1)</script>\"'><img src=x onerror=y>&\u{0}\u{1B}"
        for isPaused in [false, true] {
            var page = Page(try SampleStatus.make(tasks: 6, words: bad, isPaused: isPaused, projects: 2))
            let cookie = page.cookie()
            let text = Self.text(page.get("", cookie: cookie))
            #expect(!text.contains("<script>") && !text.contains("<img") && !text.contains("<i>"))
            #expect(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;"))
            #expect(!text.contains("\u{0}") && !text.contains("\u{1B}") && !text.contains("style="))
            #expect(text.matches(of: /<[^>]*\son[a-z]+=/).isEmpty)
            let state = Self.text(page.get("state.json", cookie: cookie))
            #expect(!state.contains("<script>") && !state.contains("<img"))
        }
        #expect(Markup.escaped("a<b>&\"'\n") == "a&lt;b&gt;&amp;&quot;&#39; ")
        let inner: Markup = "<b>\("<i>")</b>"
        let outer: Markup = "<p>\(inner)\([inner, inner])\(3)</p>"
        #expect(outer.text == "<p><b>&lt;i&gt;</b><b>&lt;i&gt;</b><b>&lt;i&gt;</b>3</p>")
    }

    @Test("The page says what the client does and why, its tasks, its preferences; busy, it says that")
    func content() throws {
        var page = Page(try SampleStatus.make(tasks: 3, isPaused: true))
        let cookie = page.cookie()
        let text = Self.text(page.get("", cookie: cookie))
        for words in [
            "Paused for 60 s: you paused the client. It goes on when you resume it.", "<progress", "gamma-pulsar",
            "812.250", "+ 3.500 not final yet", "found valid", "Preferences", "<script src=\"page.js\" defer>",
        ] { #expect(text.contains(words), "\(words)") }
        var silent = Page(nil)
        let other = silent.cookie()
        #expect(silent.get("", cookie: other).status == 503 && silent.get("state.json", cookie: other).status == 503)
    }
}
