import Apps
import Domain
import Plugins

/// Look-up in the catalogue of apps.
enum Catalogue {
    /// - Throws: `.configuration` when this program does not know the app, or knows another version of it.
    static func app(_ name: String, version: Int? = nil) throws(Fault) -> AppDescriptor {
        guard let app = AppCatalog.all.first(where: { $0.schema.name == name }) else {
            let known = AppCatalog.all.map(\.schema.name).joined(separator: ", ")
            throw Fault(
                .configuration, "the app \"\(name)\" is not known; known are \(known)",
                advice: "Install a newer millrace-worker.")
        }
        if let version, version != app.schema.version {
            throw Fault(
                .configuration, "version \(version) of the app \"\(name)\" is wanted; this is \(app.schema.version)",
                advice: version > app.schema.version ? "Install a newer millrace-worker." : nil)
        }
        return app
    }
}
