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

    /// The manifest of a batch.
    public func spec(_ digest: Digest) throws -> ProjectSpec {
        if let spec = specs.withLock({ $0[digest] }) { return spec }
        let bytes: [UInt8]
        do {
            bytes = try blobs.read(digest, limit: Limits.manifestBytesMax)
        } catch let error as StoreError {
            // Lost or damaged for good ends this batch; a disk that fails may come back. Other batches go on.
            switch error {
            case .missing, .corrupt: throw Fault(.badData, "the manifest is lost: \(error.fault.message)")
            default: throw error.fault
            }
        }
        let spec = try parse(String(decoding: bytes, as: UTF8.self))
        specs.withLock {
            if $0.count >= ManifestShelf.specsMax { $0.removeAll() }
            $0[digest] = spec
        }
        return spec
    }
}
