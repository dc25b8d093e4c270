import Domain
import YAMLText

/// Reads the section `program`, and what depends on there being one.
struct ProgramSection {
    private let section: SectionValues
    private let app: ProgramApp

    /// - Returns: nil when there is none, or none that is right.
    static func read(_ top: SectionValues, _ app: AppSchema?, _ faults: inout FaultList) -> ProjectProgram? {
        guard let app, !top.broken.contains("program") else { return nil }
        guard let kind = app.program else {
            if top.places["program"] != nil {
                faults.add(
                    top.place(of: "program"), "`program` means nothing to the app \(app.name), which computes itself",
                    expected: "no such key, or one of the apps " + ProgramApp.names)
            }
            return nil
        }
        checkFlops(top, kind, &faults)
        guard let section = top.sections["program"] else {
            faults.add(
                top.place(of: "app"),
                "the required key `program` is missing: the app \(kind.rawValue) runs a program of yours",
                expected: "a section with `name`, `version`, `results`")
            return nil
        }
        return ProgramSection(section: section, app: kind).program(&faults)
    }

    /// Nobody but the scientist knows how long it runs.
    private static func checkFlops(_ top: SectionValues, _ app: ProgramApp, _ faults: inout FaultList) {
        guard !top.broken.contains("resources"), top.sections["resources"]?.places["flops_per_step"] == nil else {
            return
        }
        faults.add(
            top.place(of: top.places["resources"] == nil ? "app" : "resources"),
            "the app \(app.rawValue) needs `resources.flops_per_step`",
            expected: "about the floating-point operations of one step: run time in seconds times 1e9 to 4e9")
    }

    /// The program with the places of its keys.
    static func reading(
        _ program: ProjectProgram, _ top: SectionValues, _ app: AppSchema?
    ) -> ManifestReading.Program? {
        guard let section = top.sections["program"], let kind = app?.program else { return nil }
        func key(_ leaf: String) -> ManifestReading.Key {
            let place = section.place(of: leaf)
            return ManifestReading.Key(name: leaf, line: place.line, column: place.column)
        }
        return ManifestReading.Program(
            program: program, app: kind, releases: key("releases"), name: key("name"), version: key("version"))
    }

    private func program(_ faults: inout FaultList) -> ProjectProgram? {
        let results = results(&faults)
        guard let fuel = fuel(&faults), let results, case .text(let name)? = section.values["name"],
            case .text(let version)? = section.values["version"]
        else { return nil }
        var program = ProjectProgram(
            releases: "releases", name: name, version: version, arguments: [], fuel: fuel, results: results)
        if case .text(let path)? = section.values["releases"] { program.releases = path }
        if case .lines(let lines)? = section.values["arguments"] { program.arguments = lines }
        return program
    }

    private func fuel(_ faults: inout FaultList) -> Int64? {
        guard section.places["fuel"] != nil else {
            guard app == .wasm else { return 0 }
            faults.add(
                section.place, "the required key `program.fuel` is missing: a module runs until its fuel is burnt",
                expected: "a whole number; `millrace dry-run` shows how much one work unit took")
            return nil
        }
        guard case .real(let fuel)? = section.values["fuel"] else { return nil }
        guard app == .wasm else {
            faults.add(
                section.place(of: "fuel"), "`program.fuel` means nothing to the app \(app.rawValue)",
                expected: "no such key; `resources.flops_bound_factor` bounds its time")
            return nil
        }
        guard fuel.rounded() == fuel else {
            faults.add(
                section.place(of: "fuel"), "`program.fuel`: \(fuel) is no whole number", expected: "a whole number")
            return nil
        }
        return Int64(fuel)
    }

    private func results(_ faults: inout FaultList) -> [ProgramResult]? {
        guard let elements = section.lists["results"] else { return nil }
        let place = section.place(of: "results")
        guard (1...Limits.workUnitSectionsMax).contains(elements.count) else {
            faults.add(
                place, "`program.results` has \(elements.count) elements",
                expected: "1 to \(Limits.workUnitSectionsMax) files: `- file: NAME`")
            return nil
        }
        var results: [ProgramResult] = []
        for element in elements {
            guard case .text(let name)? = element.values["file"] else { continue }
            let place = element.place(of: "file")
            if Self.reservedResults.contains(name) {
                faults.add(
                    place, "`program.results[].file`: `\(name)` is taken",
                    expected: "another name than "
                        + Self.reservedResults.joined(separator: ", "))
            } else if results.contains(where: { $0.file == name }) {
                faults.add(place, "the file `\(name)` is declared twice", expected: "each file once")
            }
            var result = ProgramResult(file: name)
            if case .flag(let flag)? = element.values["optional"] { result.isOptional = flag }
            if case .text(let word)? = element.values["join"] {
                result.joining = ProgramResult.Joining(rawValue: word) ?? .none
            }
            results.append(result)
        }
        if results.count == elements.count, results.allSatisfy(\.isOptional) {
            faults.add(place, "every file of `program.results` is optional", expected: "one that every work unit has")
        }
        return results.count == elements.count ? results : nil
    }

    /// Talk between client and program, and what the answer has beside tables.
    private static let reservedResults = [
        ProgramFileName.progress, ProgramFileName.checkpoint, "files.tar", "summary.txt",
    ]
    static let reservedInputs = [ProgramFileName.parameters, ProgramFileName.results, ProgramFileName.rows]
}

extension ProgramApp {
    fileprivate static var names: String { allCases.map(\.rawValue).joined(separator: " and ") }
}

extension AppSchema {
    /// With the inputs and results that this project has: an app of programs has none of its own.
    func fitted(to program: ProjectProgram?, inputs: [InputFile]) -> AppSchema {
        guard self.program != nil else { return self }
        var app = self
        app.inputs = inputs.map { InputSchema(name: $0.name, packing: $0.packing, columns: [], description: "") }
        app.results = (program?.results ?? []).map {
            ResultSchema(name: $0.file, kind: "bytes", description: $0.isOptional ? "may be missing" : "")
        }
        return app
    }
}
