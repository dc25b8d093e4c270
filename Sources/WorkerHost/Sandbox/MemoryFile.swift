import CPosix
import Domain
import Glibc

/// A file without a name on any disk.
package final class MemoryFile {
    /// -1: it was let go.
    package private(set) var descriptor: Int32

    /// - Parameter name: for messages.
    package init(_ name: String, _ bytes: [UInt8]) throws(Fault) {
        descriptor = memfd_create("millrace", 1 /* MFD_CLOEXEC */)
        guard descriptor >= 0 else { throw Files.fault("make in memory", name) }
        try Files.write(bytes, to: descriptor, name)
        guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw Files.fault("rewind", name) }
    }

    /// Its memory is free again once nobody else has it open.
    package func letGo() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    deinit { letGo() }
}
