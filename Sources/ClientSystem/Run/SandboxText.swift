import ClientCore
import Domain
import WorkerHost

/// The sandbox in words.
public enum SandboxText {
    /// For the log.
    static func line(_ sandbox: ClientStatus.Sandbox) -> String { "sandbox: \(words(sandbox))" }

    /// For `status`.
    static func words(_ sandbox: ClientStatus.Sandbox) -> String {
        guard sandbox.isOn else { return "off: tasks can read what you can read, and use the network" }
        if let lacking = sandbox.lacking { return "missing: it lacks \(lacking)" }
        return sandbox.layers.active.map(\.rawValue).joined(separator: ", ")
    }

    /// For `millrace-client sandbox`: both sandboxes, layer by layer.
    public static func lines(_ answer: SandboxAnswer) -> [String] {
        var rows: [[String]] = [["layer", "for kernels", "for programs", ""]]
        for layer in SandboxLayer.allCases {
            let states = [answer.kernel, answer.program].map { layers in
                layers.states.first { $0.layer == layer } ?? .init(layer, isActive: false, detail: "not tried")
            }
            let details = states.map(\.detail).filter { !$0.isEmpty }
            rows.append(
                [layer.rawValue] + states.map { $0.isActive ? "yes" : "no" }
                    + [details.first == details.last ? details.first ?? "" : details.joined(separator: "; ")])
        }
        var lines = table(rows)
        let kernel = answer.kernel.shortfall(of: .kernel)
        lines.append("")
        lines.append(kernel.map { "kernels do not run: lacking \($0)" } ?? "kernels run in this sandbox")
        let program = answer.program.shortfall(of: .program)
        lines.append(
            program.map { "programs of scientists do not run: lacking \($0)" }
                ?? "programs of scientists run in this sandbox")
        return lines
    }

    /// For `millrace-client sandbox selftest`.
    public static func lines(_ report: SandboxSelftest.Report) -> [String] {
        var rows: [[String]] = [["", "way out", "sandbox", "what came of it", "without", "what was tried"]]
        for row in report.rows { rows.append(cells(row)) }
        var lines = table(rows)
        lines.append("")
        for (sandbox, lacking) in report.lacking.sorted(by: { $0.key < $1.key }) {
            lines.append("nothing was tried in the sandbox of \(sandbox)s: there is none, it lacks \(lacking)")
        }
        for (sandbox, seconds) in report.startSeconds.sorted(by: { $0.key < $1.key }) {
            lines.append("start of a \(sandbox) takes \((seconds * 1e4).rounded() / 10) ms longer by its sandbox")
        }
        let open = report.rows.filter { $0.outcome == .open }.count
        let worthless = report.rows.filter { $0.isWorthless && $0.outcome != .open }.count
        let names = Set(report.rows.map(\.name)).count
        lines.append(
            "\(names) ways out, \(report.rows.count) tries, \(open) open"
                + (worthless > 0 ? ", \(worthless) show nothing: refused without a sandbox, too" : ""))
        return lines
    }

    private static func cells(_ row: SandboxSelftest.Row) -> [String] {
        let without = row.control.map { control in
            switch control {
            case .open: "open"
            case .denied: "denied"
            case .absent: "not there"
            }
        }
        return [
            row.isGood ? "ok" : "BAD", row.name, row.sandbox.rawValue,
            row.outcome == .denied ? "denied: \(row.how)" : "\(row.outcome.rawValue): \(row.how)", without ?? "-",
            row.tried,
        ]
    }

    private static func table(_ rows: [[String]]) -> [String] {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                if column < row.count - 1 {
                    line += String(repeating: " ", count: widths[column] - cell.count + 2)
                }
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
