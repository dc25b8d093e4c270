/// A module, what it is given and what it may take.
public struct ModuleInvocation: Sendable {
    /// A folder that the module finds under a name.
    public struct Folder: Sendable, Hashable {
        /// On this computer.
        public var path: String
        /// What the module finds it by: absolute, or `.` for paths that are not.
        public var name: String
        /// The absolute path that this is for the module.
        public var place: String
        public var isReadOnly: Bool

        public init(path: String, name: String, place: String, isReadOnly: Bool) {
            self.path = path
            self.name = name
            self.place = place
            self.isReadOnly = isReadOnly
        }
    }

    /// The module's own name first, then what it is told.
    public var arguments: [String]
    /// `NAME=value`; the module sees no other variables.
    public var environment: [String]
    public var folders: [Folder]
    /// What its random numbers follow from.
    public var seed: String
    /// How much it may compute; every instruction costs 1, but a few that cost nothing.
    public var fuel: UInt64
    /// Bytes of memory that it may have.
    public var memoryBytes: Int

    public init(
        arguments: [String], environment: [String], folders: [Folder], seed: String, fuel: UInt64, memoryBytes: Int
    ) {
        self.arguments = arguments
        self.environment = environment
        self.folders = folders
        self.seed = seed
        self.fuel = fuel
        self.memoryBytes = memoryBytes
    }
}
