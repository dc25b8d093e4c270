import CPosix
import ClientCore
import Domain
import Glibc
import WorkerHost

/// `millrace-client top`: shows a client again and again on a terminal, and hands it what the keys ask for.
public final class TopProgram {
    private let folder: String
    private let terminal: RawTerminal
    private let input: Int32
    private let look: TerminalLook
    private let isOnlyOne: Bool
    private let asker: TopAsker
    private let wake: WakePipe
    private var state = TopState()
    private var keys = TopKeyReader()
    private var shown: [TerminalLine] = []
    private var shownSize = (columns: 0, rows: 0)
    private var isOver = false

    /// How long a lone escape may be the beginning of a longer sequence.
    private static let escapeMilliseconds: Int32 = 60
    /// Ages on the screen grow without any news.
    private static let redrawMilliseconds: Int32 = 1000

    /// - Parameter folder: the client's.
    /// - Parameter isOnlyOne: it has the process for itself, and takes its signals.
    /// - Throws: `.osError` when these are no terminal.
    package init(
        folder: String, input: Int32, output: Int32, look: TerminalLook, isOnlyOne: Bool
    ) throws(Fault) {
        self.folder = folder
        self.input = input
        self.look = look
        self.isOnlyOne = isOnlyOne
        terminal = try RawTerminal(input: input, output: output)
        wake = try WakePipe()
        asker = TopAsker(folder: folder, wake: wake)
    }

    /// Shows the client in the folder on this terminal until the user has enough; where it is no terminal, one frame
    /// as text.
    ///
    /// - Parameter show: takes a line of text.
    public static func run(folder: String, show: (String) -> Void) throws(Fault) {
        let look = TerminalLook.ofEnvironment
        guard isatty(0) == 1, isatty(1) == 1 else {
            for line in frame(folder: folder, look: look) { show(line) }
            return
        }
        let wake = TerminalSignals.watch()
        let program = try TopProgram(folder: folder, input: 0, output: 1, look: look, isOnlyOne: true)
        wake.attach(program.wake)
        program.loop()
    }

    /// One frame of as many lines as it needs, 100 columns wide.
    package static func frame(folder: String, look: TerminalLook) -> [String] {
        var state = TopState()
        switch TopAsker.status(folder) {
        case .success(let status): state.take(.success(status))
        case .failure(let trouble):
            if let last = try? DataDirectory.status(in: folder) { state.take(.success(last)) }
            state.take(.failure(trouble))
        }
        let rows = 60 + state.tasks.count * 2
        let screen = TopScreen(columns: 100, rows: rows, look: look, nowMs: millrace_wall_milliseconds())
        var lines = screen.lines(state).dropLast().map { look.plain($0) }
        // What a screen fills with emptiness a text does not need.
        lines = lines.enumerated().filter { !$1.isEmpty || ($0 > 0 && !lines[$0 - 1].isEmpty) }.map(\.element)
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    /// Runs until a key, a signal or the end of the terminal ends it.
    package func loop() {
        terminal.take(guardingCrashes: isOnlyOne)
        defer {
            asker.end()
            terminal.leave()
        }
        draw()
        while !isOver {
            var ready = [
                pollfd(fd: input, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wake.readable, events: Int16(POLLIN), revents: 0),
            ]
            let patience = keys.isWaiting ? Self.escapeMilliseconds : Self.redrawMilliseconds
            let count = poll(&ready, 2, patience)
            if count < 0, errno != EINTR { break }
            if count == 0, keys.isWaiting { for key in keys.settle() { take(key) } }
            if ready[1].revents != 0 { takeNews() }
            if ready[0].revents & Int16(POLLIN) != 0 {
                guard let bytes = terminal.read() else { break }
                for key in keys.take(bytes) where !isOver { take(key) }
            } else if ready[0].revents != 0 {
                break
            }
            if !isOver { draw() }
        }
    }

    /// The terminal has another size. Safe from any thread.
    package var resized: @Sendable () -> Void { { [wake] in wake.post(.resized) } }

    private func take(_ key: TopKey) {
        switch state.take(key) {
        case .ask(let request): asker.post(request)
        case .quit: isOver = true
        case .redraw: shown = []
        case .suspend:
            guard isOnlyOne else { return }
            terminal.leave()
            kill(getpid(), SIGSTOP)
            terminal.take(guardingCrashes: true)
            shown = []
        case nil: break
        }
    }

    private func takeNews() {
        for news in wake.take() {
            switch news {
            case .ended: isOver = true
            case .resized: shown = []
            case .answer: break
            }
        }
        for answer in asker.takeAnswers() {
            switch answer {
            case .status(let outcome): state.take(outcome)
            case .done(let words): state.say(words, isBad: false)
            case .refused(let words): state.say(words, isBad: true)
            }
        }
    }

    /// Only what is another screen than before is sent.
    private func draw() {
        let size = terminal.size
        let screen = TopScreen(
            columns: size.columns, rows: size.rows, look: look, nowMs: millrace_wall_milliseconds())
        let lines = screen.lines(state)
        guard lines != shown || size != shownSize else { return }
        let isNew = shown.isEmpty || size != shownSize
        let frame = look.frame(lines, columns: size.columns)
        if !terminal.write((isNew ? Array("\u{1B}[2J".utf8) : []) + frame) { isOver = true }
        shown = lines
        shownSize = size
    }
}
