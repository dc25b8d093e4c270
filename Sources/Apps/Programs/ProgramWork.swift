import Domain
import Plugins

/// The whole work of a project with its own program, and the piece that each unit is.
struct ProgramWork {
    static let stepsKey = "steps"
    static let rowsKey = "rows"
    /// Exact as a double.
    static let stepsMax = 1_000_000_000_000_000

    let program: ProjectProgram
    /// The parameters that mean nothing to the app: they are for the program. By name.
    let parameters: [(name: String, value: ParameterValue)]
    /// The table whose rows are the steps; nil: they are numbers.
    let table: Table?
    /// Steps in all, 1 or more.
    let total: Int
    /// Steps in each unit but the last.
    let perUnit: Int

    init(_ context: AppContext) throws(AppError) {
        guard let program = context.program else { throw .badUnit("the project names no program") }
        self.program = program
        parameters = context.parameters.filter { $0.key != Self.stepsKey && $0.key != Self.rowsKey }
            .sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }
            .map { ($0.key, $0.value) }
        perUnit = max(1, context.stepsPerUnit)
        var reading = ParameterReading(context.parameters)
        let steps = reading.whole(Self.stepsKey, 0...Self.stepsMax, default: 0)
        let rows = reading.text(Self.rowsKey) ?? ""
        if let fault = AppError.joined(reading.faults) { throw fault }
        switch (steps, rows) {
        case (0, ""):
            throw .badParameter(
                name: Self.stepsKey,
                "nothing says how much work there is; expected: `steps: N`, or `rows:` with the name of a table")
        case (_, ""):
            (total, table) = (steps, nil)
        case (0, _):
            let found = try Self.table(rows, context.inputs)
            (total, table) = (found.rowCount, found)
        default:
            throw .badParameter(name: Self.rowsKey, "it stands beside `steps`; expected: one of the two")
        }
    }

    private static func table(_ name: String, _ inputs: InputSet) throws(AppError) -> Table {
        switch inputs[name] {
        case .table(let table) where table.rowCount > 0: return table
        case .table: throw .badParameter(name: rowsKey, "the table `\(name)` has no rows; expected: one or more")
        case .none: throw .badParameter(name: rowsKey, "there is no input `\(name)`; expected: an input's name")
        case .bytes, .raw:
            throw .badParameter(
                name: rowsKey, "the input `\(name)` has no rows; expected: an input with `packing: table`")
        }
    }

    var unitCount: Int { (total - 1) / perUnit + 1 }

    /// The steps of a unit. - Parameter index: 0 ..< `unitCount`.
    func range(of index: Int) -> Range<Int> {
        let first = index * perUnit
        return first..<first + min(perUnit, total - first)
    }

    /// For example `steps-0400-0499`: in the order of the units when sorted as text, and fit for a folder's name.
    func label(of index: Int) -> String {
        let width = String(total - 1).utf8.count
        func padded(_ number: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: width - digits.utf8.count) + digits
        }
        let range = range(of: index)
        return "\(table == nil ? "steps" : "rows")-\(padded(range.lowerBound))-\(padded(range.upperBound - 1))"
    }

    /// What the program finds in /input, beside the project's inputs.
    func payload(of index: Int) throws(AppError) -> Payload {
        let text = Array(description(of: index).utf8)
        var sections = [PayloadSection(name: ProgramFileName.parameters, kind: .utf8, bytes: text)]
        if let table {
            let rows = table.csv(rows: range(of: index))
            guard rows.count <= Limits.sectionBytesMax else {
                throw .badUnit(
                    "\(range(of: index).count) rows are \(rows.count) bytes of text; expected: a smaller "
                        + "split.steps_per_unit, so that they are at most \(Limits.sectionBytesMax)")
            }
            sections.append(PayloadSection(name: ProgramFileName.rows, kind: .utf8, bytes: rows))
        }
        return Payload(sections: sections)
    }

    /// `parameters.json`.
    func description(of index: Int) -> String {
        let range = range(of: index)
        let results = program.results.map { result in
            JSONText.object([("file", .text(result.file)), ("optional", .flag(result.isOptional))])
        }
        let json = JSONText.object([
            ("label", .text(label(of: index))), ("first", .integer(range.lowerBound)), ("count", .integer(range.count)),
            ("parameters", .object(parameters.map { ($0.name, JSONText($0.value)) })), ("results", .list(results)),
        ])
        return json.written() + "\n"
    }
}

extension JSONText {
    fileprivate init(_ value: ParameterValue) {
        switch value {
        case .integer(let number): self = .integer(Int(number))
        case .real(let number): self = .number(number)
        case .text(let text): self = .text(text)
        case .reals(let numbers): self = .list(numbers.map { .number($0) })
        }
    }
}
