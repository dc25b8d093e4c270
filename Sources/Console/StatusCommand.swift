import Domain
import Wire

/// `millrace status [BATCH] [--watch]`.
public struct StatusCommand: Sendable {
    private let client: ServerClient
    private let batch: UInt64?
    private let isWatching: Bool
    private let interval: Double
    private let pause: any Pause

    /// A server that was there may be away this long while a batch is watched: it restarts, and goes on.
    private static let patienceSeconds = 600.0

    /// - Parameter batch: nil: all; with `watch` the newest.
    /// - Parameter interval: seconds between questions, 0.1 ... 3600.
    public init(
        client: ServerClient, batch: UInt64?, watch: Bool, interval: Double = 1, pause: any Pause = SystemPause()
    ) {
        self.client = client
        self.batch = batch
        isWatching = watch
        self.interval = interval
        self.pause = pause
    }

    /// - Returns: 1 when the batch that was asked for ended without its answer, else 0.
    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        guard (0.1...3600).contains(interval) else {
            throw Fault(.usage, "--interval \(interval) is out of range", advice: "0.1 to 3600 seconds")
        }
        if isWatching { return try watch(context) }
        guard let batch else { return try list(context) }
        let view = BatchView(try client.batch(batch))
        context.answer(view.json, text: view.text(width: context.screen.width, unicode: context.screen.isUnicode))
        return view.exitCode
    }

    private func list(_ context: CommandContext) throws(Fault) -> Int32 {
        let list = try client.batchList()
        let views = list.batches.map { BatchView($0) }
        var text = Self.table(views, width: context.tableWidth)
        if !list.diskTrouble.isEmpty { text += "The server is short of space: \(Printable.clean(list.diskTrouble))\n" }
        if !list.logTrouble.isEmpty { text += "The public log is behind: \(Printable.clean(list.logTrouble))\n" }
        context.answer(
            .members([
                ("batches", .list(views.map(\.json))),
                ("disk_trouble", list.diskTrouble.isEmpty ? .null : .text(list.diskTrouble)),
                ("log_trouble", list.logTrouble.isEmpty ? .null : .text(list.logTrouble)),
            ]), text: text)
        return 0
    }

    static func table(_ views: [BatchView], width: Int) -> String {
        if views.isEmpty { return "No batch yet. `millrace submit` sends one.\n" }
        var table = TextTable([
            .init("BATCH", .right), .init("PROJECT", flexible: true), .init("STATE"), .init("DONE", .right),
            .init("UNITS", .right), .init("FAILED", .right), .init("TIME LEFT", .right), .init("SUBMITTED"),
        ])
        for view in views {
            let status = view.status
            table.add([
                "\(status.batchID)", status.project, status.state, ProgressBar.percent(view.fraction),
                "\(status.unitsValidated)/\(status.unitsTotal)\(status.splitFinished ? "" : "+")",
                "\(status.unitsFailed)", view.eta ?? "", Amounts.moment(status.createdMs),
            ])
        }
        return table.text(width: width)
    }

    // MARK: - Watching

    private func watch(_ context: CommandContext) throws(Fault) -> Int32 {
        var client = client
        // On a terminal lines are drawn over, and another one between them would stay.
        if context.screen.isLive { client.notice = { _ in } }
        let id = if let batch { batch } else { try newest() }
        var view = BatchView(try client.batch(id))
        var display = WatchDisplay(context: context)
        var lostAt: Double?
        while true {
            if lostAt == nil { display.show(view) }
            if view.isOver {
                display.finish(view)
                return view.exitCode
            }
            pause.wait(seconds: interval)
            do throws(Fault) {
                view = BatchView(try client.batch(id))
                lostAt = nil
            } catch {
                guard error.kind == .unreachable || error.kind == .interrupted else { throw error }
                let since = lostAt ?? pause.now
                if lostAt == nil { display.lost(error) }
                lostAt = since
                if pause.now - since > Self.patienceSeconds { throw error }
            }
        }
    }

    private func newest() throws(Fault) -> UInt64 {
        guard let id = try client.batches().map(\.batchID).max() else {
            throw Fault(.noInput, "there is no batch to watch", advice: "`millrace submit` sends one.")
        }
        return id
    }
}

/// What is seen while a batch is watched: two lines drawn over on a terminal, a line per change elsewhere.
struct WatchDisplay {
    let context: CommandContext
    private var block = LiveBlock()
    private var last: String?

    init(context: CommandContext) {
        self.context = context
    }

    mutating func show(_ view: BatchView) {
        let screen = context.screen
        if context.asJSON {
            once(view.json.line)
        } else if screen.isLive {
            screen.write(
                block.redraw(Self.lines(view, width: screen.width - 1, unicode: screen.isUnicode), width: screen.width))
        } else {
            once(Self.plain(view))
        }
    }

    static func lines(_ view: BatchView, width: Int, unicode: Bool) -> [String] {
        let status = view.status
        let parts = [
            view.units, view.eta.map { "\($0) left" }, view.rate,
            Amounts.count(status.hostsActive, "host"),
        ]
        return [
            "Batch \(status.batchID), \(Printable.clean(status.project)): \(view.stateText)",
            StatusLine.text(view.fraction, parts: parts.compactMap { $0 }, width: width, unicode: unicode),
            "  " + view.details,
        ]
    }

    static func plain(_ view: BatchView) -> String {
        let status = view.status
        return "batch \(status.batchID) \(status.state) \(ProgressBar.percent(view.fraction)) \(view.units); "
            + view.details
    }

    mutating func lost(_ fault: Fault) {
        let text = "\(Printable.clean(fault.message)); asking again\n"
        if context.screen.isLive && !context.asJSON { context.screen.write(block.erase(width: context.screen.width)) }
        if !context.asJSON { context.screen.warn(text) }
    }

    mutating func finish(_ view: BatchView) {
        guard !context.asJSON else { return }
        let screen = context.screen
        if screen.isLive { screen.write(block.erase(width: screen.width)) }
        screen.write(view.text(width: screen.width, unicode: screen.isUnicode))
        if view.status.state == "finished" {
            screen.write("Fetch the answer: millrace results \(view.status.batchID)\n")
        }
    }

    private mutating func once(_ line: String) {
        guard line != last else { return }
        last = line
        context.screen.write(line + "\n")
    }
}
