import Domain
import Wire
import WorkerHost

/// The apps that the worker on this machine knows.
public struct AppCatalogue: Sendable {
    public var apps: [AppSchema]
    /// The worker whose apps these are, for checks that only an app can make; nil: no such checks.
    public var executable: String?

    public init(apps: [AppSchema], executable: String? = nil) {
        self.apps = apps
        self.executable = executable
    }

    /// Asks the worker beside this program, once.
    public static func local() throws(Fault) -> AppCatalogue {
        try local(executable: try workerPath())
    }

    /// - Parameter executable: the path of millrace-worker.
    public static func local(executable: String) throws(Fault) -> AppCatalogue {
        let servant = WorkerServant(executable: executable)
        defer { servant.stop() }
        var catalogue = try load(servant)
        catalogue.executable = executable
        return catalogue
    }

    /// The path of millrace-worker. - Throws: `.configuration` when there is none.
    public static func workerPath() throws(Fault) -> String { try WorkerLocator.find() }

    /// Asks the worker. - Throws: what the worker's start or answer brings.
    public static func load(_ servant: WorkerServant) throws(Fault) -> AppCatalogue {
        var job = WireWorkerJob()
        job.describe = WireDescribeJob()
        let reply = try servant.perform(job, timeoutSeconds: 30)
        switch reply.reply {
        case .catalogue(let catalogue):
            do throws(WireError) {
                var apps: [AppSchema] = []
                for message in catalogue.apps { apps.append(try message.domain()) }
                return AppCatalogue(apps: apps)
            } catch {
                throw Fault(.software, "the worker's catalogue cannot be read: \(error)")
            }
        case .failure(let failure): throw failure.fault
        default: throw Fault(.software, "the worker answered another question than for its apps")
        }
    }

    /// - Throws: `.usage` with the nearest name.
    func app(named name: String) throws(Fault) -> AppSchema {
        if let app = apps.first(where: { $0.name == name }) { return app }
        let names = apps.map(\.name)
        let nearest = NearestWord.text(name, in: names)
        throw Fault(
            .usage, "there is no app \(Printable.clean(name))\(nearest)",
            advice: "Apps: " + names.joined(separator: ", "))
    }
}
