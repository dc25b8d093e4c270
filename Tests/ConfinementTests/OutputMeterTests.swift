import Confinement
import Glibc
import Testing

@Suite("How much a program has written")
struct OutputMeterTests {
    @Test(
        "Holes do not count, nor what a file system keeps behind the end of a file; blocks and folders do",
        arguments: [
            (S_IFREG, 0, 0, 0), (S_IFREG, 1, 8, 4096), (S_IFREG, 1, 128, 65_536), (S_IFREG, 1 << 30, 8, 4096),
            // As XFS tells of a file of 70 MiB that is being written.
            (S_IFREG, 70 << 20, 127 << 11, (70 << 20) + 65_536), (S_IFDIR, 6, 8, 4096), (S_IFDIR, 6, 800, 409_600),
        ])
    func bytes(kind: mode_t, size: Int, blocks: Int, counted: Int) {
        var status = stat()
        status.st_mode = kind | 0o644
        status.st_size = off_t(size)
        status.st_blocks = blkcnt_t(blocks)
        #expect(OutputMeter.bytes(of: status) == counted)
    }
}
