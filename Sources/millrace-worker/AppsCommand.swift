import Apps
import Domain
import Plugins
import SwiftProtobuf
import Wire

/// `millrace-worker apps`: the catalogue as JSON, by the proto3 mapping of `AppCatalogue`.
enum AppsCommand {
    static func perform() throws(Fault) {
        var catalogue = WireAppCatalogue()
        catalogue.apps = AppCatalog.all.map { WireAppSchemaMessage($0.schema) }
        do { print(try catalogue.jsonString()) } catch {
            throw Fault(.software, "the catalogue cannot be written: \(error)")
        }
    }
}
