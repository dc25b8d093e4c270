import Glibc
import WorkerHost

/// Gives back the memory that a resting client does not need: what starting and calling servers has read of programs
/// and libraries. What is needed again is there at once, from the kernel's cache.
package struct MemoryTrim {
    private var dueAt: Double?
    /// After the last worker has gone, and from then on.
    private static let restSeconds = 20.0
    private static let everySeconds = 900.0
    private static let smapsBytesMax = 2 << 20

    package init() {}

    /// - Parameter now: by the monotonic clock.
    mutating func tend(isBusy: Bool, now: Double) {
        guard !isBusy else {
            dueAt = nil
            return
        }
        guard let dueAt else {
            self.dueAt = now + Self.restSeconds
            return
        }
        guard now >= dueAt else { return }
        self.dueAt = now + Self.everySeconds
        for range in Self.ownRanges(bytesMax: Self.smapsBytesMax) {
            madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
        }
    }

    /// Of this process. - Parameter bytesMax: so much of the kernel's text is read.
    package static func ownRanges(bytesMax: Int) -> [Range<UInt>] {
        ranges(ofMaps: ProbeFile.bytes("/proc/self/smaps", limit: bytesMax) ?? [])
    }

    /// Addresses that hold nothing but bytes of files as they are: not writable, and no page of them ever written to,
    /// as those are into which the loader has put addresses.
    ///
    /// - Parameter smaps: as `/proc/PID/smaps` has it.
    package static func ranges(ofMaps smaps: [UInt8]) -> [Range<UInt>] {
        var found: [Range<UInt>] = []
        var current: Range<UInt>?
        for line in smaps.split(separator: UInt8(ascii: "\n")) {
            let text = Substring(decoding: line, as: UTF8.self)
            if let first = line.first, first >= UInt8(ascii: "A"), first <= UInt8(ascii: "Z") {
                guard let range = current, text.hasPrefix("Anonymous:") else { continue }
                if text.split(separator: " ").dropFirst().first == "0" { found.append(range) }
                current = nil
            } else {
                current = mapping(text)
            }
        }
        return found
    }

    /// `55d9a43c8000-55d9a43ca000 r--p 00000000 08:01 1234 /path`; nil: of no file, or writable.
    private static func mapping(_ line: Substring) -> Range<UInt>? {
        let words = line.split(separator: " ", maxSplits: 5)
        guard words.count >= 5, words[1].hasPrefix("r"), words[1].hasSuffix("p"), !words[1].contains("w"),
            words[4] != "0"
        else { return nil }
        let ends = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        guard ends.count == 2, ends[0] < ends[1] else { return nil }
        return ends[0]..<ends[1]
    }
}
