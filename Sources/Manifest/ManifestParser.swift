import Domain
import YAMLText

/// Reads `project.yaml`.
public enum ManifestParser {
    /// - Parameter text: the manifest.
    /// - Parameter file: its name in messages.
    /// - Parameter apps: the catalogue, for `app`, `parameters` and `inputs`.
    /// - Returns: the project, or every fault at once, each with its place.
    public static func parse(_ text: String, file: String, apps: [AppSchema]) -> ManifestOutcome {
        read(text, file: file, apps: apps).outcome
    }

    /// Like `parse`, with the places of the input files, for a caller that can look at them.
    public static func read(_ text: String, file: String, apps: [AppSchema]) -> ManifestReading {
        var faults = FaultList(file: file)
        guard
            let root = YAMLReader.read(
                text, noun: "manifest", bytesMax: Limits.manifestBytesMax, example: "name: my-project", &faults)
        else {
            return ManifestReading(outcome: .faults(FaultList.sorted(faults.faults)), inputs: [], app: nil)
        }
        guard case .mapping(let entries) = root.value else {
            faults.add(root.place, "\(root.found) stands here", expected: "keys such as `name: my-project`")
            return ManifestReading(outcome: .faults(FaultList.sorted(faults.faults)), inputs: [], app: nil)
        }
        var reader = SectionReader(values: ValueReader(apps: apps), faults: faults)
        let top = reader.read(entries, path: "", place: .start)
        faults = reader.faults

        var app: AppSchema?
        if case .text(let name)? = top.values["app"] { app = apps.first { $0.name == name } }
        var parameters: [Parameter] = []
        var brokenParameters = Set(app?.parameters.map(\.name) ?? [])
        var inputs: [(file: InputFile, place: Place)] = []
        if let app {
            let rules = AppRules(
                app: app, parametersPlace: top.places["parameters"] ?? top.place(of: "app"),
                inputsPlace: top.places["inputs"] ?? top.place(of: "app"))
            if !top.broken.contains("parameters") {
                (parameters, brokenParameters) = rules.parameters(top.parameters, &faults)
            }
            if !top.broken.contains("inputs") { inputs = rules.inputs(top.lists["inputs"] ?? [], &faults) }
        } else if let meant = nearestApp(entries, apps), !top.broken.contains("parameters") {
            let place = top.places["parameters"] ?? top.place(of: "app")
            let rules = AppRules(app: meant, parametersPlace: place, inputsPlace: place)
            _ = rules.parameters(top.parameters, &faults)
        }
        let builder = SpecBuilder(top: top)
        builder.checkRules(app, &faults)
        let computing = ProgramSection.read(top, app, &faults)
        app = app?.fitted(to: computing, inputs: inputs.map(\.file))
        let comparison = comparison(top, app, &faults)
        let program = ComparingProgram.read(top, &faults)
        let outcome: ManifestOutcome
        if faults.faults.isEmpty, var spec = builder.spec(parameters, inputs.map(\.file)) {
            spec.validation.comparison = program.map { .program($0.rule) } ?? comparison
            spec.validation.program = program?.file
            spec.program = computing
            outcome = .success(spec, warnings: FaultList.sorted(faults.warnings))
        } else {
            outcome = .faults(FaultList.sorted(faults.faults))
        }
        let places = inputs.map { input in
            ManifestReading.Input(file: input.file, line: input.place.line, column: input.place.column)
        }
        let programPlace = program.map {
            ManifestReading.Input(file: $0.file, line: $0.place.line, column: $0.place.column)
        }
        let parametersPlace = top.places["parameters"] ?? top.place(of: "app")
        return ManifestReading(
            outcome: outcome, inputs: places, program: programPlace,
            computing: computing.flatMap { ProgramSection.reading($0, top, app) }, app: app,
            parameters: top.parameters.map {
                ManifestReading.Key(name: $0.key, line: $0.keyPlace.line, column: $0.keyPlace.column)
            },
            values: parameters, brokenParameters: brokenParameters, parametersLine: parametersPlace.line,
            parametersColumn: parametersPlace.column)
    }

    private static func comparison(
        _ top: SectionValues, _ app: AppSchema?, _ faults: inout FaultList
    ) -> ComparisonRule? {
        guard let section = top.sections["validation"], let elements = section.lists["compare"] else { return nil }
        let builder = ComparisonBuilder(elements: elements, place: section.place(of: "compare"), app: app)
        return builder.rule(&faults)
    }

    /// The app that a misspelt name probably means, so that its parameters are checked in the same run.
    private static func nearestApp(_ entries: [YAMLEntry], _ apps: [AppSchema]) -> AppSchema? {
        guard case .scalar(let name, _)? = entries.first(where: { $0.key == "app" })?.value.value,
            let nearest = Nearest.word(to: name, in: apps.map(\.name))
        else { return nil }
        return apps.first { $0.name == nearest }
    }
}
