import CPosix
import Domain
import Glibc

/// How a task fits into the volunteer's machine: last in every queue, bounded, and gone when it is asked to go.
struct Surroundings {
    private let parent = getppid()
    private let inputIsLifeline: Bool

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
        var status = stat()
        let kind = fstat(0, &status) == 0 ? status.st_mode & S_IFMT : 0
        inputIsLifeline = kind == S_IFIFO || kind == S_IFSOCK
    }

    /// Bounds the address space by the unit's declared memory.
    func limitMemory(to bytes: UInt64) {
        _ = millrace_limit_address_space(bytes + Self.addressHeadroom)
    }

    /// What came since the last call.
    enum Request {
        case none
        /// The process was stopped for a while and goes on: its wall clock tells nothing.
        case wasStopped
        case stop(String)
    }

    func stopRequest() -> Request {
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
    static func peakMemoryBytes() -> Int {
        guard let file = fopen("/proc/self/status", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, 256, file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix("VmHWM:") else { continue }
            return (text.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) * 1024
        }
        return 0
    }
}
