import Domain
import YAMLText

/// Parameters and inputs of apps that run a program of the project's own: of any name, and for the program to
/// understand.
extension AppRules {
    /// Whether the app takes a parameter that it does not know. A word like one of its own is a slip while nothing says
    /// how much work there is.
    func takes(_ name: String, among entries: [YAMLEntry]) -> Bool {
        guard app.program != nil else { return false }
        let own = app.parameters.map(\.name)
        return entries.contains { own.contains($0.key) } || Nearest.word(to: name, in: own) == nil
    }

    /// - Returns: nil with a fault.
    func freeParameter(_ entry: YAMLEntry, _ faults: inout FaultList) -> Parameter? {
        guard ProgramFileName.isValid(entry.key) else {
            faults.add(
                entry.keyPlace, "`\(YAMLNode.short(entry.key))` is no name of a parameter",
                expected: ProgramFileName.expected)
            return nil
        }
        do throws(ValueFault) { return Parameter(name: entry.key, value: try Self.freeValue(entry.value)) } catch {
            let place = error.place ?? (entry.value.isEmpty ? entry.keyPlace : entry.value.place)
            faults.add(place, "`parameters.\(entry.key)`: \(error.message)", expected: error.expected)
            return nil
        }
    }

    /// By how it is written: a list of numbers, a whole number, a number, else a text.
    private static func freeValue(_ node: YAMLNode) throws(ValueFault) -> ParameterValue {
        func reader(_ kind: ParameterSchema.Kind) -> ParameterReader {
            ParameterReader(
                schema: ParameterSchema(
                    name: "", kind: kind, unit: "", defaultValue: nil, minimum: nil, maximum: nil, description: ""))
        }
        switch node.value {
        case .sequence: return try reader(.reals).read(node)
        case .scalar(let text, quoted: false) where !node.isEmpty:
            if Quantities.integer(text) != nil { return try reader(.integer).read(node) }
            if Quantities.real(text) != nil { return try reader(.real).read(node) }
            return try reader(.text).read(node)
        case .scalar(_, quoted: true): return try reader(.text).read(node)
        default:
            throw ValueFault(
                message: "\(node.found) stands here", expected: "a number, a text, or a list of numbers")
        }
    }

    /// - Returns: the inputs that are right, each with the place of its file name.
    func freeInputs(_ sections: [SectionValues], _ faults: inout FaultList) -> [(file: InputFile, place: Place)] {
        var inputs: [(file: InputFile, place: Place)] = []
        var seen: Set<String> = []
        for section in sections {
            guard case .text(let name)? = section.values["name"] else { continue }
            let place = section.place(of: "name")
            guard ProgramFileName.isValid(name) else {
                faults.add(
                    place, "`\(YAMLNode.short(name))` is no name of a file, and the input becomes /input/NAME",
                    expected: ProgramFileName.expected)
                continue
            }
            guard !ProgramSection.reservedInputs.contains(name) else {
                faults.add(place, "the name `\(name)` is taken: work units bring that file", expected: "another name")
                continue
            }
            guard seen.insert(name).inserted else {
                faults.add(place, "the input `\(name)` is given twice", expected: "each input once")
                continue
            }
            var packing = InputPacking.plain
            if case .packing(let given)? = section.values["packing"] { packing = given }
            guard case .text(let path)? = section.values["file"] else { continue }
            inputs.append((InputFile(name: name, path: path, packing: packing), section.place(of: "file")))
        }
        return inputs
    }
}
