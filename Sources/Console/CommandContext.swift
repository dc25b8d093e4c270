import Domain
import WorkerHost

/// What every command needs: where to write, and in which form.
public struct CommandContext: Sendable {
    public var screen: any Screen
    /// One JSON value on standard output instead of text; faults as JSON on standard error.
    public var asJSON: Bool
    /// A table as CSV on standard output, where a command has one; faults as text.
    public var asCSV: Bool

    public init(screen: any Screen, asJSON: Bool, asCSV: Bool = false) {
        self.screen = screen
        self.asJSON = asJSON
        self.asCSV = asCSV
    }

    /// Runs a command and shows its fault, if it has one. - Returns: the exit code.
    public func run(_ command: (CommandContext) throws(Fault) -> Int32) -> Int32 {
        StandardDescriptors.ensureOpen()
        do throws(Fault) {
            let code = try command(self)
            if let fault = screen.writeFault { throw fault }
            return code
        } catch {
            show(error)
            return error.kind.rawValue
        }
    }

    /// Wrong arguments, when they ask for JSON.
    ///
    /// - Returns: the exit code; nil when plain text is wanted, which whoever reads the arguments can give better.
    public static func refuse(_ arguments: [String], _ message: String, on screen: any Screen) -> Int32? {
        guard arguments.prefix(while: { $0 != "--" }).contains("--json") else { return nil }
        return CommandContext(screen: screen, asJSON: true).run { (_) throws(Fault) in
            throw Fault(.usage, message, advice: "`millrace help` and `millrace help COMMAND` explain the arguments.")
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

    /// The same for a command that has a table for spreadsheets, too.
    func answer(_ json: @autoclosure () -> JSONValue, csv: @autoclosure () -> CSVTable, text: @autoclosure () -> String)
    {
        if asCSV { screen.write(csv().text) } else { answer(json(), text: text()) }
    }

    /// Columns for a table: in a pipe or a file nothing is cut.
    var tableWidth: Int { screen.isLive ? screen.width : 10_000 }

    /// A remark that is not part of the answer; with JSON there are none.
    @Sendable public func remark(_ text: String) {
        if !asJSON { screen.warn(text + "\n") }
    }
}

/// Something to wait with; tests have a clock of their own.
public protocol Pause: Sendable {
    /// Seconds since some fixed moment; never goes back.
    var now: Double { get }
    func wait(seconds: Double)
}
