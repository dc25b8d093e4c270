import Bytes
import CPosix
import Domain
import Wire

#if canImport(Glibc)
    import Glibc
#endif

/// Test equipment: runs the real `millrace-worker` beside it with the same arguments, then alters the result.
///
/// Of a pulsar search, units with an even number get a candidate whose power is claimed too high; the check of the
/// single result recomputes it. Units with an odd number get their best candidates hidden; only the second replica can
/// show that. Of a matrix of similarities or products, in turn one entry is moved by a millionth, two
/// entries change places, or half of the result has its signs turned; the check finds each.
@main
struct ForgingWorker {
    static func main() {
        let arguments = CommandLine.arguments
        let status = runRealWorker(Array(arguments.dropFirst()))
        guard status == 0, arguments.count >= 3, arguments[1] == "run" else { exit(status) }
        do {
            try forge(folder: arguments[2])
        } catch {
            let text = Array("forging-worker: \(error)\n".utf8)
            _ = write(2, text, text.count)
            exit(70)
        }
    }

    /// Waits for the real worker and gives its exit status; its termination follows ours, because its input ends.
    static func runRealWorker(_ arguments: [String]) -> Int32 {
        var own = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &own, own.count - 1)
        guard count > 0 else { return 71 }
        let path = String(decoding: own[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let real = folder + "/millrace-worker"
        var argv: [UnsafeMutablePointer<CChar>?] = ([real] + arguments).map { strdup($0) }
        argv.append(nil)
        var pid: pid_t = 0
        guard posix_spawn(&pid, real, nil, nil, argv, environ) == 0 else { return 71 }
        child = pid
        // The parent asks us to stop by a signal; the real worker must hear it to save its checkpoint.
        signal(SIGTERM) { _ in if ForgingWorker.child > 0 { kill(ForgingWorker.child, SIGTERM) } }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        child = 0
        return millrace_wait_exited(status) != 0 ? millrace_wait_code(status) : 70
    }

    nonisolated(unsafe) static var child: pid_t = 0

    static func forge(folder: String) throws {
        let path = folder + "/result"
        var body = try ResultContainer.decode(try readFile(path), limit: Limits.resultBytesMax)
        if let matrix = body.sections.firstIndex(where: { ["similarities", "products"].contains($0.name) }) {
            try misstate(&body, matrix)
        } else if body.unitID % 2 == 0 {
            try inflate(&body)
        } else {
            try hide(&body)
        }
        try writeFile(path, ResultContainer.encode(body))
    }

    /// Claims one and a half times the power and sigma of the first candidate.
    static func inflate(_ body: inout WireResultBody) throws {
        for at in body.sections.indices where ["candidates.power", "candidates.sigma"].contains(body.sections[at].name)
        {
            var values = try doubles(body.sections[at])
            guard !values.isEmpty else { continue }
            values[0] *= 1.5
            body.sections[at] = try pack(body.sections[at].name, values)
        }
    }

    /// Drops the better half of the candidates, in every section that runs along them.
    static func hide(_ body: inout WireResultBody) throws {
        for at in body.sections.indices where body.sections[at].name.hasPrefix("candidates.") {
            let name = body.sections[at].name
            let values = try doubles(body.sections[at])
            body.sections[at] = try pack(name, Array(values[(values.count / 2)...]))
        }
    }

    /// Falsehoods that leave the rest of the matrix as it is.
    static func misstate(_ body: inout WireResultBody, _ at: Int) throws {
        var values = try doubles(body.sections[at])
        guard values.count > 4 else { return }
        let middle = values.count / 2
        switch body.unitID % 3 {
        case 0: values[middle] += 1e-6 * max(1, abs(values[middle]))
        case 1 where values[middle] != values[middle + 1]: values.swapAt(middle, middle + 1)
        default: for place in 0..<middle { values[place].negate() }
        }
        body.sections[at] = try pack(body.sections[at].name, values)
    }

    static func doubles(_ section: WireSection) throws -> [Double] {
        let bytes = try SectionCodec.unpack(section, limit: Limits.sectionBytesMax)
        guard let values = LittleEndian.doubles(from: bytes) else {
            throw Fault(.badData, "section \(section.name) holds no doubles")
        }
        return values
    }

    static func pack(_ name: String, _ values: [Double]) throws -> WireSection {
        try SectionCodec.pack(name: name, kind: .elementFloat64, bytes: LittleEndian.bytes(of: values))
    }

    static func readFile(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw Fault(.noInput, "cannot open \(path)") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
        }
    }

    static func writeFile(_ path: String, _ bytes: [UInt8]) throws {
        guard let file = fopen(path, "wb") else { throw Fault(.cannotWrite, "cannot open \(path)") }
        defer { fclose(file) }
        guard fwrite(bytes, 1, bytes.count, file) == bytes.count else {
            throw Fault(.cannotWrite, "cannot write \(path)")
        }
    }
}
