import Bytes

/// What is done with a section's bytes before compression, and undone after it.
enum SectionFilter {
    struct Candidate {
        var filter: WireFilter
        var decimals = 0
        var bytes: [UInt8]
    }

    /// Up to here numbers are also tried without a filter: for a few of them transposition can cost more than it gains.
    private static let tryPlainBytesMax = 64 * 1024

    /// The ways worth trying, each bit for bit reversible.
    /// - Precondition: a known kind, whole elements.
    static func candidates(kind: WireElementKind, bytes: [UInt8]) -> [Candidate] {
        guard let width = kind.width, width > 1 else { return [Candidate(filter: .none, bytes: bytes)] }
        var candidates: [Candidate] = []
        if kind == .elementFloat64, let values = LittleEndian.doubles(from: bytes),
            let (decimals, numbers) = DecimalColumn.wholeNumbers(of: values)
        {
            for (filter, integers) in [
                (WireFilter.decimal, numbers), (.decimalDelta, DecimalColumn.differences(of: numbers)),
            ] {
                let raw = ByteTranspose.apply(LittleEndian.bytes(of: integers), width: width)
                candidates.append(Candidate(filter: filter, decimals: decimals, bytes: raw))
            }
        }
        if candidates.isEmpty || bytes.count <= tryPlainBytesMax {
            candidates.append(Candidate(filter: .transpose, bytes: ByteTranspose.apply(bytes, width: width)))
        }
        if bytes.count <= tryPlainBytesMax { candidates.append(Candidate(filter: .none, bytes: bytes)) }
        return candidates
    }

    /// - Precondition: `SectionRules.check` passed.
    static func undo(_ section: WireSection, _ bytes: [UInt8]) throws(WireError) -> [UInt8] {
        guard let width = section.kind.width else { throw .unknownElementKind(section: section.name) }
        switch section.filter {
        case .none: return bytes
        case .transpose: return ByteTranspose.undo(bytes, width: width)
        case .decimal, .decimalDelta:
            let whole = ByteTranspose.undo(bytes, width: width)
            let delta = section.filter == .decimalDelta
            guard let values = DecimalColumn.undo(whole, decimals: Int(section.decimals), delta: delta) else {
                throw .notDecimal(section: section.name)
            }
            return values
        case .UNRECOGNIZED: throw .unknownFilter(section: section.name)
        }
    }
}
