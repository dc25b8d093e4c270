import CPosix
import Domain
import Glibc
import WorkerHost

/// A part of the work on a unit with a program, done in a copy of this process: it is shut in, which this process must
/// not be. All of them stay in this process's group.
enum StageChild {
    /// What came of it.
    struct End {
        /// nil: a signal ended it.
        var code: Int32?
        var signal: Int32 = 0
        /// What it wrote for its parent.
        var bytes: [UInt8] = []
    }

    /// Does something in a child, and waits for it.
    ///
    /// - Parameters:
    ///   - bytesMax: of what it writes for its parent; more is dropped.
    ///   - isWanted: asked five times a second; false: the child is killed.
    ///   - body: gets the descriptor that it may write to; what it throws goes to the standard error, and its kind
    ///     becomes the exit code.
    /// - Throws: `.osError`.
    static func perform(
        bytesMax: Int, isWanted: () -> Bool, _ body: (_ answer: Int32) throws(Fault) -> Void
    ) throws(Fault) -> End {
        var pipe: [Int32] = [-1, -1]
        guard pipe2(&pipe, O_CLOEXEC) == 0 else { throw Self.fault("make a pipe") }
        let child = millrace_fork()
        guard child >= 0 else {
            for end in pipe { close(end) }
            throw Self.fault("start a process")
        }
        if child == 0 {
            close(pipe[0])
            do throws(Fault) { try body(pipe[1]) } catch {
                WorkerFiles.complain("millrace-worker: \(error)")
                _exit(error.kind.rawValue)
            }
            _exit(0)
        }
        close(pipe[1])
        defer { close(pipe[0]) }
        var end = End()
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            var ready = pollfd(fd: pipe[0], events: Int16(POLLIN), revents: 0)
            if poll(&ready, 1, 200) > 0 {
                let count = read(pipe[0], &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                // Its end of the pipe is closed: it has ended, or is about to.
                guard count > 0 else { break }
                end.bytes += buffer[..<min(count, bytesMax - end.bytes.count)]
            }
            if !isWanted() { kill(child, SIGKILL) }
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        end.signal = millrace_wait_signal(status)
        if end.signal == 0 { end.code = millrace_wait_code(status) }
        return end
    }

    static func fault(_ what: String) -> Fault {
        Fault(.osError, "cannot \(what): \(String(cString: strerror(errno)))")
    }
}
