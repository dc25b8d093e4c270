import Domain

/// A file of any size that is read in pieces, where an app needs them.
public struct RawInput: Hashable, Sendable {
    public let digest: Digest
    /// Bytes.
    public let size: Int64
    private let reader: @Sendable (Int64, UnsafeMutableRawBufferPointer) -> Void

    /// - Parameter reader: fills the buffer with what lies at an offset. It is only asked for what exists; a disk that
    ///   fails ends the process with a message, since no app could go on.
    public init(
        digest: Digest, size: Int64, reader: @escaping @Sendable (Int64, UnsafeMutableRawBufferPointer) -> Void
    ) {
        self.digest = digest
        self.size = size
        self.reader = reader
    }

    /// Fills `buffer` from `offset` on. Both lie in the file: anything else is a mistake of the app.
    public func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) {
        precondition(offset >= 0 && Int64(buffer.count) <= size - offset, "read beyond the end of an input")
        if !buffer.isEmpty { reader(offset, buffer) }
    }

    /// At most `count` bytes from the start.
    public func head(_ count: Int) -> [UInt8] {
        let count = Int(min(Int64(count), size))
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            read(at: 0, into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]))
            filled = count
        }
    }

    /// The same content is the same input, wherever it lies.
    public static func == (a: RawInput, b: RawInput) -> Bool { a.digest == b.digest && a.size == b.size }
    public func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}
