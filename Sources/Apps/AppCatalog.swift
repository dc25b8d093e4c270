import Domain
import Plugins

/// Every app that Millrace can run: one folder and one line each.
public enum AppCatalog {
    public static let all: [AppDescriptor] = [
        GammaPulsarApp.descriptor,
        SimilarityApp.descriptor,
        GramApp.descriptor,
        ProgramApps.executable,
        ProgramApps.wasm,
    ]

    /// - Returns: nil for an unknown name.
    public static func find(_ name: String) -> AppDescriptor? {
        all.first { $0.schema.name == name }
    }
}
