/// Who may see the page: whoever came by an address that the client gave to its own user, and nobody else.
///
/// The address holds a token that is good once. For it the browser gets a cookie that no script sees and no other site
/// sends along; it is bound to a folder nobody can guess, since browsers give cookies to every port of a computer.
package struct PageGate: Sendable {
    package let port: Int
    /// `/8f…/`, the beginning of all paths.
    package let folder: String
    private let cookie: String
    /// What a form must carry: a site that makes a browser send one does not know it.
    package let formToken: String

    private static let cookieName = "millrace"

    package init(port: Int, random: inout some RandomNumberGenerator) {
        self.port = port
        folder = "/\(PageSecret.make(&random).prefix(32))/"
        cookie = PageSecret.make(&random)
        formToken = PageSecret.make(&random)
    }

    /// - Parameter token: of an invitation.
    package func address(_ token: String) -> String { "http://127.0.0.1:\(port)\(folder)open?token=\(token)" }

    /// Why a request is none of ours, whatever it wants: sent to another name (a site whose name was made to point
    /// here), or by another site's page. nil: it may be.
    package func refusal(_ request: PageRequest) -> PageResponse? {
        guard let host = request.headers["host"], names.contains(host) else { return Self.no(421, "This is not here.") }
        if let origin = request.headers["origin"], !names.contains(where: { origin == "http://\($0)" }) {
            return Self.no(403, "Another site may not ask this.")
        }
        // A person who follows an address has no site; `same-site` is another port of this computer.
        let site = request.headers["sec-fetch-site"] ?? "same-origin"
        let isOpening = request.method == .get && request.path == folder + "open"
        guard ["same-origin", "none"].contains(site) || isOpening else {
            return Self.no(403, "Another site may not ask this.")
        }
        return nil
    }

    /// Takes an invitation in.
    ///
    /// - Parameter admit: whether a token is good; it is not afterwards.
    /// - Returns: where the browser goes with its cookie, or a refusal.
    package func open(_ request: PageRequest, admit: (String) -> Bool) -> PageResponse {
        guard admit(PageRequest.fields(request.query)["token"] ?? "") else {
            return isKnown(request) ? .redirect(to: folder) : Self.stranger
        }
        var response = PageResponse.redirect(to: folder)
        response.headers.append(
            ("Set-Cookie", "\(Self.cookieName)=\(cookie); Path=\(folder); HttpOnly; SameSite=Strict"))
        return response
    }

    /// Whether the browser has the cookie.
    package func isKnown(_ request: PageRequest) -> Bool {
        (request.headers["cookie"] ?? "").split(separator: ";").contains { part in
            let pair = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            return pair.count == 2 && pair[0] == Self.cookieName && PageSecret.isSame(cookie, String(pair[1]))
        }
    }

    /// Whether a form is one of this page.
    package func isOurs(form: [String: String]) -> Bool { PageSecret.isSame(formToken, form["form"] ?? "") }

    /// For who has no cookie.
    static let stranger = no(403, "This page is for those who run the client. `millrace-client page` gives an address.")

    static func no(_ status: Int, _ words: String) -> PageResponse {
        .page(
            status,
            """
            <!doctype html><html lang="en"><meta charset="utf-8"><title>Millrace</title>\
            <meta name="viewport" content="width=device-width"><p>\(words)</p></html>
            """)
    }

    private var names: [String] { ["127.0.0.1:\(port)", "localhost:\(port)"] }
}
