import Bytes
import Domain
import FoundationEssentials
import Storage
import Wire

/// Puts into a job what its worker reads, where the core has put names of blobs: small blobs themselves, of all others
/// the files they lie in.
///
/// On the thread that runs the job: a blob in a bucket is fetched now. A blob that is not there keeps its name; the
/// worker says that it cannot read it, which is a fault of the server's own and no volunteer's.
package struct JobFiles: Sendable {
    private let blobs: any BlobStore

    package init(blobs: any BlobStore) { self.blobs = blobs }

    package func filled(_ job: WireWorkerJob) throws -> WireWorkerJob {
        var job = job
        switch job.job {
        case .split(var split):
            fill(&split.context)
            job.split = split
        case .check(var check):
            fill(&check.context)
            try put(check.unitPath, bytes: { check.unitInline = $0 }, file: { check.unitPath = $0 })
            check.result = try filled(check.result)
            job.check = check
        case .compare(var compare):
            fill(&compare.context)
            try put(compare.unitPath, bytes: { compare.unitInline = $0 }, file: { compare.unitPath = $0 })
            compare.results = try compare.results.map { try filled($0) }
            job.compare = compare
        case .assemble(var assemble):
            fill(&assemble.context)
            job.assemble = assemble
        case .describe, nil: break
        }
        return job
    }

    package func filled(_ units: [WireAssembleUnit]) throws -> [WireAssembleUnit] {
        try units.map { unit in
            var unit = unit
            try put(unit.unitPath, bytes: { unit.unitInline = $0 }, file: { unit.unitPath = $0 })
            unit.result = try filled(unit.result)
            return unit
        }
    }

    private func filled(_ result: WireLocalResult) throws -> WireLocalResult {
        var result = result
        try put(result.path, bytes: { result.inline = $0 }, file: { result.path = $0 })
        return result
    }

    /// Inputs are read as files: there are few of them, and one may be large.
    private func fill(_ context: inout WireAppContextMessage) {
        for at in context.inputs.indices {
            guard let digest = Digest(hex: context.inputs[at].path), let path = blobs.path(of: digest) else { continue }
            context.inputs[at].path = path
        }
    }

    private func put(_ name: String, bytes: (Data) -> Void, file: (String) -> Void) throws {
        guard let digest = Digest(hex: name) else { return }
        // Without a byte it would look as if there were none: then it is a file.
        if let small = try blobs.smallBytes(of: digest), !small.isEmpty {
            bytes(Data(small))
        } else if let path = blobs.path(of: digest) {
            file(path)
        }
    }
}
