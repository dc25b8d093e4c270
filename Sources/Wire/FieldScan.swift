import Domain

/// Walks over the top-level fields of a protobuf message without building it, and counts them.
enum FieldScan {
    /// - Throws: `.tooMany` for a field that occurs too often, `.badMessage` when this is no protobuf at all.
    static func check(
        _ bytes: ArraySlice<UInt8>, repeats: [StrictDecode.RepeatLimit], type: String
    ) throws(WireError) {
        var counts: [UInt64: Int] = [:]
        var scan = Scan(bytes: bytes, at: bytes.startIndex)
        while scan.at < bytes.endIndex {
            guard let field = scan.skipField() else { throw .badMessage(type) }
            let count = counts[field, default: 0] + 1
            counts[field] = count
            let tight = repeats.first { UInt64($0.field) == field }
            let limit = tight?.limit ?? Limits.repeatedFieldsMax
            if count > limit { throw .tooMany(field: tight?.name ?? "fields \(field) of \(type)", limit: limit) }
        }
    }
}

private struct Scan {
    let bytes: ArraySlice<UInt8>
    var at: Int

    /// - Returns: the field's number; nil when the bytes are no field.
    mutating func skipField() -> UInt64? {
        guard let tag = varint(), tag >> 3 > 0 else { return nil }
        switch tag & 7 {
        case 0: guard varint() != nil else { return nil }
        case 1: guard skip(8) else { return nil }
        case 2:
            guard let length = varint(), length <= UInt64(bytes.endIndex - at), skip(Int(length)) else { return nil }
        case 5: guard skip(4) else { return nil }
        // Groups (3, 4) are not used by these formats, and no encoder of proto3 makes them.
        default: return nil
        }
        return tag >> 3
    }

    private mutating func skip(_ count: Int) -> Bool {
        guard count <= bytes.endIndex - at else { return false }
        at += count
        return true
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard at < bytes.endIndex else { return nil }
            let byte = bytes[at]
            at += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}
