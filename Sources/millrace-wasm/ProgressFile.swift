import CWasmtime
import Glibc
import WebAssembly

/// Where a module's progress is told while it does not tell it itself: the share of its fuel that it has used, at most
/// twice a second.
final class ProgressFile {
    /// The module's own path of it.
    static let place = "/output/progress"

    private let path: String
    private var nextSeconds = 0.0

    /// The file, with 0 in it; nil when the module has no such folder that can be written.
    init?(_ folders: [ModuleInvocation.Folder]) {
        guard let folder = folders.first(where: { $0.name == "/output" && !$0.isReadOnly }) else { return nil }
        path = folder.path + "/progress"
        guard write(0) else { return nil }
    }

    func tell(_ run: ModuleRun, of fuel: UInt64) {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let seconds = Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
        guard seconds >= nextSeconds, !run.hasOwnProgress else { return }
        nextSeconds = seconds + 0.5
        _ = write(Double(run.fuelUsed) / Double(fuel))
    }

    /// Always of the same length, so that a reader finds the old number or the new one.
    private func write(_ share: Double) -> Bool {
        let millionths = Int(min(max(share, 0), 1) * 1e6)
        let digits = String(millionths % 1_000_000)
        let text = "\(millionths / 1_000_000)." + String(repeating: "0", count: 6 - digits.utf8.count) + digits + "\n"
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644)
        guard file >= 0 else { return false }
        defer { close(file) }
        return pwrite(file, text, text.utf8.count, 0) == text.utf8.count
    }
}
