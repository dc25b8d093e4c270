import CPosix
import Domain
import Glibc

/// A terminal taken over whole: no line editing, no echo, the alternate screen. It is given back as it was by `leave`,
/// and by signals that end the program.
package final class RawTerminal {
    private let input: Int32
    private let output: Int32
    private let saved: termios
    private var isOurs = false

    /// Alternate screen, no cursor, no wrapping at the end of a line.
    private static let enter = Array("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l\u{1B}[2J".utf8)
    private static let leave = Array("\u{1B}[0m\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l".utf8)

    /// - Throws: `.osError` when these are no terminal.
    package init(input: Int32, output: Int32) throws(Fault) {
        var saved = termios()
        guard isatty(output) == 1, tcgetattr(input, &saved) == 0 else {
            throw Fault(.osError, "this is no terminal")
        }
        self.input = input
        self.output = output
        self.saved = saved
    }

    deinit { leave() }

    /// Takes it.
    ///
    /// - Parameter guardingCrashes: signals of crashes give it back, too; for the program's one terminal.
    package func take(guardingCrashes: Bool) {
        guard !isOurs else { return }
        isOurs = true
        if guardingCrashes { CrashGuard.arm(input: input, output: output, saved: saved, bytes: Self.leave) }
        var raw = saved
        raw.c_iflag &= ~tcflag_t(BRKINT | ICRNL | INLCR | IGNCR | INPCK | ISTRIP | IXON)
        raw.c_oflag &= ~tcflag_t(OPOST)
        raw.c_lflag &= ~tcflag_t(ECHO | ICANON | IEXTEN | ISIG)
        tcsetattr(input, TCSANOW, &raw)
        _ = write(Self.enter)
    }

    /// Gives it back as it was.
    package func leave() {
        guard isOurs else { return }
        isOurs = false
        _ = write(Self.leave)
        var old = saved
        tcsetattr(input, TCSANOW, &old)
        CrashGuard.disarm()
    }

    /// - Returns: columns and rows; 80 and 24 where it does not say; at most 1000 each.
    package var size: (columns: Int, rows: Int) {
        var window = winsize()
        guard ioctl(output, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0, window.ws_row > 0 else {
            return (80, 24)
        }
        return (min(1000, Int(window.ws_col)), min(1000, Int(window.ws_row)))
    }

    /// - Returns: whether it went.
    package func write(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(output, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                var ready = pollfd(fd: output, events: Int16(POLLOUT), revents: 0)
                guard poll(&ready, 1, 2000) > 0 else { return false }
                continue
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// What was typed; nil: the terminal is gone.
    package func read() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(input, &buffer, buffer.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return [] }
        return count > 0 ? Array(buffer[..<count]) : nil
    }
}

/// Gives the terminal back when the program dies of its own fault. Everything that the handler needs is made before,
/// since it may call nothing but what is safe in a signal's handler: `write`, `tcsetattr`, `raise`.
private enum CrashGuard {
    private struct Kept {
        var input: Int32 = -1
        var output: Int32 = -1
        var saved = termios()
        var bytes: UnsafeMutablePointer<UInt8>?
        var count = 0
    }

    // Written by the thread that has the terminal before the handlers are set, read by them.
    nonisolated(unsafe) private static let kept: UnsafeMutablePointer<Kept> = {
        let kept = UnsafeMutablePointer<Kept>.allocate(capacity: 1)
        kept.initialize(to: Kept())
        return kept
    }()
    private static let signals = [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT]

    static func arm(input: Int32, output: Int32, saved: termios, bytes: [UInt8]) {
        if kept.pointee.bytes == nil {
            let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
            copy.initialize(from: bytes, count: bytes.count)
            kept.pointee.bytes = copy
            kept.pointee.count = bytes.count
        }
        kept.pointee.saved = saved
        kept.pointee.input = input
        kept.pointee.output = output
        for number in signals {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in CrashGuard.giveBack(number) }
            action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_NODEFER
            sigaction(number, &action, nil)
        }
    }

    static func disarm() {
        guard kept.pointee.output >= 0 else { return }
        kept.pointee.output = -1
        for number in signals { signal(number, SIG_DFL) }
    }

    private static func giveBack(_ number: Int32) {
        if kept.pointee.output >= 0, let bytes = kept.pointee.bytes {
            _ = Glibc.write(kept.pointee.output, bytes, kept.pointee.count)
            tcsetattr(kept.pointee.input, TCSANOW, &kept.pointee.saved)
        }
        raise(number)
    }
}
