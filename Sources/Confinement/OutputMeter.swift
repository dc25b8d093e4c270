import CPosix
import Domain
import Glibc

/// How much a program has written into its output folder, as files that are there and as files that were removed while
/// they are open. Works in process 1 of the program's namespace.
package struct OutputMeter {
    private let output: Enclosure.Output
    private var bytes = 0
    /// Names, and removed files that are open.
    private var files = 0
    /// By number: a file with several names, or open several times, counts once.
    private var seen: Set<UInt> = []

    private init(_ output: Enclosure.Output) {
        self.output = output
    }

    /// Why it is too much, in words; nil: it is not.
    static func excess(of output: Enclosure.Output, _ processes: ProcessMeter) throws(Look.Blindness) -> String? {
        var meter = OutputMeter(output)
        try meter.add(output.place, processes.look, depth: 0)
        if meter.files <= output.filesMax, meter.bytes <= output.bytesMax { try meter.addRemoved(processes) }
        if meter.files > output.filesMax { return "more than \(output.filesMax) files are in the output folder" }
        guard meter.bytes > output.bytesMax else { return nil }
        return "\(meter.bytes) bytes are in the output folder; \(output.bytesMax) are allowed"
    }

    private mutating func add(_ path: String, _ look: Look, depth: Int) throws(Look.Blindness) {
        // Deeper folders than any program needs count as too many files.
        guard depth < 64 else {
            files = output.filesMax + 1
            return
        }
        for name in try look.names(in: path, most: max(0, output.filesMax - files)) ?? [] {
            files += 1
            guard files <= output.filesMax else { return }
            try look.goOn()
            var status = stat()
            guard lstat("\(path)/\(name)", &status) == 0 else {
                if Look.isGone { continue }
                throw Look.blindness("look at", "\(path)/\(name)")
            }
            if status.st_mode & S_IFMT == S_IFDIR { try add("\(path)/\(name)", look, depth: depth + 1) }
            if seen.insert(UInt(status.st_ino)).inserted { bytes += Self.bytes(of: status) }
        }
    }

    private mutating func addRemoved(_ processes: ProcessMeter) throws(Look.Blindness) {
        let look = processes.look
        var found: [stat] = []
        try processes.eachDescriptor { (path) throws(Look.Blindness) in
            try look.goOn()
            var status = stat()
            guard stat(path, &status) == 0 else {
                if Look.isGone { return }
                throw Look.blindness("look at", path)
            }
            guard status.st_nlink == 0, status.st_mode & S_IFMT == S_IFREG, try isOfOutput(path) else { return }
            found.append(status)
        }
        for status in found where seen.insert(UInt(status.st_ino)).inserted {
            bytes += Self.bytes(of: status)
            files += 1
        }
    }

    /// Bytes of disk that a file or folder takes.
    ///
    /// XFS keeps room behind the end of a file that grows, up to as much as it has, and gives it back later: the
    /// program neither asked for that, nor can it (`CallRules.spaceInFiles`). Behind its end a file has the rest of a
    /// block.
    package static func bytes(of status: stat) -> Int {
        let taken = Int(status.st_blocks) * 512
        guard status.st_mode & S_IFMT == S_IFREG else { return taken }
        return min(taken, Int(status.st_size) + largestBlockBytes)
    }

    private static let largestBlockBytes = 64 << 10

    /// By the name that it had: some file systems give files another device than folders.
    private func isOfOutput(_ path: String) throws(Look.Blindness) -> Bool {
        var name = [CChar](repeating: 0, count: 4096)
        let count = readlink(path, &name, name.count)
        guard count >= 0 else {
            if Look.isGone { return false }
            throw Look.blindness("look at", path)
        }
        return name[..<count].starts(with: "\(output.place)/".utf8.map(CChar.init(bitPattern:)))
    }
}
