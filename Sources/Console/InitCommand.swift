import Domain
import Glibc
import Manifest
import WorkerHost

/// `millrace init [DIR] [--app NAME]`: a project's folder with a commented manifest.
public struct InitCommand: Sendable {
    private let folder: String
    private let appName: String?
    private let catalogue: AppCatalogue

    public init(folder: String, app: String?, catalogue: AppCatalogue) {
        self.folder = ProjectFolder.trimmed(folder)
        appName = app
        self.catalogue = catalogue
    }

    /// - Throws: `.cannotWrite` when there is a manifest already.
    public func run(_ context: CommandContext) throws(Fault) -> Int32 {
        let app = try chosen()
        let shown = Printable.clean(folder)
        let manifest = "\(folder)/\(ProjectFolder.manifestName)"
        guard !Files.exists(manifest) else {
            throw Fault(
                .cannotWrite, "\(Printable.clean(manifest)) is there already, and stays as it is",
                advice: "Name another folder.")
        }
        try OutputFolder.make(folder)
        if !app.inputs.isEmpty { try OutputFolder.make("\(folder)/input") }
        let text = ManifestTemplate.text(name: Self.name(of: folder), app: app)
        try create(manifest, Array(text.utf8))
        let inputs = app.inputs.map { "\(folder)/\(ManifestTemplate.inputPath($0))" }
        let json = JSONValue.members([
            ("manifest", .text(manifest)), ("app", .text(app.name)),
            ("inputs_wanted", .list(inputs.map { .text($0) })),
        ])
        var next = "Wrote \(Printable.clean(manifest)) for the app \(app.name).\n"
        for input in inputs { next += "  put your data at \(Printable.clean(input))\n" }
        next += """
              millrace lint \(shown)       every fault at once
              millrace dry-run \(shown)    one unit here, as a volunteer would run it
              millrace submit \(shown)

            """
        context.answer(json, text: next)
        return 0
    }

    /// With one app in the catalogue there is nothing to choose.
    private func chosen() throws(Fault) -> AppSchema {
        if let appName { return try catalogue.app(named: appName) }
        guard let first = catalogue.apps.first else { throw Fault(.software, "the worker knows no app") }
        guard catalogue.apps.count == 1 else {
            throw Fault(
                .usage, "there are \(catalogue.apps.count) apps",
                advice: "Choose one with --app: " + catalogue.apps.map(\.name).joined(separator: ", "))
        }
        return first
    }

    /// The folder's own name, made a project's name.
    private static func name(of folder: String) -> String {
        var path = folder
        if let real = realpath(folder, nil) {
            path = String(cString: real)
            free(real)
        }
        let last = path.split(separator: "/").last.map(String.init) ?? "project"
        return ManifestTemplate.name(from: last) ?? "my-project"
    }

    /// Fails when the file has appeared meanwhile: nothing is ever overwritten.
    private func create(_ path: String, _ bytes: [UInt8]) throws(Fault) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw Files.fault("create", path) }
        defer { close(file) }
        try Files.write(bytes, to: file, path)
    }
}
