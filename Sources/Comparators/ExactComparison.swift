import Bytes
import Domain
import Plugins

/// Equality of bytes.
public enum ExactComparison {
    /// SHA-256 over all sections in order of name, each with name, kind and length: two results agree exactly when
    /// their digests are equal, so that neither needs the other at hand.
    public static func digest(of payload: Payload) -> Digest {
        var hash = StreamingSHA256()
        for section in payload.sections.sorted(by: { Array($0.name.utf8).lexicographicallyPrecedes($1.name.utf8) }) {
            var head = ByteWriter()
            head.put(u64: UInt64(section.name.utf8.count))
            head.put(bytes: Array(section.name.utf8))
            head.put(u8: UInt8(section.kind.rawValue))
            head.put(u64: UInt64(section.bytes.count))
            hash.update(head.bytes)
            hash.update(section.bytes)
        }
        return hash.finish()
    }

    /// The first differing byte; the distance is how many bytes differ. A shorter section differs at its end.
    static func difference(_ pair: SectionPair) -> Difference? {
        let (a, b) = (pair.a.bytes, pair.b.bytes)
        if a == b { return nil }
        var first: Int?
        var count = 0
        for at in 0..<min(a.count, b.count) where a[at] != b[at] {
            first = first ?? at
            count += 1
        }
        count += abs(a.count - b.count)
        return Difference(
            element: "\(pair.element)[byte \(first ?? min(a.count, b.count))]", distance: Double(count), tolerance: 0)
    }
}
