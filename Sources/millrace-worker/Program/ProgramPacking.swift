import Domain
import FoundationEssentials
import Glibc
import Wire

/// The last stage of a unit with a program: the files that it left become a result. Done in a child that is shut in.
struct ProgramPacking {
    let plan: ProgramPlan
    let unitSha256: Data
    let files: [ProgramOutput.File]

    /// - Parameter path: of the result, complete when it is there.
    func perform(into path: String) throws(Fault) {
        var body = WireResultBody()
        body.unitID = plan.unitID
        body.unitSha256 = unitSha256
        body.app = plan.app
        body.appVersion = plan.appVersion
        let bytes: [UInt8]
        var sections: [WireSection] = []
        for file in files {
            let content = try Self.content(file)
            do throws(WireError) {
                sections.append(try SectionCodec.pack(name: file.name, kind: .elementBytes, bytes: content))
            } catch {
                throw Fault(.software, "the result \(file.name) cannot be encoded: \(error)")
            }
        }
        body.sections = sections
        do throws(WireError) { bytes = try ResultContainer.encode(body) } catch {
            throw Fault(.software, "the result cannot be encoded: \(error)")
        }
        guard bytes.count <= plan.outputBytesMax else {
            throw Fault(.osError, "a result of \(bytes.count) bytes; the work unit allows \(plan.outputBytesMax)")
        }
        try WorkerFiles.replace(path, with: bytes, durable: true)
    }

    private static func content(_ file: ProgramOutput.File) throws(Fault) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: file.size)
        var at = 0
        while at < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                pread(file.descriptor, $0.baseAddress! + at, file.size - at, off_t(at))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw Fault(.software, "\(file.name) cannot be read: \(String(cString: strerror(errno)))")
            }
            at += count
        }
        return bytes
    }
}
