import CPosix
import Confinement
import Domain
import Glibc
import Wire

/// How a task fits into the volunteer's machine: last in every queue, bounded, and gone when it is asked to go.
struct Surroundings {
    private let parent = getppid()
    private let inputIsLifeline: Bool
    /// `/proc/self/status`, which cannot be opened any more when this process is shut in.
    private let ownStatus: Int32
    private let session = SessionRank()

    /// Address space beyond the unit's memory: the program itself, its libraries, allocator arenas.
    static let addressHeadroom: UInt64 = 1 << 30
    /// Resident memory of this program before any kernel has started, rounded up.
    static let residentHeadroom = 64 << 20

    /// Takes the lowest priority for processor and disk, forbids core dumps, and blocks the stop signals, which
    /// `stopRequest` looks for.
    init() {
        millrace_block_stop_signals()
        _ = millrace_no_core_dumps()
        _ = millrace_lowest_priority()
        _ = millrace_set_idle_scheduling()
        _ = millrace_set_idle_disk()
        session.lower()
        var status = stat()
        let kind = fstat(0, &status) == 0 ? status.st_mode & S_IFMT : 0
        inputIsLifeline = kind == S_IFIFO || kind == S_IFSOCK
        ownStatus = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
        // A file beyond its bound is an error of the write, with a message, and not the end.
        signal(SIGXFSZ, SIG_IGN)
    }

    /// What a work unit's own bounds mean for the process that computes it.
    ///
    /// The client ends a task by CPU time that fits this computer's measured speed; the bound here is a last resort,
    /// for a computer of 10 MFLOP/s.
    static func bounds(of unit: WireWorkUnitBody) -> Bounds {
        let seconds = unit.flopsBound / 1e7 + 3600
        return Bounds(
            addressSpaceBytes: Int(clamping: min(unit.memoryBytes, .max - addressHeadroom) + addressHeadroom),
            fileBytes: Int(clamping: max(unit.diskBytes, unit.outputBytesMax, leastFileBytes)),
            cpuSeconds: seconds.isFinite ? Int(min(max(seconds, 0), 1e9)) : nil)
    }

    /// Room for checkpoints of units that declare less disk than that.
    private static let leastFileBytes: UInt64 = 16 << 20

    /// What came since the last call.
    enum Request {
        case none
        /// The process was stopped for a while and goes on: its wall clock tells nothing.
        case wasStopped
        case stop(String)
    }

    func stopRequest() -> Request {
        session.lower()
        var request = Request.none
        while true {
            switch millrace_take_stop_signal() {
            case 0:
                if case .stop = request { return request }
                return parentIsGone ? .stop("the parent is gone") : request
            case SIGCONT: if case .none = request { request = .wasStopped }
            case let number: request = .stop("signal \(number)")
            }
        }
    }

    private var parentIsGone: Bool {
        if getppid() != parent { return true }
        guard inputIsLifeline else { return false }
        var end = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        return poll(&end, 1, 0) > 0 && end.revents & Int16(POLLHUP | POLLERR) != 0
    }

    /// Largest resident set so far, bytes, of this program alone: what `getrusage` says begins with the parent's.
    func peakMemoryBytes() -> Int {
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = pread(ownStatus, &bytes, bytes.count, 0)
        let lines = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix("VmHWM:") }) else { return 0 }
        return (line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) * 1024
    }
}
