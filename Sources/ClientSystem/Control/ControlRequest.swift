import ClientCore
import Domain
import FoundationEssentials

/// What a running client can be asked over its socket, a JSON object on one line:
/// `{"command": "pause", "seconds": 7200}`.
/// See docs/local-api.md.
public struct ControlRequest: Hashable, Sendable, Codable {
    public enum Command: String, Hashable, Sendable, Codable, CaseIterable {
        /// What `status.json` holds, as of now.
        case status
        /// Nothing is computed for `seconds`; without it, until `resume`.
        case pause
        case resume
        /// Finish what is begun, give back the rest, and end; with `withdraw`, no longer.
        case finish
        /// `allowed`: whether to ask for new work; of one project, or of all.
        case newWork = "new-work"
        case suspendTask = "suspend-task"
        case resumeTask = "resume-task"
        /// Give a task back, with a `reason`.
        case abortTask = "abort-task"
        /// The cause of tasks that failed one after the other is gone.
        case forgive
        /// End now; what was begun goes on at the next run.
        case stop
        /// Every preference, and where its value came from.
        case preferences
        /// Opens the local page; the answer has its address.
        case page
    }

    public var command: Command
    /// More than 0, at most `secondsMax`.
    public var seconds: Double?
    public var withdraw: Bool?
    public var allowed: Bool?
    /// A project's name as `projects` lists it, or its address; nil: all.
    public var project: String?
    /// As `status` writes it.
    public var task: String?
    public var reason: String?

    /// A year.
    public static let secondsMax = 366.0 * 86_400
    public static let reasonBytesMax = 200

    public init(_ command: Command) { self.command = command }

    /// What is wrong with it; nil: nothing.
    public var problem: String? {
        if let seconds, !(seconds > 0 && seconds <= Self.secondsMax) {
            return "seconds: more than 0, at most \(Int(Self.secondsMax))"
        }
        if let reason, reason.utf8.count > Self.reasonBytesMax {
            return "reason: at most \(Self.reasonBytesMax) bytes"
        }
        switch command {
        case .stop where project != nil:
            return "stop ends the whole client: `pause` or `finish` can be of one project"
        case .newWork where allowed == nil: return "new-work needs allowed: true or false"
        case .suspendTask where task == nil, .resumeTask where task == nil, .abortTask where task == nil:
            return "\(command.rawValue) needs task"
        default: return nil
        }
    }
}

extension ControlRequest {
    /// A field that no request has, for example a misspelt one: a pause without its `seconds` would last for ever.
    static func unknownField(_ line: [UInt8]) -> String? {
        struct Anything: Decodable {
            init(from decoder: any Decoder) {}
        }
        let fields = try? JSONDecoder().decode([String: Anything].self, from: Data(line))
        let unknown = fields?.keys.filter { CodingKeys(stringValue: $0) == nil }.min()
        return unknown.map { PrintableText.clean(String($0.prefix(64))) }
    }
}

/// What the client answers, a JSON object on one line.
public struct ControlReply: Hashable, Sendable, Codable {
    public var ok: Bool
    /// What was not done, and why; nil when `ok`.
    public var error: String?
    /// What was done, for people.
    public var done: String?
    public var status: ClientStatus?
    public var preferences: [Preference]?
    /// An address for a browser on this computer, good once and for ten minutes.
    public var page: String?

    /// The effective value of a field.
    public struct Preference: Hashable, Sendable, Codable {
        /// Its path in the file, for example `in_use.cores`.
        public var field: String
        /// As it would be written.
        public var value: String
        /// In words: a preset, a line of the file, an option.
        public var origin: String

        public init(field: String, value: String, origin: String) {
            self.field = field
            self.value = value
            self.origin = origin
        }
    }

    public init(error: String) {
        ok = false
        self.error = error
    }

    public init(done: String?, status: ClientStatus? = nil) {
        ok = true
        self.done = done
        self.status = status
    }
}
