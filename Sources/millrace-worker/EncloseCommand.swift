import Confinement
import Domain
import FoundationEssentials
import Glibc
import WorkerHost

/// `millrace-worker enclose`: starts a scientist's program shut in, and waits for its end. What to start comes through
/// descriptor 3 as JSON, what becomes of it goes through descriptor 4. Started by `EnclosedRun`, not by people.
enum EncloseCommand {
    private static let bytesMax = 1 << 20

    static func perform() throws(Fault) -> Never {
        Confinement.forgetCrashes()
        let bytes = try read(EnclosedRun.specificationDescriptor)
        guard let enclosure = try? JSONDecoder().decode(Enclosure.self, from: Data(bytes)) else {
            throw Fault(.software, "what to enclose cannot be read")
        }
        close(EnclosedRun.specificationDescriptor)
        _ = fcntl(EnclosedRun.reportDescriptor, F_SETFD, FD_CLOEXEC)
        exit(EnclosingProcess(enclosure) { tell($0, EnclosedRun.reportDescriptor) }.perform())
    }

    static func tell(_ report: some Encodable, _ descriptor: Int32) {
        guard let json = try? JSONEncoder().encode(report) else { return }
        try? WorkerFiles.writeAll([UInt8](json) + [UInt8(ascii: "\n")], to: descriptor, "the report")
    }

    private static func read(_ descriptor: Int32) throws(Fault) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0, count < bytesMax else { throw Fault(.usage, "enclose is started by a client only") }
        return Array(bytes[..<count])
    }
}
