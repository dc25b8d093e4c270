import Foundation

/// Files that tests compare with. `MILLRACE_RECORD=1` writes them anew, for a reader to look at in the diff.
enum Golden {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    static let root = folder.deletingLastPathComponent().deletingLastPathComponent()
    private static let isRecording = ProcessInfo.processInfo.environment["MILLRACE_RECORD"] == "1"

    /// The file's text, after writing `text` to it when recording.
    static func text(of file: URL, recording text: String) throws -> String {
        if isRecording { try text.write(to: file, atomically: true, encoding: .utf8) }
        return try String(contentsOf: file, encoding: .utf8)
    }

    /// The lines between two marks of a file, after replacing them by `text`, if there is one, when recording.
    static func text(of file: URL, between begin: String, and end: String, recording text: String) throws -> String {
        let whole = try String(contentsOf: file, encoding: .utf8)
        guard let from = whole.range(of: begin + "\n"), let to = whole.range(of: end) else { return "no such marks" }
        if isRecording, !text.isEmpty {
            let new = whole[..<from.upperBound] + text + whole[to.lowerBound...]
            try String(new).write(to: file, atomically: true, encoding: .utf8)
            return text
        }
        return String(whole[from.upperBound..<to.lowerBound])
    }
}
