import Glibc

/// Memory for `count` elements of a plain numeric type, aligned for SIMD and for FFTW, freed with its owner.
///
/// A buffer of megabytes starts on a boundary of 2 MiB and asks for huge pages: transforms that stride through it
/// would otherwise spend their time in page-table walks.
public struct AlignedBuffer<Element: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
    /// The first element. Valid as long as the buffer lives.
    public let base: UnsafeMutablePointer<Element>
    public let count: Int

    /// - Parameter count: 1 or more. The contents are undefined until written.
    /// - Returns: nil when there is no memory.
    public init?(count: Int) {
        precondition(count > 0, "a buffer has at least one element")
        let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        guard !overflow else { return nil }
        let hugePage = 2 << 20
        let isLarge = bytes >= 2 * hugePage
        var raw: UnsafeMutableRawPointer?
        guard posix_memalign(&raw, isLarge ? hugePage : 64, bytes) == 0, let raw else { return nil }
        if isLarge { madvise(raw, bytes, MADV_HUGEPAGE) }
        self.base = raw.bindMemory(to: Element.self, capacity: count)
        self.count = count
    }

    /// Fills with one value.
    public func fill(_ value: Element) {
        base.update(repeating: value, count: count)
    }

    deinit {
        free(base)
    }
}
