import Bytes
import ClientSystem
import Domain
import FoundationEssentials
import Wire
import WorkerHost

/// The inputs of a project as they travel, each in a file named by its SHA-256.
struct PackedProject {
    struct Input {
        var reference: InputReference
        /// Where the packed bytes lie.
        var path: String
        /// Size of the file they were made of.
        var rawBytes: Int64
    }

    var project: CheckedProject
    var inputs: [Input]

    /// Packs every input into `folder`, which exists.
    ///
    /// - Parameter context: told of each input; nil: silence.
    static func pack(
        _ project: CheckedProject, into folder: String, effort: PackingEffort = .input, _ context: CommandContext?
    ) throws(Fault) -> PackedProject {
        var inputs: [Input] = []
        for input in project.spec.files {
            let path = project.folder.path(of: input)
            if input.packing == .raw {
                inputs.append(try raw(input, path))
                context?.remark("hashed \(input.name): \(Amounts.bytes(inputs[inputs.count - 1].rawBytes))")
                continue
            }
            let columns = project.app.inputs.first { $0.name == input.name }?.columns ?? []
            let bytes = try InputPacker.pack(input, path: path, columns: columns, effort: effort)
            let digest = SHA256Hash.digest(of: bytes)
            let packed = "\(folder)/\(digest.hex)"
            try Files.replace(packed, with: bytes, durable: false)
            let raw = Int64(Files.size(path) ?? 0)
            inputs.append(
                Input(
                    reference: InputReference(
                        name: input.name, digest: digest, size: Int64(bytes.count), packing: input.packing),
                    path: packed, rawBytes: raw))
            context?.remark(
                "packed \(input.name): \(Amounts.bytes(raw)) to \(Amounts.bytes(Int64(bytes.count)))")
        }
        return PackedProject(project: project, inputs: inputs)
    }

    /// The file itself, where it lies: a copy would take its size on the disk once more. If it changes from here on,
    /// the server refuses it by its hash.
    private static func raw(_ input: InputFile, _ path: String) throws(Fault) -> Input {
        let digest = try BlobDownload.digest(ofFile: path)
        guard let size = Files.size(path) else { throw Fault(.noInput, "there is no file \(Printable.clean(path))") }
        return Input(
            reference: InputReference(name: input.name, digest: digest, size: Int64(size), packing: .raw),
            path: path, rawBytes: Int64(size))
    }

    var localInputs: [WireLocalInput] {
        inputs.map { input in
            var local = WireLocalInput()
            local.ref = WireInputRef(input.reference)
            local.path = input.path
            return local
        }
    }

    /// What splitter, validator and assembler are told; the server makes the same of the manifest.
    var appContext: WireAppContextMessage {
        let spec = project.spec
        var context = WireAppContextMessage()
        context.app = spec.app
        context.project = spec.name
        context.title = spec.title
        context.parameters = spec.parameters.map { WireParameterMessage($0) }
        context.inputs = localInputs
        context.stepsPerUnit = UInt64(spec.split.stepsPerUnit)
        if let flops = spec.resources.flopsPerStep { context.flopsPerStep = flops }
        if let relative = spec.validation.relativeTolerance { context.relativeTolerance = relative }
        if let absolute = spec.validation.absoluteTolerance { context.absoluteTolerance = absolute }
        context.setComparison(spec.validation.comparison)
        context.setProgram(spec.program)
        return context
    }
}
