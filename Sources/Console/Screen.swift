import Domain
import Glibc

/// Where a command writes. A protocol, so that tests can look at what a person would see.
public protocol Screen: Sendable {
    /// To standard output: what was asked for.
    func write(_ text: String)
    /// To standard error: faults, warnings, progress.
    func warn(_ text: String)
    /// Columns now; it is asked again before each line, since a window can be resized at any time.
    var width: Int { get }
    /// Whether standard output is a terminal on which lines can be drawn over.
    var isLive: Bool { get }
    /// The same for standard error.
    var isErrorLive: Bool { get }
    /// Whether block characters will be shown as such.
    var isUnicode: Bool { get }
    /// What kept standard output from being written, for example a full disk; nil when all is well.
    var writeFault: Fault? { get }
}

extension Screen {
    public var writeFault: Fault? { nil }
}

/// The two streams of this process.
public struct Terminal: Screen {
    public init() {}

    /// The first error of standard output. Only the thread of the command writes there.
    private nonisolated(unsafe) static var outputError: Int32 = 0

    public func write(_ text: String) {
        let code = Self.put(text, STDOUT_FILENO)
        if Self.outputError == 0 { Self.outputError = code }
    }

    public func warn(_ text: String) { _ = Self.put(text, STDERR_FILENO) }

    public var writeFault: Fault? {
        guard Self.outputError != 0 else { return nil }
        return Fault(
            .cannotWrite, "standard output cannot be written: \(String(cString: strerror(Self.outputError)))",
            advice: "The answer is not complete.")
    }

    /// 80 where the system does not know.
    public var width: Int {
        var size = winsize()
        for stream in [STDOUT_FILENO, STDERR_FILENO]
        where ioctl(stream, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 {
            return Int(size.ws_col)
        }
        return 80
    }

    public var isLive: Bool { Self.isLive(STDOUT_FILENO) }
    public var isErrorLive: Bool { Self.isLive(STDERR_FILENO) }

    public var isUnicode: Bool {
        for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
            guard let value = Environment.value(name), !value.isEmpty else { continue }
            let word = value.lowercased()
            return word.contains("utf-8") || word.contains("utf8")
        }
        return false
    }

    private static func isLive(_ stream: Int32) -> Bool {
        isatty(stream) == 1 && Environment.value("TERM") != "dumb"
    }

    /// A closed pipe (`millrace apps | head`) is no fault of ours: what nobody reads is dropped.
    ///
    /// - Returns: the number of another error; 0 without one.
    private static func put(_ text: String, _ stream: Int32) -> Int32 {
        let bytes = Array(text.utf8)
        var at = 0
        while at < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(stream, $0.baseAddress! + at, bytes.count - at) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return errno == EPIPE ? 0 : errno }
            at += count
        }
        return 0
    }
}

/// Variables of the environment.
enum Environment {
    static func value(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
