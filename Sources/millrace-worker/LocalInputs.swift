import Bytes
import Domain
import Plugins
import Wire

/// Unpacks input files, checks their hashes, and keeps what it unpacked, so that the next job of the same project pays
/// nothing for it.
struct LocalInputs {
    private struct Kept {
        var digest: Digest
        var packing: InputPacking
        var content: InputSet.Content
        var bytes: Int
    }

    /// Least recently used first.
    private var kept: [Kept] = []
    private let bytesMax: Int

    /// - Parameter bytesMax: bytes of unpacked inputs that are kept; the inputs of one job always are.
    init(bytesMax: Int = 1 << 30) {
        self.bytesMax = bytesMax
    }

    /// - Throws: `.noInput` with the input's name when a file is missing, has another hash, or cannot be unpacked.
    mutating func load(_ inputs: [WireLocalInput]) throws(Fault) -> InputSet {
        guard inputs.count <= Limits.inputsPerProjectMax else { throw Fault(.noInput, "\(inputs.count) inputs") }
        var contents: [String: InputSet.Content] = [:]
        for input in inputs {
            let reference: InputReference
            do throws(WireError) { reference = try input.ref.domain() } catch {
                throw Fault(.noInput, "input \"\(input.ref.name)\": \(error)")
            }
            contents[reference.name] = try content(reference, path: input.path)
        }
        return InputSet(contents)
    }

    private mutating func content(_ reference: InputReference, path: String) throws(Fault) -> InputSet.Content {
        if let at = kept.firstIndex(where: { $0.digest == reference.digest && $0.packing == reference.packing }) {
            let found = kept.remove(at: at)
            kept.append(found)
            return found.content
        }
        let (content, size) = try unpacked(reference, path: path)
        kept.append(Kept(digest: reference.digest, packing: reference.packing, content: content, bytes: size))
        while kept.count > Limits.inputsPerProjectMax || kept.count > 1 && kept.reduce(0, { $0 + $1.bytes }) > bytesMax
        {
            kept.removeFirst()
        }
        return content
    }

    /// - Returns: what an app gets, and how many bytes of memory that takes.
    private func unpacked(
        _ reference: InputReference, path: String
    ) throws(Fault) -> (content: InputSet.Content, size: Int) {
        if reference.packing == .raw { return (.raw(try RawFile.verified(reference, path: path)), 0) }
        let bytes = try Self.verified(reference.digest, path: path, name: reference.name)
        do throws(WireError) {
            switch reference.packing {
            case .plain, .raw:
                let plain = try PlainContainer.decode(bytes, limit: Limits.plainInputBytesMax)
                return (.bytes(plain), plain.count)
            case .table:
                let table = try TableContainer.decode(bytes)
                return (.table(table), table.rowCount * table.names.count * 8)
            }
        } catch {
            throw Fault(.noInput, "input \"\(reference.name)\": \(error)")
        }
    }

    /// A container may be longer than what it holds by its header.
    private static let containerBytesMax = max(Limits.plainInputBytesMax, Limits.tableBytesMax) + 64

    /// The bytes of a packed file whose hash is as announced.
    static func verified(_ digest: Digest, path: String, name: String) throws(Fault) -> [UInt8] {
        let bytes: [UInt8]
        do throws(Fault) { bytes = try WorkerFiles.read(path, limit: containerBytesMax) } catch {
            throw Fault(.noInput, "input \"\(name)\": \(error.message)")
        }
        guard SHA256Hash.digest(of: bytes) == digest else {
            throw Fault(.noInput, "input \"\(name)\": the SHA-256 of \(path) is not the one that the work unit names")
        }
        return bytes
    }
}
