import CPosix
import Domain
import Glibc

/// How much a process may take. A bound that is nil is left as it is; none is ever raised.
public struct Bounds: Sendable, Hashable, Codable {
    /// Bytes of address space of each process.
    public var addressSpaceBytes: Int?
    /// Bytes of the largest file.
    public var fileBytes: Int?
    /// Processes and threads of the user; meant for a user namespace, where nobody else counts.
    public var processes: Int?
    public var openFiles: Int?
    /// CPU seconds of each process.
    public var cpuSeconds: Int?

    public init(
        addressSpaceBytes: Int? = nil, fileBytes: Int? = nil, processes: Int? = nil, openFiles: Int? = nil,
        cpuSeconds: Int? = nil
    ) {
        self.addressSpaceBytes = addressSpaceBytes
        self.fileBytes = fileBytes
        self.processes = processes
        self.openFiles = openFiles
        self.cpuSeconds = cpuSeconds
    }

    /// Sets them for this process and what it starts; and always: no core dumps, no locked memory, no message queues,
    /// no real-time priority, few queued signals.
    ///
    /// - Throws: `.osError`.
    public func apply() throws(Fault) {
        let all: [(Int32, Int?, String)] = [
            (0, addressSpaceBytes, "address space"), (1, fileBytes, "size of files"), (2, processes, "processes"),
            (3, openFiles, "open files"), (4, 0, "core dumps"), (5, cpuSeconds, "CPU seconds"),
            (6, 0, "locked memory"), (7, 0, "message queues"), (8, 0, "real-time priority"),
            (9, 256, "queued signals"),
        ]
        for (which, most, name) in all {
            guard let most else { continue }
            guard millrace_bound(which, UInt64(max(0, most))) == 0 else { throw SystemCall.fault("bound \(name)") }
        }
    }
}
