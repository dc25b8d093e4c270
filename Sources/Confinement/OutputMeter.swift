import CPosix
import Domain
import Glibc

/// How much a program has written into its output folder, as files that are there and as files that were removed while
/// they are open or mapped. Works in process 1 of the program's namespace.
struct OutputMeter {
    private let output: Enclosure.Output?
    private let device: dev_t?

    init(_ output: Enclosure.Output?) {
        self.output = output
        var status = stat()
        device = output.flatMap { stat($0.place, &status) == 0 ? status.st_dev : nil }
    }

    /// Why it is too much, in words; nil: it is not.
    func excess() -> String? {
        guard let output, let device else { return nil }
        var sum = Sum()
        Self.add(output.place, to: &sum, filesMax: output.filesMax, depth: 0)
        if sum.files <= output.filesMax, sum.bytes <= output.bytesMax { addRemoved(on: device, to: &sum) }
        if sum.hasClosedFolder { return "a folder in the output folder cannot be looked into" }
        if sum.hasRemovedMapping { return "a file of the output folder was removed while it is mapped into memory" }
        if sum.files > output.filesMax { return "more than \(output.filesMax) files are in the output folder" }
        guard sum.bytes > output.bytesMax else { return nil }
        return "\(sum.bytes) bytes are in the output folder; \(output.bytesMax) are allowed"
    }

    private struct Sum {
        var bytes = 0
        /// Names, and removed files that are open.
        var files = 0
        /// By number: a file with several names, or open several times, counts once.
        var seen: Set<UInt> = []
        var hasRemovedMapping = false
        /// What is in it would not be counted.
        var hasClosedFolder = false
    }

    private static func add(_ path: String, to sum: inout Sum, filesMax: Int, depth: Int) {
        // Deeper folders than any program needs count as too many files.
        guard depth < 64 else {
            sum.files = filesMax + 1
            return
        }
        guard let names = readable(path) else {
            sum.hasClosedFolder = true
            return
        }
        for name in names {
            sum.files += 1
            var status = stat()
            guard sum.files <= filesMax else { return }
            guard lstat("\(path)/\(name)", &status) == 0 else {
                if errno == EACCES { sum.hasClosedFolder = true }
                continue
            }
            if status.st_mode & S_IFMT == S_IFDIR {
                add("\(path)/\(name)", to: &sum, filesMax: filesMax, depth: depth + 1)
            }
            if sum.seen.insert(UInt(status.st_ino)).inserted { sum.bytes += Int(status.st_blocks) * 512 }
        }
    }

    private func addRemoved(on device: dev_t, to sum: inout Sum) {
        for pid in ProcessMeter.pids() {
            for name in Self.names(in: "/proc/\(pid)/fd") {
                var status = stat()
                guard stat("/proc/\(pid)/fd/\(name)", &status) == 0, status.st_dev == device, status.st_nlink == 0,
                    status.st_mode & S_IFMT == S_IFREG
                else { continue }
                if sum.seen.insert(UInt(status.st_ino)).inserted {
                    sum.bytes += Int(status.st_blocks) * 512
                    sum.files += 1
                }
            }
            let removed = LinuxText.lines("/proc/\(pid)/maps").contains { line in
                line.hasSuffix(" (deleted)") && line.contains(" \(output?.place ?? "")/")
            }
            if removed { sum.hasRemovedMapping = true }
        }
    }

    /// Names in a folder without `.` and `..`; none when it cannot be read.
    static func names(in path: String) -> [String] { readable(path) ?? [] }

    /// nil: the folder is there, and somebody has closed it to its owner.
    private static func readable(_ path: String) -> [String]? {
        guard let folder = opendir(path) else { return errno == EACCES ? nil : [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}

/// What the processes of this PID namespace use, this one excepted.
enum ProcessMeter {
    static func pids() -> [String] {
        OutputMeter.names(in: "/proc").filter { $0 != "1" && $0.allSatisfy(\.isNumber) }
    }

    private static let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))

    /// Bytes of memory of all of them. Only when the simple sum is higher than `bytesMax`, it is looked at which pages
    /// several of them share, which takes the kernel longer.
    static func residentBytes(bytesMax: Int) -> Int {
        let pids = pids()
        let resident = pids.map { self.resident($0) }.reduce(0, +)
        guard resident > bytesMax else { return resident }
        return pids.map { shared($0) ?? self.resident($0) }.reduce(0, +)
    }

    private static func resident(_ pid: String) -> Int {
        let fields = LinuxText.lines("/proc/\(pid)/statm").first?.split(separator: " ") ?? []
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * pageBytes : 0
    }

    /// Pages that n processes share count as 1/n of a page for each.
    private static func shared(_ pid: String) -> Int? {
        let line = LinuxText.lines("/proc/\(pid)/smaps_rollup").first { $0.hasPrefix("Pss:") }
        return line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }.map { $0 * 1024 }
    }
}
