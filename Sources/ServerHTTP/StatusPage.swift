import Domain
import Wire

/// The first page: every batch with its progress and its answer.
struct StatusPage {
    var frame: PageFrame
    var batches: [BatchCard]

    var values: [String: Any] { frame.values(["batches": batches]) }
}

/// One batch as the page shows it. The names are those of `status.mustache`.
struct BatchCard: Sendable {
    struct Segment: Sendable {
        var kind: String
        var x: String
        var width: String
    }

    var number: String
    var title: String
    var project: String
    var app: String
    var state: String
    var created: String
    var finished: String?
    var reason: String?
    /// What the project is about, by its manifest; nil when that is not at hand.
    var about: String?
    var scienceArea: String?
    var licence: String?
    var percent: String
    var total: String
    var splitting: Bool
    var pace: String?
    var segments: [Segment]
    var counts: [PageCount]
    var hasAnswer: Bool
    var hasSummary: Bool
    var summary: [String]
    var plots: [PageFile]
    var files: [PageFile]

    init(_ status: WireBatchStatus, spec: ProjectSpec?, summary: [String]) {
        number = "\(status.batchID)"
        title = status.title
        project = status.project
        app = status.app
        state = status.state
        created = PageText.time(status.createdMs)
        finished = status.finishedMs > 0 ? PageText.time(status.finishedMs) : nil
        reason = status.reason.isEmpty ? nil : PageText.readable(status.reason)
        about = spec.map(\.description)
        scienceArea = spec.map(\.scienceArea)
        licence = spec.map(\.licence)
        percent = PageText.percent(ended: BatchCard.ended(status), of: status.unitsTotal)
        total = "\(status.unitsTotal)"
        splitting = !status.splitFinished && status.state == "running"
        pace = BatchCard.pace(status)
        let parts: [(String, String, UInt64)] = [
            ("validated", "validated", status.unitsValidated),
            ("standing provisionally", "provisional", status.unitsProvisional),
            ("being compared", "comparing", status.unitsComparing),
            ("being computed", "active", status.unitsActive), ("waiting", "ready", status.unitsReady),
            ("failed", "failed", status.unitsFailed), ("cancelled", "ready", status.unitsCancelled),
        ]
        segments = BatchCard.segments(parts, total: status.unitsTotal)
        counts = parts.filter { $0.2 > 0 }.map { PageCount(word: $0.0, count: "\($0.2)", kind: $0.1) }
        counts.append(PageCount(word: "tasks out", count: "\(status.tasksOut)", kind: ""))
        counts.append(PageCount(word: "hosts at work", count: "\(status.hostsActive)", kind: ""))
        hasAnswer = !status.resultFiles.isEmpty
        self.summary = summary
        hasSummary = !summary.isEmpty
        files = status.resultFiles.map {
            PageFile(name: $0, path: "/results/\(status.batchID)/\(BatchCard.escaped($0))")
        }
        plots = files.filter { $0.name.hasSuffix(".svg") || $0.name.hasSuffix(".png") }
    }

    /// As `millrace status` counts: what needs nothing more, however it ended; of a batch without an answer, what was
    /// validated.
    private static func ended(_ status: WireBatchStatus) -> UInt64 {
        switch status.state {
        case "finished": status.unitsTotal
        case "failed", "cancelled": status.unitsValidated
        default: status.unitsValidated + status.unitsFailed
        }
    }

    private static func pace(_ status: WireBatchStatus) -> String? {
        guard status.unitsPerSecond > 0 else { return nil }
        let perMinute = PageText.figure(status.unitsPerSecond * 60)
        let left = status.etaSeconds > 0 ? ", about \(PageText.span(status.etaSeconds)) to go" : ""
        return "\(perMinute) a minute\(left)"
    }

    /// Pieces of the bar, out of a thousand.
    private static func segments(_ parts: [(String, String, UInt64)], total: UInt64) -> [Segment] {
        guard total > 0 else { return [] }
        var at = 0.0
        var segments: [Segment] = []
        for (_, kind, count) in parts where count > 0 && kind != "ready" {
            let width = Double(count) / Double(total) * 1000
            segments.append(Segment(kind: kind, x: PageText.figure(at), width: PageText.figure(width)))
            at += width
        }
        return segments
    }

    /// A file name as part of a path (RFC 3986).
    private static func escaped(_ name: String) -> String {
        let digits = Array("0123456789ABCDEF".unicodeScalars)
        var text = String.UnicodeScalarView()
        for byte in name.utf8 {
            let scalar = Unicode.Scalar(byte)
            if scalar.isASCII,
                scalar.properties.isAlphabetic || (0x30...0x39).contains(byte) || "-._~".utf8.contains(byte)
            {
                text.append(scalar)
            } else {
                text.append("%")
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            }
        }
        return String(text)
    }
}
