import Foundation
import Testing

/// A slice of the pulsar search: three bands round the pulsar, in six units of about a second.
///
/// The ratios lie so close together that all are one ratio to the data: they give a unit work to be killed in, and the
/// noise no more chances than one ratio would.
enum SmallProject {
    /// Copies the real project and narrows its search. - Returns: the project's folder.
    static func make(in folder: TemporaryFolder, quorum: Int = 2, deadline: String = "1 h", steps: Int = 20) throws
        -> String
    {
        try make(in: folder, manifest: manifest(quorum: quorum, deadline: deadline, steps: steps))
    }

    static func make(in folder: TemporaryFolder, manifest: String) throws -> String {
        let source = repositoryRoot.appending(path: "projects/gamma-pulsar")
        let target = folder.url.appending(path: "project")
        try FileManager.default.createDirectory(
            at: target.appending(path: "input"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: source.appending(path: "input/photons.csv"), to: target.appending(path: "input/photons.csv"))
        try manifest.write(to: target.appending(path: "project.yaml"), atomically: true, encoding: .utf8)
        return target.path
    }

    /// - Parameter ratios: beside 0; a step of a unit takes so many times longer.
    /// - Parameter maxHz: the end of the band; a step is 8 Hz at most.
    static func manifest(quorum: Int, deadline: String, steps: Int = 20, ratios: Int = 39, maxHz: Int = 216) -> String {
        """
        name: gamma-pulsar-slice
        title: A slice of the pulsar search
        description: The band of PSR J0030+0451 only, for tests.
        science_area: astronomy
        licence: CC0-1.0
        app: gamma-pulsar
        parameters:
          frequency_min_hz: 192
          frequency_max_hz: \(maxHz)
          f1_over_f: [\((0...ratios).map { $0 == 0 ? "0" : "-\($0).0e-20" }.joined(separator: ", "))]
        inputs:
          - name: photons
            file: input/photons.csv
            packing: table
        split:
          steps_per_unit: \(steps)
        replication:
          quorum: \(quorum)
          initial: \(quorum)
          max_total: 8
          max_errors: 6
          deadline: \(deadline)
        resources:
          memory: 512 MiB
          disk: 64 MiB
          output: 1 MiB
        validation:
          check_each: true
        """
    }

    /// PSR J0030+0451 at the table's mean epoch.
    static let truthHz = 205.5306991
}

extension [String: Any] {
    /// A number of a JSON object; NaN when it is not there or none.
    func number(_ key: String) -> Double {
        (self[key] as? NSNumber)?.doubleValue ?? .nan
    }

    func text(_ key: String) -> String { self[key] as? String ?? "" }
    func list(_ key: String) -> [[String: Any]] { self[key] as? [[String: Any]] ?? [] }
}
