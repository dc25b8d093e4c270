/// One thing that stands between a task and the computer that it runs on.
public enum SandboxLayer: String, Sendable, CaseIterable, Codable, Comparable {
    /// No program that is started can have more rights than its starter.
    case noNewPrivileges = "no-new-privileges"
    /// Users of its own, of whom none is anybody outside.
    case userNamespace = "user-namespace"
    /// Folders of its own: what it does not need is not there.
    case mountNamespace = "mount-namespace"
    /// Processes of its own: it sees no others.
    case pidNamespace = "pid-namespace"
    /// A network of its own, without any device.
    case networkNamespace = "network-namespace"
    /// Shared memory and message queues of its own.
    case ipcNamespace = "ipc-namespace"
    /// A host name of its own.
    case utsNamespace = "uts-namespace"
    /// Only the system calls that computing needs.
    case seccomp = "seccomp"
    /// Files by name: the kernel refuses all but those that are listed, even if they were there.
    case landlock = "landlock"
    /// Bounds of memory, file size, processes, open files and CPU time.
    case resourceLimits = "resource-limits"
    /// A control group can be made; not part of any demand of ours.
    case controlGroup = "control-group"

    /// In the order of declaration.
    public static func < (a: SandboxLayer, b: SandboxLayer) -> Bool { a.place < b.place }

    private var place: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// Which layers hold a task on this computer, and why others do not.
public struct SandboxLayers: Hashable, Sendable, Codable {
    /// One layer.
    public struct State: Hashable, Sendable, Codable {
        public var layer: SandboxLayer
        public var isActive: Bool
        /// Why it is not active, or what there is to say of one that is; may be empty.
        public var detail: String

        public init(_ layer: SandboxLayer, isActive: Bool, detail: String = "") {
            self.layer = layer
            self.isActive = isActive
            self.detail = detail
        }
    }

    /// At most one of each layer, in the layers' order.
    public private(set) var states: [State]
    /// Version of the kernel's Landlock interface; 0: it has none.
    public var landlockVersion: Int

    public init(_ states: [State] = [], landlockVersion: Int = 0) {
        self.states = []
        self.landlockVersion = landlockVersion
        for state in states { set(state) }
    }

    /// Says what became of one layer; what was said of it before is forgotten.
    public mutating func set(_ state: State) {
        states.removeAll { $0.layer == state.layer }
        states.append(state)
        states.sort { $0.layer < $1.layer }
    }

    public func isActive(_ layer: SandboxLayer) -> Bool { states.contains { $0.layer == layer && $0.isActive } }

    public var active: [SandboxLayer] { states.filter(\.isActive).map(\.layer) }

    /// What these layers lack of a demand, in words for people; nil when they lack nothing.
    public func shortfall(of demand: SandboxDemand) -> String? {
        var lacking = demand.layers.sorted().filter { !isActive($0) }.map(words)
        for group in demand.oneOf where !group.contains(where: isActive) {
            lacking.append("any of " + group.sorted().map(words).joined(separator: ", "))
        }
        let has = isActive(.landlock) ? landlockVersion : 0
        if has < demand.landlockVersion, isActive(.landlock) || !demand.layers.contains(.landlock) {
            lacking.append("version \(demand.landlockVersion) of landlock (there is \(has))")
        }
        return lacking.isEmpty ? nil : lacking.joined(separator: "; ")
    }

    private func words(_ layer: SandboxLayer) -> String {
        let why = states.first { $0.layer == layer }?.detail ?? ""
        return why.isEmpty ? layer.rawValue : "\(layer.rawValue) (\(why))"
    }
}

/// The least that must hold a task for it to run.
public struct SandboxDemand: Hashable, Sendable {
    public var layers: Set<SandboxLayer>
    /// Of each of these, one must be active.
    public var oneOf: [Set<SandboxLayer>]
    /// The least version of Landlock; 0: any, or none.
    public var landlockVersion: Int

    public init(_ layers: Set<SandboxLayer>, oneOf: [Set<SandboxLayer>] = [], landlockVersion: Int = 0) {
        self.layers = layers
        self.oneOf = oneOf
        self.landlockVersion = landlockVersion
    }

    /// For the kernels that are part of Millrace: no system call but those of computing, so no network and no other
    /// process, and no file but its own, by Landlock or by a root folder of its own.
    public static let kernel = SandboxDemand(
        [.noNewPrivileges, .seccomp, .resourceLimits], oneOf: [[.landlock, .mountNamespace]])

    /// For programs that scientists wrote: everything.
    public static let program = SandboxDemand([
        .noNewPrivileges, .userNamespace, .mountNamespace, .pidNamespace, .networkNamespace, .ipcNamespace,
        .utsNamespace, .seccomp, .landlock, .resourceLimits,
    ])

    /// Nothing: whoever asks for that knows it.
    public static let nothing = SandboxDemand([])

    /// What both demand.
    public func joined(with other: SandboxDemand) -> SandboxDemand {
        SandboxDemand(
            layers.union(other.layers), oneOf: oneOf + other.oneOf.filter { !oneOf.contains($0) },
            landlockVersion: max(landlockVersion, other.landlockVersion))
    }

    /// The words of a manifest or a command line: names of layers, `landlock:N` for a version of it.
    ///
    /// - Throws: `.badData` with the word that is none.
    public init(words: [String]) throws(Fault) {
        self.init([])
        for word in words {
            let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let layer = SandboxLayer(rawValue: String(parts[0])), layer != .controlGroup else {
                let known = SandboxLayer.allCases.filter { $0 != .controlGroup }.map(\.rawValue)
                throw Fault(
                    .badData, "\"\(PrintableText.clean(word))\" is no layer of a sandbox",
                    advice: "Layers are \(known.joined(separator: ", ")); landlock:3 demands a version of landlock.")
            }
            layers.insert(layer)
            guard parts.count == 2 else { continue }
            guard layer == .landlock, let version = Int(parts[1]), (1...1000).contains(version) else {
                throw Fault(
                    .badData, "\"\(PrintableText.clean(word))\": only landlock has a version, 1 to 1000",
                    advice: "Write landlock:3, for example.")
            }
            landlockVersion = max(landlockVersion, version)
        }
    }

    /// Such words; `oneOf` has none.
    public var words: [String] {
        layers.sorted().map {
            $0 == .landlock && landlockVersion > 0 ? "\($0.rawValue):\(landlockVersion)" : $0.rawValue
        }
    }
}
