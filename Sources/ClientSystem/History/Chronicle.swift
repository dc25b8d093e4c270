import CPosix
import ClientCore
import Domain
import Synchronization
import WorkerHost

/// Keeps the histories of a running client's projects, and what their sites say of themselves: on a thread of its own,
/// since disk and network may be slow. What it has not saved when the client dies is found in the sums again.
package final class Chronicle: Sendable {
    /// What the client is doing for a project.
    package struct Look: Hashable, Sendable {
        package var name: String
        package var server: String
        package var sums: WorkSums
        package var projects: Set<String>

        package init(_ project: ClientStatus.Project) {
            name = project.name
            server = project.server
            sums = WorkSums(project)
            projects = Set(project.tasks.map(\.project))
        }
    }

    private struct Kept {
        var book: HistoryBook
        var isSaved: Bool
        var savedAt: Double
        var savedDay: Int64
        /// When the site may be asked again, whether or not it answered.
        var askAt: Double
    }

    private struct State {
        var kept: [String: Kept] = [:]
        var isBusy = false
        /// The last looks that were taken in.
        var looks: [Look] = []
        var day: Int64?
    }

    private let folder: String
    private let transport: HTTPTransport?
    private let thread = TransferQueue(threadsMax: 1)
    private let state = Mutex(State())
    private let words = Mutex<[String]>([])

    private static let saveSeconds = 900.0
    private static let askSeconds = 3600.0

    /// - Parameter folder: the client's.
    /// - Parameter transport: nil: sites are not asked.
    package init(folder: String, transport: HTTPTransport?) {
        self.folder = folder
        self.transport = transport
    }

    /// What is to be said since the last call.
    package func takeWords() -> [String] {
        words.withLock { words in
            defer { words = [] }
            return words
        }
    }

    /// Takes a look in, unless an earlier one is still being written.
    ///
    /// - Parameter projects: those that are worked for.
    /// - Parameter day: the local day.
    /// - Parameter mayAsk: whether the network may be used.
    package func note(_ projects: [Look], day: Int64, mayAsk: Bool) {
        let isWanted = state.withLock { state in
            // A machine at rest is not woken for what is known.
            let isNew = state.looks != projects || state.day != day || state.kept.values.contains { !$0.isSaved }
            guard isNew, !state.isBusy else { return false }
            state.isBusy = true
            state.looks = projects
            state.day = day
            return true
        }
        guard isWanted else { return }
        thread.submit { [self] in
            for look in projects { note(look, day, isLast: false) }
            state.withLock { $0.isBusy = false }
            if mayAsk { for look in projects { ask(look) } }
        }
    }

    /// The last look: waits until it is saved, but not for ever.
    package func settle(_ projects: [Look], day: Int64, seconds: Double) {
        let flag = Flag()
        thread.submit { [self] in
            for look in projects { note(look, day, isLast: true) }
            flag.raise()
        }
        for _ in 0..<Int(seconds * 100) where !flag.isRaised { usleep(10_000) }
    }

    private final class Flag: Sendable {
        private let value = Mutex(false)
        func raise() { value.withLock { $0 = true } }
        var isRaised: Bool { value.withLock { $0 } }
    }

    // MARK: On its thread

    private func note(_ look: Look, _ day: Int64, isLast: Bool) {
        let path = ProjectNames.path(look.name, in: folder)
        // A project that is being left has no folder, and gets none.
        guard Files.exists("\(path)/identity.json") else {
            state.withLock { $0.kept[look.name] = nil }
            return
        }
        let file = HistoryFile(folder: path)
        let now = millrace_monotonic_seconds()
        do throws(Fault) {
            var kept: Kept
            if let known = state.withLock({ $0.kept[look.name] }) {
                kept = known
            } else {
                let book = try file.readOrBegin { line in words.withLock { $0.append(line) } }
                kept = Kept(book: book, isSaved: Files.exists(file.path), savedAt: now, savedDay: day, askAt: 0)
            }
            let isFirst = !kept.isSaved && kept.book == HistoryBook()
            if kept.book.note(look.sums, day: day, projects: look.projects) { kept.isSaved = false }
            let isDue = isFirst || isLast || now - kept.savedAt >= Self.saveSeconds || day != kept.savedDay
            state.withLock { [kept] in $0.kept[look.name] = kept }
            guard !kept.isSaved, isDue else { return }
            kept.savedAt = now
            kept.savedDay = day
            state.withLock { [kept] in $0.kept[look.name] = kept }
            try file.write(kept.book)
            kept.isSaved = true
            state.withLock { [kept] in $0.kept[look.name] = kept }
        } catch {
            // A full disk: nothing is lost by it, and a later look tries again.
        }
    }

    private func ask(_ look: Look) {
        let path = ProjectNames.path(look.name, in: folder)
        let now = millrace_monotonic_seconds()
        let isDue = state.withLock { state in
            guard let kept = state.kept[look.name], now >= kept.askAt else { return false }
            state.kept[look.name]?.askAt = now + Self.askSeconds
            return true
        }
        guard isDue, let transport else { return }
        let file = AboutFile(folder: path)
        guard file.isOld, Files.exists("\(path)/identity.json") else { return }
        do throws(Fault) {
            let info = try ServerLink(transport: transport, serverURL: look.server).project()
            try file.write(info)
        } catch {
            // It only informs; the next hour tries again.
        }
    }
}
