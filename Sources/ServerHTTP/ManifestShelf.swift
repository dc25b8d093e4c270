import Domain
import Manifest
import Storage
import Synchronization

/// Manifests that were parsed, by the hash of their text.
public final class ManifestShelf: Sendable {
    private let blobs: any BlobStore
    private let apps: [AppSchema]
    private let specs = Mutex<[Digest: ProjectSpec]>([:])
    private static let specsMax = 256

    /// - Parameter apps: what the worker can compute.
    public init(blobs: any BlobStore, apps: [AppSchema]) {
        self.blobs = blobs
        self.apps = apps
    }

    /// - Throws: `Fault` of kind `.badData` when the text is no manifest; its message has a line per fault.
    func parse(_ text: String) throws(Fault) -> ProjectSpec {
        guard text.utf8.count <= Limits.manifestBytesMax else {
            throw Fault(.badData, "the manifest has more than \(Limits.manifestBytesMax) bytes")
        }
        switch ManifestParser.parse(text, file: "project.yaml", apps: apps) {
        case .success(let spec, _): return spec
        case .faults(let faults): throw Fault(.badData, faults.map(\.text).joined(separator: "\n"))
        }
    }

    /// The manifest of a batch. It was parsed when it was accepted, so whatever is wrong now is ours.
    ///
    /// - Throws: never `.badData`: `.configuration` when this server's worker does not know what the manifest names,
    ///   `.noInput` when its text is lost. Both are for the operator to mend; the batch waits.
    public func spec(_ digest: Digest) throws -> ProjectSpec {
        if let spec = specs.withLock({ $0[digest] }) { return spec }
        let bytes: [UInt8]
        do {
            bytes = try blobs.read(digest, limit: Limits.manifestBytesMax)
        } catch let error as StoreError {
            switch error {
            case .missing, .corrupt:
                throw Fault(
                    .noInput, "the manifest is lost: \(error.fault.message)", advice: "restore it from a backup")
            default: throw error.fault
            }
        }
        let spec: ProjectSpec
        do throws(Fault) { spec = try parse(String(decoding: bytes, as: UTF8.self)) } catch {
            throw Fault(
                .configuration,
                "the manifest was accepted before, and this server or its worker does not take it: \(error.message)",
                advice: "Start the server with the worker that it had, or cancel the batch.")
        }
        specs.withLock {
            if $0.count >= ManifestShelf.specsMax { $0.removeAll() }
            $0[digest] = spec
        }
        return spec
    }
}
