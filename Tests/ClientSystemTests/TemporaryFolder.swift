import Domain
import Glibc
import WorkerHost

/// A folder that a test has to itself; gone with the object.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/millrace-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Fault(.osError, "no temporary folder") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        try? Files.remove(path)
    }

    /// Writes an executable shell script.
    func script(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        try Files.replace(file, with: Array("#!/bin/sh\n\(text)\n".utf8), mode: 0o755)
        return file
    }

    func text(_ name: String) throws -> String {
        String(decoding: try Files.read("\(path)/\(name)", limit: 1 << 20), as: UTF8.self)
    }

    func write(_ name: String, _ text: String) throws {
        try Files.replace("\(path)/\(name)", with: Array(text.utf8))
    }
}

/// Asks until the answer is yes, or five minutes have passed: a machine with much else to do is slow, not wrong.
func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<30_000 {
        if condition() { return true }
        usleep(10_000)
    }
    return condition()
}
