import Bytes
import Domain
import Plugins
import Wire

/// A work unit from a file, decoded and unpacked. Its signature was verified by whoever started this program.
struct LoadedUnit {
    var body: WireWorkUnitBody
    var digest: Digest
    var payload: Payload

    /// - Parameters:
    ///   - inline: the container itself; empty: it is a file.
    ///   - inputs: the dictionary is found there by its hash when the unit names one.
    /// - Throws: `.badData`; `.noInput` for the dictionary.
    static func load(
        path: String, inline: [UInt8] = [], inputs: [WireLocalInput]
    ) throws(Fault) -> LoadedUnit {
        let bytes: [UInt8]
        do throws(Fault) {
            bytes = try inline.isEmpty ? WorkerFiles.read(path, limit: Limits.workUnitBytesMax) : inline
        } catch {
            throw Fault(.badData, "work unit: \(error.message)")
        }
        do throws(WireError) {
            let body = try UnitContainer.decodeUnverified(bytes)
            let dictionary = try dictionary(of: body, inputs: inputs)
            let payload = try PayloadConversion.payload(
                body.sections, limit: Limits.workUnitRawBytesMax, dictionary: dictionary)
            return LoadedUnit(body: body, digest: SHA256Hash.digest(of: bytes), payload: payload)
        } catch {
            throw Fault(.badData, "work unit \(path): \(error)")
        }
    }

    private static func dictionary(
        of body: WireWorkUnitBody, inputs: [WireLocalInput]
    ) throws(WireError) -> [UInt8]? {
        guard !body.dictionarySha256.isEmpty else { return nil }
        guard let input = inputs.first(where: { $0.ref.sha256 == body.dictionarySha256 }) else {
            throw .malformed("its zstd dictionary is not among the local files")
        }
        let bytes: [UInt8]
        do throws(Fault) { bytes = try WorkerFiles.read(input.path, limit: Limits.dictionaryBytesMax) } catch {
            throw .malformed("its zstd dictionary: \(error.message)")
        }
        try UnitContainer.checkDictionary(bytes, for: body)
        return bytes
    }

    /// The local inputs without dictionary and comparing program.
    static func ofApp(_ inputs: [WireLocalInput]) -> [WireLocalInput] {
        inputs.filter { InputFile.isOfApp($0.ref.name) }
    }
}
