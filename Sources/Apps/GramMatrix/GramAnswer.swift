import Plugins

/// The answer's files and lines. Rows and columns are counted from 1, as everywhere in Millrace.
struct GramAnswer {
    let context: AppContext
    let project: GramProject
    /// The product of all columns; empty where it is not asked for.
    let columns: [Double]
    let components: PrincipalComponents?
    let rows: RowStatistics?

    var isCovariance: Bool { project.parameters.centring == .mean }
    /// For example `5,000 x 784`, without the comma.
    var shape: String { "\(project.matrix.rows) x \(project.matrix.columns)" }

    func written() -> Answer {
        var files: [Answer.File] = []
        if let components {
            let width = project.matrix.columns
            files += [
                Answer.File(
                    name: isCovariance ? "covariance.npy" : "columns.npy",
                    bytes: NpyFile.bytes(of: columns, rows: width, columns: width)),
                file("eigenvalues.csv", eigenvalues(components)),
                file("components.csv", vectors(components)),
                file("spectrum.svg", SpectrumPlot(answer: self, components: components).document),
            ]
            if let plot = ComponentPlot(answer: self, components: components) {
                files.append(file("components.svg", plot.document))
            }
        }
        if let rows {
            files += [
                file("rows.csv", statistics(rows)), file("rows.svg", GramPlot(answer: self, rows: rows).document),
            ]
        }
        files.append(file("summary.json", summary().written() + "\n"))
        return Answer(files: files, summary: lines())
    }

    private func file(_ name: String, _ text: String) -> Answer.File {
        Answer.File(name: name, bytes: Array(text.utf8))
    }

    private func eigenvalues(_ components: PrincipalComponents) -> String {
        var text = "component,eigenvalue,share,cumulative\n"
        var sum = 0.0
        for (index, value) in components.values.enumerated() {
            sum += components.share(index)
            text += "\(index + 1),\(value),\(components.share(index)),\(sum)\n"
        }
        return text
    }

    /// A line for each column of the matrix.
    private func vectors(_ components: PrincipalComponents) -> String {
        var text = "column" + (1...components.count).map { ",component_\($0)" }.joined() + "\n"
        for column in 0..<components.width {
            text += "\(column + 1)"
            for index in 0..<components.count {
                text += ",\(components.vectors[index * components.width + column])"
            }
            text += "\n"
        }
        return text
    }

    private func statistics(_ rows: RowStatistics) -> String {
        var text = "row,square,sum,norm\n"
        for row in 0..<rows.grid.rows {
            text += "\(row + 1),\(rows.squares[row]),\(rows.sum(row)),\(rows.energy(row).squareRoot())\n"
        }
        return text
    }

    private func summary() -> JSONText {
        var members: [(String, JSONText)] = [
            ("project", .text(context.project)), ("rows", .integer(project.matrix.rows)),
            ("columns", .integer(project.matrix.columns)), ("centre", .text(project.parameters.centring.rawValue)),
        ]
        if let components {
            let largest = (0..<components.count).map { JSONText.number(components.values[$0]) }
            members.append(
                (
                    "columns_product",
                    .object([
                        ("blocks", .integer(project.grid(.columns).count)),
                        ("divided_by", .integer(isCovariance ? project.matrix.rows - 1 : 1)),
                        ("trace", .number(columnTrace)), ("frobenius_norm", .number(columnNorm)),
                        ("components", .integer(components.count)),
                        ("explained", .number(components.cumulative(components.count - 1))),
                        ("residual", .number(components.residual)), ("orthogonality", .number(components.skew)),
                        ("eigenvalues", .list(largest)),
                    ])
                ))
        }
        if let rows {
            members.append(
                (
                    "rows_product",
                    .object([
                        ("blocks", .integer(rows.grid.count)), ("trace", .number(rows.trace)),
                        ("frobenius_norm", .number(rows.norm)),
                    ])
                ))
        }
        if let off = crossCheck {
            members.append(
                ("cross_check", .object([("trace", .number(off.trace)), ("frobenius_norm", .number(off.norm))])))
        }
        return .object(members)
    }

    private var columnTrace: Double {
        let width = project.matrix.columns
        return (0..<width).reduce(0) { $0 + columns[$1 * width + $1] }
    }

    private var columnNorm: Double { columns.reduce(0) { $0 + $1 * $1 }.squareRoot() }

    /// Both products have the same trace and the same Frobenius norm. They come from different work units, so one is
    /// held against the other: relative differences.
    private var crossCheck: (trace: Double, norm: Double)? {
        guard let rows, components != nil else { return nil }
        let scale = isCovariance ? Double(project.matrix.rows - 1) : 1
        func off(_ a: Double, _ b: Double) -> Double { b == 0 ? abs(a) : abs(a / b - 1) }
        return (off(columnTrace * scale, rows.trace), off(columnNorm * scale, rows.norm))
    }

    private func lines() -> [String] {
        var lines: [String] = []
        if let components {
            let what = isCovariance ? "covariance of" : "products of"
            lines.append("\(context.title): \(what) \(components.width) columns over \(project.matrix.rows) rows")
            lines.append(explained(components))
        }
        if let rows {
            lines.append(
                "Gram matrix of \(rows.grid.rows) rows: trace \(NumberText.scientific(rows.trace, 10)), Frobenius norm "
                    + NumberText.scientific(rows.norm, 10))
        }
        if let off = crossCheck {
            lines.append(
                "The two products agree: trace to \(NumberText.scientific(off.trace, 1)), Frobenius norm to "
                    + NumberText.scientific(off.norm, 1))
        }
        return lines
    }

    /// For example `The first 20 of 784 components hold 64.4 % of the variance (the first 9.7 %)`.
    func explained(_ components: PrincipalComponents) -> String {
        let share = NumberText.fixed(100 * components.cumulative(components.count - 1), 1)
        let first = NumberText.fixed(100 * components.share(0), 1)
        let whole = isCovariance ? "variance" : "trace"
        return "The first \(components.count) of \(components.width) components hold \(share) % of the \(whole) "
            + "(the first alone \(first) %)"
    }
}
