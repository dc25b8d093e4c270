import Domain
import WorkerHost

/// What every command needs: where to write, and in which form.
public struct CommandContext: Sendable {
    public var screen: any Screen
    /// One JSON value on standard output instead of text; faults as JSON on standard error.
    public var asJSON: Bool

    public init(screen: any Screen, asJSON: Bool) {
        self.screen = screen
        self.asJSON = asJSON
    }

    /// Runs a command and shows its fault, if it has one. - Returns: the exit code.
    public func run(_ command: (CommandContext) throws(Fault) -> Int32) -> Int32 {
        StandardDescriptors.ensureOpen()
        do throws(Fault) {
            return try command(self)
        } catch {
            show(error)
            return error.kind.rawValue
        }
    }

    /// A fault as a person or a program wants it, on standard error.
    public func show(_ fault: Fault) {
        if asJSON {
            screen.warn(fault.json.line + "\n")
        } else {
            screen.warn("millrace: \(PrintableText.cleanLines(fault.description))\n")
        }
    }

    /// The answer in the form that was asked for.
    func answer(_ json: @autoclosure () -> JSONValue, text: @autoclosure () -> String) {
        screen.write(asJSON ? json().line + "\n" : text())
    }

    /// Columns for a table: in a pipe or a file nothing is cut.
    var tableWidth: Int { screen.isLive ? screen.width : 10_000 }

    /// A remark that is not part of the answer.
    func remark(_ text: String) {
        if !asJSON { screen.warn(text + "\n") }
    }
}

/// Something to wait with; tests have a clock of their own.
public protocol Pause: Sendable {
    /// Seconds since some fixed moment; never goes back.
    var now: Double { get }
    func wait(seconds: Double)
}
