import Foundation

/// Keeps the message of the present case where a signal handler finds it: a trap ends the process, and its message
/// would be lost.
enum CrashNote {
    nonisolated(unsafe) private static let buffer = UnsafeMutableRawPointer.allocate(
        byteCount: Mutator.bytesMax, alignment: 16)
    nonisolated(unsafe) private static var length = 0
    nonisolated(unsafe) private static var number = 0
    /// Zero-terminated; nil outside of a run.
    nonisolated(unsafe) private static var path: UnsafeMutablePointer<CChar>?

    static func note(_ message: [UInt8], _ number: Int) {
        length = min(message.count, Mutator.bytesMax)
        message.withUnsafeBytes {
            buffer.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(buffer), byteCount: length)
        }
        self.number = number
    }

    private static let signals = [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT]
    /// What other tests and the runtime had installed.
    nonisolated(unsafe) private static var before: [sigaction] = []

    /// Whose cases run.
    nonisolated(unsafe) private static var thread: pthread_t?

    /// Writes the message to a file and the case's number to standard error, with calls that a handler may make, and
    /// leaves the rest to the handler that was there before: it ends the process, and may print where it stood.
    static func begin(_ target: String) {
        thread = pthread_self()
        path = strdup(FuzzRun.corpus.appending(path: "\(target)-\(FuzzRun.seed)-crash.bin").path)
        before = signals.map { number in
            var mine = sigaction()
            var other = sigaction()
            mine.__sigaction_handler.sa_handler = { caught in
                CrashNote.write()
                if let place = CrashNote.signals.firstIndex(of: caught), place < CrashNote.before.count {
                    var other = CrashNote.before[place]
                    sigaction(caught, &other, nil)
                } else {
                    signal(caught, SIG_DFL)
                }
                // The others come again when the handler returns, from the place where they came from.
                if caught == SIGABRT || caught == SIGTRAP { raise(caught) }
            }
            sigaction(number, &mine, &other)
            return other
        }
    }

    static func end() {
        for (number, var other) in zip(signals, before) { sigaction(number, &other, nil) }
        free(path)
        path = nil
    }

    private static func write() {
        guard let path else { return }
        guard let thread, pthread_equal(thread, pthread_self()) != 0 else {
            put("\nanother test than the fuzzer stopped the process\n")
            return
        }
        let file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0o644)
        if file >= 0 {
            _ = Foundation.write(file, buffer, length)
            close(file)
        }
        // Digits by hand: nothing here may allocate.
        var divisor = 1
        while number / divisor >= 10 { divisor *= 10 }
        put("\nfuzz case ")
        while divisor > 0 {
            var digit = UInt8(ascii: "0") + UInt8(number / divisor % 10)
            _ = Foundation.write(2, &digit, 1)
            divisor /= 10
        }
        put(" stopped the process; message in ")
        _ = Foundation.write(2, path, strlen(path))
        put("\n")
    }

    private static func put(_ text: StaticString) {
        _ = Foundation.write(2, text.utf8Start, text.utf8CodeUnitCount)
    }
}
