import Domain

/// What tells whether somebody needs the machine, or the machine itself needs rest. A further probe gets a case here, a
/// verdict in `IdlePolicy` and a reader in ClientSystem.
public enum ProbeKind: String, Hashable, Sendable, CaseIterable, Codable {
    /// Time since the last key or pointer event, by the X server.
    case userInput = "user input"
    /// The same of login sessions, Wayland ones and consoles included, by logind's idle hint.
    case session = "login session"
    /// The same by the access times of `/dev/input`.
    case inputDevices = "input devices"
    /// The same of terminals on which somebody is logged in.
    case terminals = "terminals"
    /// Processor time used by everything but our own workers.
    case otherLoad = "other programs"
    /// Whether one of the programs runs that the user wants to be alone with.
    case exclusiveProgram = "exclusive programs"
    /// Whether a window fills the screen: a film, a game, a talk.
    case fullScreen = "full screen"
    /// Battery or mains.
    case power
    /// The hottest sensor.
    case temperature
    /// How much programs wait for processor, memory and disk.
    case pressure
    /// Whether the network costs by the byte.
    case network
    /// What the user's own file or command says of price or carbon.
    case permission = "price or carbon"

    /// Whether it tells how long nobody has touched the machine.
    public var isInput: Bool {
        switch self {
        case .userInput, .session, .inputDevices, .terminals: true
        default: false
        }
    }
}

/// One reading of one probe.
public struct ProbeReading: Hashable, Sendable {
    public enum Value: Hashable, Sendable {
        /// Milliseconds since the last input.
        case idle(milliseconds: Int64)
        /// Cores kept busy by others, averaged over the last second or so.
        case busy(cores: Double)
        /// The name of a program that runs; nil: none of those that are named does.
        case program(String?)
        /// The title or class of the window; nil: none fills the screen.
        case fullScreen(String?)
        /// `charge`: 0 ... 100, of all batteries together; nil: there is none, or it does not say.
        case power(isOnBattery: Bool, charge: Int?)
        /// Degrees Celsius, and the sensor's name.
        case temperature(Double, sensor: String)
        /// Percentage of the last ten seconds in which something had to wait, 0 ... 100 each.
        case pressure(cpu: Double, memory: Double, disk: Double)
        case metered(Bool)
        /// `reason`: the words of the file or command.
        case permission(Bool, reason: String)
        /// This machine does not tell; the text says why.
        case unavailable(String)
    }

    public var kind: ProbeKind
    public var value: Value
    public var at: Timestamp

    public init(kind: ProbeKind, value: Value, at: Timestamp) {
        self.kind = kind
        self.value = value
        self.at = at
    }
}

extension ProbeReading.Value {
    /// For people, for example `idle for 12 s`.
    public var words: String {
        switch self {
        case .idle(let milliseconds): "idle for \(milliseconds / 1000) s"
        case .busy(let cores): "\(Double(Int(cores * 100)) / 100) cores busy"
        case .program(let name): name.map { "\($0) runs" } ?? "none runs"
        case .fullScreen(let window): window.map { "\($0) fills the screen" } ?? "no window fills the screen"
        case .power(let isOnBattery, let charge):
            (isOnBattery ? "on battery" : "on mains") + (charge.map { ", charge \($0) %" } ?? "")
        case .temperature(let degrees, let sensor): "\(Int(degrees.rounded())) °C (\(sensor))"
        case .pressure(let cpu, let memory, let disk):
            "processor \(Int(cpu)) %, memory \(Int(memory)) %, disk \(Int(disk)) %"
        case .metered(let isMetered): isMetered ? "costs by the byte" : "does not cost by the byte"
        case .permission(let isGiven, let reason):
            (isGiven ? "given" : "not given") + (reason.isEmpty ? "" : ": \(reason)")
        case .unavailable(let why): "not available: \(why)"
        }
    }
}
