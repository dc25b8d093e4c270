import Bytes
import Domain
import Glibc
import Plugins

/// An input with packing `raw`: an open file, whose hash was checked once and which is then read in pieces.
final class RawFile: Sendable {
    private let descriptor: Int32
    private let path: String

    private static let pieceBytes = 1 << 20

    private init(_ path: String) throws(Fault) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Fault(.noInput, "cannot open \(path): \(String(cString: strerror(errno)))")
        }
        self.path = path
    }

    deinit { close(descriptor) }

    /// - Throws: `.noInput` with the input's name when the file is missing or has another hash.
    static func verified(_ reference: InputReference, path: String) throws(Fault) -> RawInput {
        let file: RawFile
        let found: (digest: Digest, size: Int64)
        do throws(Fault) {
            file = try RawFile(path)
            found = try file.measured()
        } catch {
            throw Fault(.noInput, "input \"\(reference.name)\": \(error.message)")
        }
        guard found.digest == reference.digest, found.size == reference.size else {
            throw Fault(
                .noInput,
                "input \"\(reference.name)\": the SHA-256 of \(path) is not the one that the work unit names")
        }
        return RawInput(digest: found.digest, size: found.size) { offset, buffer in
            // Checked above: only a failing disk, or somebody who cuts the file off, leads to fewer bytes.
            guard (try? file.read(at: offset, into: buffer)) == buffer.count else {
                let text = Array("millrace-worker: \(file.path) cannot be read any more at \(offset)\n".utf8)
                _ = text.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
                exit(FaultKind.noInput.rawValue)
            }
        }
    }

    private func measured() throws(Fault) -> (digest: Digest, size: Int64) {
        var hash = StreamingSHA256()
        var offset: Int64 = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceBytes, alignment: 64)
        defer { buffer.deallocate() }
        while true {
            let count = try read(at: offset, into: buffer)
            if count == 0 { return (hash.finish(), offset) }
            hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += Int64(count)
        }
    }

    /// - Returns: fewer bytes than the buffer has only at the end of the file.
    private func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(Fault) -> Int {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(done))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                throw Fault(.noInput, "cannot read \(path): \(String(cString: strerror(errno)))")
            }
            if count == 0 { break }
            done += count
        }
        return done
    }
}
