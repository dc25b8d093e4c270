import Domain
import Plugins
import Wire

/// Why a result is not one: text for the report.
struct MalformedResult: Error, Hashable {
    var reason: String
}

/// Reads a volunteer's result: nothing about it is believed.
enum ResultReader {
    /// - Returns: the payload of a result that belongs to this unit, with finite numbers only.
    /// - Throws: `.noInput` when the file cannot be read. The server has acknowledged the result, so a file that is
    ///   lost, or a disk that fails, is the server's own fault and says nothing about the volunteer.
    static func read(
        _ result: WireLocalResult, for unit: LoadedUnit
    ) throws(Fault) -> Result<Payload, MalformedResult> {
        let limit = Int(clamping: min(result.bytesMax, UInt64(Limits.resultBytesMax)))
        let bytes: [UInt8]
        do throws(Fault) {
            bytes = try result.inline.isEmpty ? WorkerFiles.read(result.path, limit: limit) : Array(result.inline)
            // As of a file: more than the unit allows is not looked at.
            guard bytes.count <= limit else {
                throw Fault(.badData, "\(result.path): \(bytes.count) bytes, at most \(limit) are allowed")
            }
        } catch {
            guard error.kind == .badData else { throw error }
            return .failure(MalformedResult(reason: error.message))
        }
        do throws(MalformedResult) { return .success(try decode(bytes, limit, unit)) } catch { return .failure(error) }
    }

    private static func decode(
        _ bytes: [UInt8], _ limit: Int, _ unit: LoadedUnit
    ) throws(MalformedResult) -> Payload {
        let payload: Payload
        do throws(WireError) {
            let body = try ResultContainer.decode(bytes, limit: limit)
            if let reason = mismatch(body, unit) { throw WireError.malformed(reason) }
            payload = try PayloadConversion.payload(body.sections, limit: Limits.resultBytesMax, dictionary: nil)
        } catch {
            throw MalformedResult(reason: "\(error)")
        }
        for section in payload.sections {
            if let index = firstNotFinite(section) {
                throw MalformedResult(reason: "\(section.name)[\(index)] is not a finite number")
            }
        }
        return payload
    }

    /// What says that this is the result of something else; nil when it is this unit's.
    private static func mismatch(_ body: WireResultBody, _ unit: LoadedUnit) -> String? {
        if body.unitID != unit.body.unitID {
            return "it is the result of work unit \(name(body.unitID)), not of \(name(unit.body.unitID))"
        }
        if Array(body.unitSha256) != unit.digest.bytes {
            return "it was computed from another container than this work unit's"
        }
        if body.app != unit.body.app { return "it was computed by the app \"\(body.app)\", not \"\(unit.body.app)\"" }
        if body.appVersion != unit.body.appVersion {
            return "it was computed by version \(body.appVersion) of the app, not \(unit.body.appVersion)"
        }
        return nil
    }

    private static func name(_ id: UInt64) -> String { "\(WorkUnitID(rawValue: Int64(truncatingIfNeeded: id)))" }

    /// The index of the first infinity or NaN of a section of floating-point numbers: all ones in the exponent.
    private static func firstNotFinite(_ section: PayloadSection) -> Int? {
        let bytes = section.bytes
        switch section.kind {
        case .float64:
            return (0..<bytes.count / 8).first { bytes[$0 * 8 + 7] & 0x7F == 0x7F && bytes[$0 * 8 + 6] >= 0xF0 }
        case .float32:
            return (0..<bytes.count / 4).first { bytes[$0 * 4 + 3] & 0x7F == 0x7F && bytes[$0 * 4 + 2] >= 0x80 }
        case .bytes, .int32, .int64, .utf8: return nil
        }
    }
}
