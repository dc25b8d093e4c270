import CZstd
import Domain

/// Makes zstd dictionaries for batches whose payloads are small: what is common to all units travels once.
public enum DictionaryTrainer {
    /// - Parameter samples: section bytes as apps give them, at least seven, best some hundreds.
    /// - Parameter bytesMax: 256 ... `Limits.dictionaryBytesMax`.
    /// - Throws: `.malformed` when there is too little to learn from.
    public static func train(samples: [[UInt8]], bytesMax: Int = 16 * 1024) throws(WireError) -> [UInt8] {
        precondition(bytesMax >= 256 && bytesMax <= Limits.dictionaryBytesMax)
        let sizes = samples.map(\.count)
        let joined = Array(samples.joined())
        var written = 0
        let dictionary = [UInt8](unsafeUninitializedCapacity: bytesMax) { output, count in
            written = ZDICT_trainFromBuffer(output.baseAddress, bytesMax, joined, sizes, UInt32(sizes.count))
            count = ZDICT_isError(written) != 0 ? 0 : written
        }
        if ZDICT_isError(written) != 0 {
            throw .malformed("\(samples.count) samples of \(joined.count) bytes are too few to train a dictionary")
        }
        return dictionary
    }

    /// The number that frames made with this dictionary carry; 0 when these bytes are no trained dictionary.
    public static func number(of dictionary: [UInt8]) -> UInt32 {
        dictionary.withUnsafeBytes { ZSTD_getDictID_fromDict($0.baseAddress, $0.count) }
    }
}
