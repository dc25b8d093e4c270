import ClientCore
import Domain
import FoundationEssentials
import WorkerHost

/// What a client has sent and fetched today, so that a restart does not begin to count anew. The file `transfers`.
struct TransferFile: Sendable {
    let path: String

    init(folder: String) {
        path = "\(folder)/transfers"
    }

    private struct Content: Codable {
        var day: Int64
        var bytes: Int64
    }

    /// nil: nothing was counted, or the file does not say it.
    func read() -> NetworkUsage? {
        guard let bytes = try? Files.read(path, limit: 1024),
            let content = try? JSONDecoder().decode(Content.self, from: Data(bytes)), content.bytes >= 0
        else { return nil }
        return NetworkUsage(day: content.day, bytes: content.bytes)
    }

    func write(_ usage: NetworkUsage) throws(Fault) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let bytes = try? encoder.encode(Content(day: usage.day, bytes: usage.bytes)) else { return }
        try Files.replace(path, with: [UInt8](bytes) + [UInt8(ascii: "\n")], mode: 0o600)
    }
}
