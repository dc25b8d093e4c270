import ClientSystem
import Testing

@Suite("Memory that a resting client gives back")
struct MemoryTrimTests {
    @Test("Only what is a file's, not writable and never written to")
    func ranges() {
        let maps = """
            1000-2000 r--p 00000000 08:01 12   /usr/lib/a.so
            Size:                  4 kB
            Anonymous:             0 kB
            VmFlags: rd mr mw me
            2000-5000 r-xp 00001000 08:01 12   /usr/lib/a b.so
            Anonymous:             0 kB
            5000-6000 r--p 00004000 08:01 12   /usr/lib/a.so
            Anonymous:             4 kB
            6000-7000 rw-p 00005000 08:01 12   /usr/lib/a.so
            Anonymous:             0 kB
            7000-8000 r--p 00000000 00:00 0
            Anonymous:             0 kB
            8000-9000 r--s 00000000 08:01 13   /shared
            Anonymous:             0 kB
            9000-a000 ---p 00000000 08:01 12   /usr/lib/a.so
            Anonymous:             0 kB
            ffff-0000 r-xp 00000000 08:01 12   /wrong
            Anonymous:             0 kB
            zzzz r-xp 00000000 08:01 12   /wrong
            Anonymous:             0 kB
            """
        #expect(MemoryTrim.ranges(ofMaps: Array(maps.utf8)) == [0x1000..<0x2000, 0x2000..<0x5000])
        #expect(MemoryTrim.ranges(ofMaps: []).isEmpty)
    }

    @Test("Of this process, too, they are pages that can be read again")
    func own() {
        let ranges = MemoryTrim.ownRanges(bytesMax: 256 << 20)
        #expect(ranges.count > 10)
        let code = unsafeBitCast(MemoryTrimTests.marker, to: UInt.self)
        #expect(ranges.contains { $0.contains(code) }, "code is among them")
    }

    private static let marker: @convention(c) () -> Void = {}
}
