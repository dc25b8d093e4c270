import Console
import Domain
import Foundation
import Synchronization

/// Keeps what a person would see.
final class Recorder: Screen {
    private let texts = Mutex<(out: String, err: String)>(("", ""))
    let width: Int
    let isLive: Bool
    var isErrorLive: Bool { isLive }
    let isUnicode: Bool
    let writeFault: Fault?

    init(width: Int = 80, isLive: Bool = false, isUnicode: Bool = false, writeFault: Fault? = nil) {
        self.writeFault = writeFault
        self.width = width
        self.isLive = isLive
        self.isUnicode = isUnicode
    }

    func write(_ text: String) { texts.withLock { $0.out += text } }
    func warn(_ text: String) { texts.withLock { $0.err += text } }
    var out: String { texts.withLock { $0.out } }
    var err: String { texts.withLock { $0.err } }
}

/// A clock that only waiting moves.
final class FakePause: Pause {
    private let time = Mutex(0.0)

    var now: Double { time.withLock { $0 } }
    func wait(seconds: Double) { time.withLock { $0 += seconds } }
}

/// A folder of its own for one test, removed at the end.
struct TemporaryFolder {
    let path: String

    static func with<T>(_ body: (TemporaryFolder) throws -> T) throws -> T {
        let url = FileManager.default.temporaryDirectory.appending(path: "console-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        return try body(TemporaryFolder(path: url.path))
    }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        let url = URL(filePath: path).appending(path: name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
        return url.path
    }

    func text(_ name: String) throws -> String {
        try String(contentsOf: URL(filePath: path).appending(path: name), encoding: .utf8)
    }
}

enum Sample {
    static let app = AppSchema(
        name: "line-search", version: 1, title: "Line search", step: "one row of the grid",
        parameters: [
            ParameterSchema(
                name: "width", kind: .real, unit: "Hz", defaultValue: .real(8), minimum: 0.5, maximum: 64,
                description: "Width of a band.")
        ],
        inputs: [
            InputSchema(
                name: "photons", packing: .table, columns: ["time_s", "weight"], description: "Arrival times.")
        ],
        numericClass: .tolerance(relative: 1e-4, absolute: 0))

    static let exact = AppSchema(
        name: "prime-count", version: 2, title: "Prime count", step: "one interval", parameters: [], inputs: [],
        numericClass: .exact)

    static let catalogue = AppCatalogue(apps: [app, exact])

    static let manifest = """
        name: my-search
        title: A search
        description: What for.
        science_area: astronomy
        licence: CC0-1.0
        app: line-search
        inputs:
          - name: photons
            file: input/photons.csv
        split:
          steps_per_unit: 4
        """

    static let table = "time_s,weight\n1.5,0.25\n2.5,1\n"

    /// A right project in a folder.
    static func project(in folder: TemporaryFolder) throws {
        try folder.write("project.yaml", manifest)
        try folder.write("input/photons.csv", table)
    }
}

/// The object on a line of JSON.
func object(_ line: String) throws -> [String: Any] {
    try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
}
