import CPosix
import Glibc

/// The processes of this PID namespace, this one excepted, and what they hold: by their threads, since the first thread
/// of a process may have ended while others go on, and since threads need not share descriptors.
struct ProcessMeter {
    let look: Look
    /// Threads by process.
    private let threads: [(pid: String, tids: [String])]
    /// Of each process a thread that has its memory, and how much that is; none of those of which all threads have ended.
    private let living: [(task: String, tid: Int, bytes: Int)]

    init(_ look: Look) throws(Look.Blindness) {
        self.look = look
        guard let names = try look.names(in: "/proc") else { throw Look.Blindness("there is no /proc") }
        var threads: [(pid: String, tids: [String])] = []
        var living: [(task: String, tid: Int, bytes: Int)] = []
        for pid in names where pid != "1" && pid.allSatisfy(\.isNumber) {
            // None: it has ended.
            guard let tids = try look.names(in: "/proc/\(pid)/task"), !tids.isEmpty else { continue }
            threads.append((pid, tids))
            for tid in tids {
                let task = "/proc/\(pid)/task/\(tid)"
                guard let bytes = try Self.bytes(of: task, look) else { continue }
                living.append((task, Int(tid) ?? 0, bytes))
                break
            }
        }
        (self.threads, self.living) = (threads, living)
    }

    // MARK: Memory

    /// Bytes of memory of all of them. Only when the simple sum is higher than `bytesMax`, it is looked at which pages
    /// several of them share, which takes the kernel longer.
    func residentBytes(bytesMax: Int) throws(Look.Blindness) -> Int {
        let sum = living.reduce(0) { $0 + $1.bytes }
        guard sum > bytesMax else { return sum }
        var exact = 0
        for (at, process) in living.enumerated() {
            // Between vfork and execve, two processes are in one memory.
            if living[..<at].contains(where: { Self.share(Self.memory, $0.tid, process.tid) }) { continue }
            exact += try shared(process.task) ?? process.bytes
        }
        return exact
    }

    /// Bytes of memory and of swap space; nil: the thread is gone, or is ending and has let go of its memory.
    private static func bytes(of task: String, _ look: Look) throws(Look.Blindness) -> Int? {
        guard let lines = try look.lines("\(task)/status"), let resident = field("VmRSS:", lines) else { return nil }
        return resident + (field("VmSwap:", lines) ?? 0)
    }

    /// Pages that n processes share count as 1/n of a page for each.
    private func shared(_ task: String) throws(Look.Blindness) -> Int? {
        guard let lines = try look.lines("\(task)/smaps_rollup"), let resident = Self.field("Pss:", lines) else {
            return nil
        }
        return resident + (Self.field("SwapPss:", lines) ?? 0)
    }

    /// Bytes, from a line like `VmRSS:  1234 kB`.
    private static func field(_ name: String, _ lines: [Substring]) -> Int? {
        let line = lines.first { $0.hasPrefix(name) }
        return line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }.map { $0 * 1024 }
    }

    // MARK: Files

    /// Why a mapping holds what nobody can count, in words; nil: none does.
    ///
    /// - Parameter output: the program's folder.
    func hiddenMapping(ofOutput output: String?) throws(Look.Blindness) -> String? {
        for process in living {
            for line in try look.lines("\(process.task)/maps") ?? [] where line.hasSuffix(" (deleted)") {
                if let output, line.contains(" \(output)/") {
                    return "a file of the output folder was removed while it is mapped into memory"
                }
                // A page that is mapped holds the whole of it; it comes from mapping /dev/zero.
                if line.hasSuffix(" /dev/zero (deleted)"), line.prefix(while: { $0 != "/" }).contains("s ") {
                    return "memory is shared that is no file; files in /tmp can be shared"
                }
            }
        }
        return nil
    }

    /// What is open in some thread, as paths in `/proc` that lead to it.
    func eachDescriptor(_ body: (String) throws(Look.Blindness) -> Void) throws(Look.Blindness) {
        for process in threads {
            var read: [Int] = []
            for tid in process.tids {
                let number = Int(tid) ?? 0
                if read.contains(where: { Self.share(Self.descriptors, $0, number) }) { continue }
                read.append(number)
                let task = "/proc/\(process.pid)/task/\(tid)"
                do throws(Look.Blindness) {
                    for name in try look.names(in: "\(task)/fd") ?? [] { try body("\(task)/fd/\(name)") }
                } catch {
                    // Of a thread that is ending, nobody may see what it closes.
                    if try Self.bytes(of: task, look) != nil { throw error }
                }
            }
        }
    }

    // KCMP_VM and KCMP_FILES of linux/kcmp.h.
    private static let memory = 1
    private static let descriptors = 2

    /// Whether two threads have the same memory or table of descriptors; false where the kernel does not tell.
    private static func share(_ what: Int, _ one: Int, _ other: Int) -> Bool {
        SystemCall.perform("kcmp", one, other, what) == 0
    }
}
