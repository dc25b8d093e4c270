import CPosix
import ClientCore
import ClientSystem
import Domain
import Glibc
import Synchronization
import Testing
import WorkerHost

@Suite("The terminal view on a terminal")
struct TopTerminalTests {
    /// A terminal of its own with the view on it.
    private final class Screen: Sendable {
        private let master: Int32
        private let terminal: Int32
        private let shown = Mutex<[UInt8]>([])
        private let hasEnded = Mutex(false)
        private let resized = Mutex<(@Sendable () -> Void)?>(nil)
        let before: termios

        init(folder: String, columns: UInt16 = 80, rows: UInt16 = 24) throws {
            var control: Int32 = -1
            terminal = millrace_open_terminal(&control)
            try #require(terminal >= 0)
            master = control
            var mode = termios()
            tcgetattr(terminal, &mode)
            before = mode
            size(columns, rows)
            BlockingThread.start("read") { [self, master] in
                var buffer = [UInt8](repeating: 0, count: 4096)
                while true {
                    let count = read(master, &buffer, buffer.count)
                    if count < 0 && errno == EINTR { continue }
                    guard count > 0 else { return }
                    shown.withLock { $0 += buffer[..<count] }
                }
            }
            let terminal = self.terminal
            BlockingThread.start("top") { [self] in
                let look = TerminalLook(hasColour: true, isUnicode: true)
                let program = try? TopProgram(
                    folder: folder, input: terminal, output: terminal, look: look, isOnlyOne: false)
                resized.withLock { $0 = program?.resized }
                program?.loop()
                hasEnded.withLock { $0 = true }
            }
        }

        deinit {
            close(terminal)
            close(master)
        }

        func size(_ columns: UInt16, _ rows: UInt16) {
            var window = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
            _ = ioctl(terminal, UInt(TIOCSWINSZ), &window)
            resized.withLock { $0 }?()
        }

        func type(_ text: String) { _ = write(master, text, text.utf8.count) }
        var text: String { shown.withLock { String(decoding: $0, as: UTF8.self) } }
        func forget() { shown.withLock { $0 = [] } }
        var isOver: Bool { hasEnded.withLock { $0 } }
        var mode: termios {
            var mode = termios()
            tcgetattr(terminal, &mode)
            return mode
        }
    }

    @Test("It waits for a client, shows it, takes keys, follows the size, and gives the terminal back")
    func wholeWay() throws {
        let folder = try TemporaryFolder()
        let server = try ProjectServer()
        try AttachingTests.attach(server, folder)
        let screen = try Screen(folder: folder.path)
        #expect(eventually { screen.text.contains("waiting for one.") })
        #expect(screen.text.hasPrefix("\u{1B}[?1049h") && screen.mode.c_lflag & tcflag_t(ECHO | ICANON) == 0)
        let client = ClientLoopTests.Client(folder.path)
        #expect(eventually { screen.text.contains("Tiny") }, "\(client.words)")
        screen.type("p")
        #expect(eventually { screen.text.contains("Pause for: 1, 2, 4 or 8 hours") })
        screen.type("u")
        #expect(eventually { screen.text.contains("Paused for 0 s: you paused the client.") })
        screen.type("?")
        #expect(eventually { screen.text.contains("the chosen task rests, or goes on") })
        screen.type("q")
        screen.forget()
        screen.size(30, 8)
        #expect(eventually { screen.text.contains("\u{1B}[2J") && screen.text.contains("\u{1B}[8;1H") })
        #expect(!screen.text.contains("\u{1B}[9;1H"))
        screen.type("rq")
        #expect(eventually { screen.isOver })
        #expect(eventually { screen.text.hasSuffix("\u{1B}[0m\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l") })
        let mode = screen.mode
        #expect(mode.c_lflag == screen.before.c_lflag && mode.c_iflag == screen.before.c_iflag)
        #expect(mode.c_oflag == screen.before.c_oflag)
        // The key before the last one was done, too.
        let path = folder.path
        #expect(
            eventually {
                (try? ControlClient.ask(ControlRequest(.status), folder: path))?.status.map { $0.pause == nil } == true
            })
        #expect(client.stop())
    }

    @Test("What is no terminal gets one frame as text, with or without a client")
    func frame() throws {
        let folder = try TemporaryFolder()
        let look = TerminalLook(hasColour: false, isUnicode: false)
        #expect(TopProgram.frame(folder: folder.path, look: look).first == "Millrace")
        let server = try ProjectServer()
        try AttachingTests.attach(server, folder)
        let client = ClientLoopTests.Client(folder.path)
        let path = folder.path
        #expect(eventually { TopProgram.frame(folder: path, look: look).contains { $0.hasPrefix("Tiny") } })
        let lines = TopProgram.frame(folder: path, look: look)
        #expect(lines.allSatisfy { $0.utf8.count <= 100 && $0.utf8.allSatisfy { (0x20..<0x7F).contains($0) } })
        #expect(client.stop())
        #expect(throws: Fault.self) { try RawTerminal(input: 0, output: open("/dev/null", O_RDWR | O_CLOEXEC)) }
    }
}
