import Domain
import Manifest

/// Apps that exist only here, so that these tests do not change with the catalogue.
enum Fixtures {
    static let search = AppSchema(
        name: "line-search", version: 1, title: "Line search", step: "one row of the grid",
        parameters: [
            ParameterSchema(
                name: "frequency_min", kind: .real, unit: "Hz", defaultValue: .real(0), minimum: 0, maximum: 4096,
                description: "Lower edge."),
            ParameterSchema(
                name: "frequency_max", kind: .real, unit: "Hz", defaultValue: nil, minimum: 0, maximum: 4096,
                description: "Upper edge."),
            ParameterSchema(
                name: "harmonics", kind: .integer, unit: "", defaultValue: .integer(1), minimum: 1, maximum: 16,
                description: "Harmonics added."),
            ParameterSchema(
                name: "window", kind: .text, unit: "", defaultValue: .text("hann"), minimum: nil, maximum: nil,
                choices: ["hann", "hamming", "none"], description: "Window."),
            ParameterSchema(
                name: "ratios", kind: .reals, unit: "s^-1", defaultValue: .reals([0]), minimum: -1, maximum: 1,
                description: "Ratios."),
        ],
        inputs: [
            InputSchema(name: "photons", packing: .table, columns: ["time_s", "weight"], description: "Photons."),
            InputSchema(name: "mask", packing: .plain, columns: [], description: "A mask."),
        ],
        numericClass: .tolerance(relative: 1e-4, absolute: 0))

    static let count = AppSchema(
        name: "prime-count", version: 2, title: "Prime count", step: "one interval", parameters: [], inputs: [],
        numericClass: .exact)

    static let apps = [search, count]

    /// A right manifest for `prime-count` with the given lines added at the top level.
    static func manifest(_ lines: String = "", app: String = "prime-count", split: String = "1") -> String {
        """
        name: my-project
        title: A title
        description: What for.
        science_area: mathematics
        licence: CC0-1.0
        app: \(app)
        split:
          steps_per_unit: \(split)
        \(lines)
        """
    }

    static func faults(_ text: String) -> [ManifestFault] {
        switch ManifestParser.parse(text, file: "project.yaml", apps: apps) {
        case .success: []
        case .faults(let faults): faults
        }
    }

    static func spec(_ text: String) -> ProjectSpec? {
        switch ManifestParser.parse(text, file: "project.yaml", apps: apps) {
        case .success(let spec, _): spec
        case .faults: nil
        }
    }
}
