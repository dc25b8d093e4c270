/// The module's memory during one call: every access is checked, numbers are little-endian.
struct GuestMemory {
    let bytes: UnsafeMutableRawBufferPointer

    /// A region of it.
    func region(_ at: UInt32, _ count: UInt32) throws(WASIError) -> UnsafeMutableRawBufferPointer {
        guard Int(at) + Int(count) <= bytes.count else { throw .fault }
        return UnsafeMutableRawBufferPointer(rebasing: bytes[Int(at)..<Int(at) + Int(count)])
    }

    func load<Value: FixedWidthInteger>(_ at: UInt32, as type: Value.Type = Value.self) throws(WASIError) -> Value {
        let place = try region(at, UInt32(MemoryLayout<Value>.size))
        return Value(littleEndian: place.loadUnaligned(as: Value.self))
    }

    func store<Value: FixedWidthInteger>(_ value: Value, at: UInt32) throws(WASIError) {
        let place = try region(at, UInt32(MemoryLayout<Value>.size))
        place.storeBytes(of: value.littleEndian, as: Value.self)
    }

    /// A path: UTF-8 without zero bytes.
    func text(_ at: UInt32, _ count: UInt32) throws(WASIError) -> String {
        let bytes = try region(at, count)
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else { throw .illegalBytes }
        return text
    }

    /// The regions that a list of addresses and lengths names.
    func regions(_ at: UInt32, _ count: UInt32) throws(WASIError) -> [UnsafeMutableRawBufferPointer] {
        guard count <= 1024 else { throw .invalid }
        var all: [UnsafeMutableRawBufferPointer] = []
        for n in 0..<count {
            let entry = at &+ n * 8
            all.append(try region(try load(entry), try load(entry &+ 4)))
        }
        return all
    }
}
