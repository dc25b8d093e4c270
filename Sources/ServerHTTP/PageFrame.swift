/// What every page shows round its contents.
struct PageFrame {
    enum Place { case status, validation, credit }

    var site: String
    var heading: String
    var fingerprint: String
    var now: String
    /// Seconds after which the browser asks again; nil: never.
    var refresh: Int?
    var place: Place

    /// The names that head and foot use, with those of the page added.
    func values(_ more: [String: Any]) -> [String: Any] {
        var values: [String: Any] = [
            "site": site, "heading": heading, "fingerprint": fingerprint, "now": now,
            "onStatus": place == .status, "onValidation": place == .validation, "onCredit": place == .credit,
        ]
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
