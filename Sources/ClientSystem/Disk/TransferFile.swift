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

    /// A damaged file is set aside.
    ///
    /// - Parameter say: told of that.
    /// - Returns: nil: nothing was counted, or the file does not say it.
    func read(say: (String) -> Void) -> NetworkUsage? {
        guard Files.exists(path) else { return nil }
        if let bytes = try? Files.read(path, limit: 1024),
            let content = try? JSONDecoder().decode(Content.self, from: Data(bytes)), content.bytes >= 0
        {
            return NetworkUsage(day: content.day, bytes: content.bytes)
        }
        if let aside = try? ProjectNames.setAside(path) {
            say(
                "\(path) is damaged: what was sent and fetched today is counted anew; it was set aside as "
                    + ProjectNames.last(aside))
        }
        return nil
    }

    func write(_ usage: NetworkUsage) throws(Fault) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let bytes = try? encoder.encode(Content(day: usage.day, bytes: usage.bytes)) else { return }
        try Files.replace(path, with: [UInt8](bytes) + [UInt8(ascii: "\n")], mode: 0o600)
    }
}
