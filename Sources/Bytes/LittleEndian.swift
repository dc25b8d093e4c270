/// Arrays of numbers as little-endian bytes: what sections of work units and results hold.
public enum LittleEndian {
    public static func bytes(of values: [Float]) -> [UInt8] { encode(values) { $0.bitPattern.littleEndian } }
    public static func bytes(of values: [Double]) -> [UInt8] { encode(values) { $0.bitPattern.littleEndian } }
    public static func bytes(of values: [Int32]) -> [UInt8] { encode(values) { $0.littleEndian } }
    public static func bytes(of values: [Int64]) -> [UInt8] { encode(values) { $0.littleEndian } }

    /// - Returns: nil when the count of bytes is no multiple of 4.
    public static func floats(from bytes: [UInt8]) -> [Float]? {
        decode(bytes) { Float(bitPattern: UInt32(littleEndian: $0)) }
    }

    /// - Returns: nil when the count of bytes is no multiple of 8.
    public static func doubles(from bytes: [UInt8]) -> [Double]? {
        decode(bytes) { Double(bitPattern: UInt64(littleEndian: $0)) }
    }

    /// - Returns: nil when the count of bytes is no multiple of 4.
    public static func int32s(from bytes: [UInt8]) -> [Int32]? { decode(bytes) { Int32(littleEndian: $0) } }

    /// - Returns: nil when the count of bytes is no multiple of 8.
    public static func int64s(from bytes: [UInt8]) -> [Int64]? { decode(bytes) { Int64(littleEndian: $0) } }

    private static func encode<T, W: FixedWidthInteger>(_ values: [T], _ word: (T) -> W) -> [UInt8] {
        let width = MemoryLayout<W>.size
        return [UInt8](unsafeUninitializedCapacity: values.count * width) { buffer, count in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            for (index, value) in values.enumerated() {
                raw.storeBytes(of: word(value), toByteOffset: index * width, as: W.self)
            }
            count = values.count * width
        }
    }

    private static func decode<T, W: FixedWidthInteger>(_ bytes: [UInt8], _ value: (W) -> T) -> [T]? {
        let width = MemoryLayout<W>.size
        guard bytes.count % width == 0 else { return nil }
        return bytes.withUnsafeBytes { raw in
            // Written in place, which becomes a plain copy: results have millions of numbers.
            [T](unsafeUninitializedCapacity: bytes.count / width) { buffer, count in
                for index in 0..<bytes.count / width {
                    let word = raw.loadUnaligned(fromByteOffset: index * width, as: W.self)
                    buffer.initializeElement(at: index, to: value(word))
                }
                count = bytes.count / width
            }
        }
    }
}
