import CPosix
import ClientCore
import Domain
import WorkerHost

/// What the user's own file and command say of price or carbon. Without an answer of one of them there is none.
package final class PermissionProbe: ProbeSource {
    package let kind = ProbeKind.permission
    /// The command has a time limit of its own.
    package let isSlow = true
    package let timeLimitSeconds: Double

    private let file: String?
    private let command: [String]
    private let commandSeconds: Double
    private let keepSeconds: Double
    private var answer: (value: ProbeReading.Value, until: Double)?
    /// A command without an answer is asked again after this, or after its own time if that is shorter.
    private static let retrySeconds = 60.0
    private static let reasonCharactersMax = 200

    package init(settings: ProbeSettings) {
        file = settings.permissionFile
        command = settings.permissionCommand
        commandSeconds = settings.permissionCommandSeconds
        keepSeconds = settings.permissionKeepSeconds
        timeLimitSeconds = settings.permissionCommandSeconds + 5
    }

    package func read(now: Timestamp) -> ProbeReading.Value? {
        let answers = [file.map(Self.read), command.isEmpty ? nil : keptAnswer()].compactMap { $0 }
        // The first that says no, or does not say, decides; else the first that says yes.
        let isYes: (ProbeReading.Value) -> Bool = { if case .permission(true, _) = $0 { true } else { false } }
        return answers.first { !isYes($0) } ?? answers.first
    }

    /// First line: `yes` or `no`, then a reason.
    private static func read(_ path: String) -> ProbeReading.Value {
        guard let bytes = ProbeFile.bytes(path) else { return .unavailable("\(path) is not a file that can be read") }
        let line = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        let text = ProbeFile.trimmed(line[...])
        let word = text.prefix { $0.isLetter }
        let rest = text[word.endIndex...].drop { $0.isWhitespace || $0 == ":" || $0 == "," }
        switch word.lowercased() {
        case "yes": return .permission(true, reason: reason(rest))
        case "no": return .permission(false, reason: reason(rest))
        default: return .unavailable("\(path): the first line begins with neither yes nor no")
        }
    }

    private func keptAnswer() -> ProbeReading.Value {
        let now = millrace_monotonic_seconds()
        if let answer, now < answer.until { return answer.value }
        let value = ask()
        var seconds = keepSeconds
        if case .unavailable = value { seconds = min(seconds, Self.retrySeconds) }
        answer = (value, millrace_monotonic_seconds() + seconds)
        return value
    }

    private func ask() -> ProbeReading.Value {
        do throws(Fault) {
            let outcome = try ShortCommand.run(command, timeLimitSeconds: commandSeconds)
            let reason = Self.reason(outcome.output.split(separator: "\n").first ?? "")
            guard let exit = outcome.exit else {
                return .unavailable("\(command[0]) did not answer for \(Int(commandSeconds)) s")
            }
            switch exit.code {
            case 0?: return .permission(true, reason: reason)
            case 1?: return .permission(false, reason: reason)
            default:
                return .unavailable("\(command[0]) ended with \(exit.reason)" + (reason.isEmpty ? "" : ": \(reason)"))
            }
        } catch { return .unavailable(error.message) }
    }

    private static func reason(_ text: Substring) -> String {
        PrintableText.clean(ProbeFile.trimmed(text.prefix(reasonCharactersMax)))
    }
}
