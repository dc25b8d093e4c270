import Domain

/// A scientist's program and what it may see and take, as plain data: `millrace-worker enclose` reads it as JSON.
///
/// Inside there is: `/usr` and the like, read-only; what is listed here; `/tmp` in memory; its own `/proc`; five
/// harmless devices. No network, nobody else's processes, no privileges. The user is 65534 there; outside it is whoever
/// started it, or also 65534 when that was the machine's root.
public struct Enclosure: Sendable, Hashable, Codable {
    /// A file or folder of the computer that it may read.
    public struct Input: Sendable, Hashable, Codable {
        /// Absolute path outside.
        public var path: String
        /// Absolute path inside.
        public var place: String
        /// Programs there may be started.
        public var isExecutable: Bool

        public init(path: String, place: String, isExecutable: Bool = false) {
            self.path = path
            self.place = place
            self.isExecutable = isExecutable
        }
    }

    /// A file whose content comes through a descriptor; inside it lies in memory and cannot be changed.
    public struct Content: Sendable, Hashable, Codable {
        /// Absolute path inside.
        public var place: String
        public var isExecutable: Bool
        /// Number of the descriptor in the enclosing process; read from its beginning.
        public var descriptor: Int32

        public init(place: String, isExecutable: Bool, descriptor: Int32) {
            self.place = place
            self.isExecutable = isExecutable
            self.descriptor = descriptor
        }
    }

    /// A folder of the computer that it may write.
    public struct Output: Sendable, Hashable, Codable {
        /// Absolute path outside. When root starts the program, the folder and what is in it become user 65534's.
        public var path: String
        /// Absolute path inside.
        public var place: String
        /// More bytes on disk than these end the program. They are looked at ten times a second, so a little more may
        /// have been written; a single file cannot be larger.
        public var bytesMax: Int
        /// More files and folders than these end the program.
        public var filesMax: Int

        public init(path: String, place: String = "/output", bytesMax: Int, filesMax: Int = 10_000) {
            self.path = path
            self.place = place
            self.bytesMax = bytesMax
            self.filesMax = filesMax
        }
    }

    /// Absolute path inside, then arguments.
    public var command: [String]
    /// `NAME=value`; nothing else is in the environment.
    public var environment: [String]
    /// Absolute path inside where it starts; it can be written, or lies in what is listed.
    public var folder: String
    public var inputs: [Input] = []
    public var contents: [Content] = []
    public var output: Output?
    /// Bytes in `/tmp`, which is memory.
    public var temporaryBytes = 64 << 20
    /// Bytes of memory of all its processes together; more end it.
    public var memoryBytes: Int?
    /// Bounds of each of its processes; of the number of processes for all together.
    public var bounds: Bounds
    /// Takes the lowest priority for processor and disk.
    public var isInBackground = false
    /// Also shows it the libraries of the enclosing program, wherever they lie: for programs that are that program.
    public var hasOwnLibraries = false
    /// Layers that are left out, as if this computer did not have them: for tests.
    public var leftOut: Set<SandboxLayer> = []

    public init(command: [String], environment: [String], folder: String = "/tmp", bounds: Bounds) {
        self.command = command
        self.environment = environment
        self.folder = folder
        self.bounds = bounds
    }

    /// What the enclosing process tells of the program, a line of JSON each: first that it has started, then how it
    /// ended.
    public struct Report: Sendable, Hashable, Codable {
        public enum Ending: String, Sendable, Hashable, Codable {
            /// By itself: with a code, or by a signal.
            case exited
            /// It used more memory than it may, all its processes together.
            case memory
            /// It wrote more than it may, or too many files.
            case output
            /// The system does not start this file: no program, or its interpreter is missing.
            case notExecutable
            /// There was no sandbox, or not all of it: it never ran.
            case notStarted
        }

        /// nil: it has started just now.
        public var ending: Ending?
        public var code: Int32?
        public var signal: Int32?
        /// What passed a bound, or why it was not started.
        public var words = ""
        public var layers: SandboxLayers

        public init(ending: Ending?, layers: SandboxLayers) {
            self.ending = ending
            self.layers = layers
        }
    }
}
