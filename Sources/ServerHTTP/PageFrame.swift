import ServerCore

/// What every page shows round its contents.
struct PageFrame {
    enum Place { case status, validation, credit }

    var site: String
    var heading: String
    var fingerprint: String
    /// When the page was made; empty where it does not matter.
    var now: String
    /// Seconds after which the browser asks again; nil: never.
    var refresh: Int?
    /// Nil for a page that is in no menu.
    var place: Place?

    /// The names that head and foot use, with those of the page added.
    func values(_ more: [String: Any]) -> [String: Any] {
        var values: [String: Any] = [
            "site": site, "heading": heading, "fingerprint": fingerprint,
            "onStatus": place == .status, "onValidation": place == .validation, "onCredit": place == .credit,
        ]
        if !now.isEmpty { values["now"] = now }
        if let refresh { values["refresh"] = refresh }
        return values.merging(more) { $1 }
    }
}

/// One figure with its colour.
struct PageCount {
    var word: String
    var count: String
    var kind: String
}

/// A link to a file of an answer.
struct PageFile {
    var name: String
    var path: String
}

/// What a browser is shown that asked for something that is refused. The names are those of `refusal.mustache`.
struct RefusalPage {
    var frame: PageFrame
    var refusal: RequestRefusal

    var values: [String: Any] {
        var values: [String: Any] = ["message": refusal.message]
        if !refusal.advice.isEmpty { values["advice"] = refusal.advice }
        return frame.values(values)
    }
}
