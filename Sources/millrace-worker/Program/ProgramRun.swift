import CPosix
import Confinement
import Domain
import FoundationEssentials
import Glibc
import WorkerHost

/// One run of a program in its enclosure. This process has one thread, so that its copy may make the enclosure.
///
/// All processes are of one group: whoever stops, continues or kills this one does so to the program as well. A request
/// to end that reached only this process is passed on by the end of the enclosing process's input.
struct ProgramRun {
    let surroundings: Surroundings
    let output: ProgramOutput
    var account: ProgramAccount
    /// Why it was asked to end; nil: it was not.
    private(set) var stopReason: String?
    private var fraction = 0.0

    /// A program that was asked to end has so long.
    private static let graceSeconds = 10.0
    private static let lookMilliseconds: Int32 = 200
    private static let progressSeconds = 0.5
    /// Of what it writes to its standard output and errors; beside it, there is room for the last message.
    private static let logBytesMax = Limits.workerLogBytesMax * 3 / 4

    init(surroundings: Surroundings, output: ProgramOutput, account: ProgramAccount) {
        self.surroundings = surroundings
        self.output = output
        self.account = account
    }

    private struct Ends {
        /// The reading end becomes the enclosing process's standard input.
        var lifeline: Pipe
        var output: Pipe
        var report: Pipe
    }

    /// - Parameter program: is shown as the file that the enclosure's command names; it is let go.
    /// - Throws: `.osError` when the system refuses.
    mutating func perform(_ enclosure: Enclosure, _ program: MemoryFile) throws(Fault) -> EnclosedRun.End {
        var enclosure = enclosure
        enclosure.contents = [
            .init(
                place: enclosure.command.first { $0.hasPrefix("/program/") } ?? "/program/program", isExecutable: true,
                descriptor: program.descriptor)
        ]
        let ends = Ends(lifeline: try Pipe(), output: try Pipe(), report: try Pipe())
        let child = millrace_fork()
        guard child >= 0 else { throw StageChild.fault("start a process") }
        if child == 0 { Self.enclose(enclosure, ends) }
        for end in [ends.lifeline.reading, ends.output.writing, ends.report.writing] { close(end) }
        // The child has it; once it lies in the enclosure, it need not be in memory a second time.
        program.letGo()
        let words = OutputCollector(
            source: ends.output.reading, log: STDERR_FILENO, logBytesMax: Self.logBytesMax)
        watch(child, ends.lifeline.writing, words)
        var status: Int32 = 0
        var seconds = 0.0
        let isFound = millrace_reap(child, &status, &seconds) == 0
        words.drain()
        account.look(wall: 0)
        let signal = isFound ? millrace_wait_signal(status) : 0
        let exit = ChildExit(
            code: signal == 0 ? millrace_wait_code(status) : nil, signal: signal == 0 ? nil : signal,
            cpuSeconds: seconds)
        defer { for end in [ends.output.reading, ends.report.reading] { close(end) } }
        return EnclosedRun.end(exit, reportsAt: ends.report.reading, lastWords: words.lastWords)
    }

    /// The child: it becomes the enclosing process. The folder's lock stays open there, so that nobody else starts in
    /// the folder while the program lives.
    private static func enclose(_ enclosure: Enclosure, _ ends: Ends) -> Never {
        dup2(ends.lifeline.reading, STDIN_FILENO)
        dup2(ends.output.writing, STDOUT_FILENO)
        dup2(ends.output.writing, STDERR_FILENO)
        for end in [
            ends.lifeline.reading, ends.lifeline.writing, ends.output.reading, ends.output.writing, ends.report.reading,
        ] { close(end) }
        // This process ignores it; the program must not.
        signal(SIGXFSZ, SIG_DFL)
        _exit(EnclosingProcess(enclosure) { EncloseCommand.tell($0, ends.report.writing) }.perform())
    }

    /// Until the enclosing process has ended.
    private mutating func watch(_ child: pid_t, _ lifeline: Int32, _ words: OutputCollector) {
        var lifeline: Int32? = lifeline
        defer { if let lifeline { close(lifeline) } }
        let handle = millrace_pidfd_open(child)
        defer { if handle >= 0 { close(handle) } }
        var last = millrace_monotonic_seconds()
        var told = -1e9
        var killAt: Double?
        while millrace_has_ended(child) == 0 {
            var ready = [
                pollfd(fd: handle, events: Int16(POLLIN), revents: 0),
                pollfd(fd: words.source, events: Int16(POLLIN), revents: 0),
            ]
            poll(&ready, 2, Self.lookMilliseconds)
            if ready[1].revents != 0, !words.drain(), ready[0].revents == 0 { usleep(20_000) }
            let now = millrace_monotonic_seconds()
            let request = surroundings.stopRequest()
            // While it stood still, nothing ran but the clock.
            if case .wasStopped = request { last = now }
            if case .stop(let why) = request, stopReason == nil {
                stopReason = why
                killAt = now + Self.graceSeconds
                if !Self.wasTold(child), let end = lifeline {
                    close(end)
                    lifeline = nil
                }
            }
            if let killAt, now >= killAt { kill(child, SIGKILL) }
            guard now - told >= Self.progressSeconds else { continue }
            told = now
            account.look(wall: now - last)
            last = now
            fraction = output.progress() ?? fraction
            account.tell(fraction: fraction, done: false, durable: false)
        }
        account.look(wall: max(0, millrace_monotonic_seconds() - last))
        fraction = output.progress() ?? fraction
        account.tell(fraction: fraction, done: false, durable: false)
    }

    /// Whether SIGTERM reached the group of all these processes: the enclosing one holds it back and never takes it.
    /// A program that saves its work should not be asked twice.
    private static func wasTold(_ child: pid_t) -> Bool {
        // Signals to a group reach one after the other.
        usleep(50_000)
        guard let text = ProcessTimes.text("/proc/\(child)/status"),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("ShdPnd:") }),
            let bits = UInt64(line.dropFirst(7).filter { !$0.isWhitespace }, radix: 16)
        else { return false }
        return bits & (1 << UInt64(SIGTERM - 1)) != 0
    }
}
