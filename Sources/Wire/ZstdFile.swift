import CZstd

/// A file that a person compressed with `zstd`: one frame that says its size.
public enum ZstdFile {
    /// How such a file's name ends.
    public static let suffix = ".zst"

    /// The file's content.
    /// - Parameter limit: bytes that the content may have; nothing larger is allocated.
    /// - Throws: `.badFrame` when it is not exactly one intact frame, `.outOfRange` when the frame does not say its
    ///   size (`zstd` leaves it out when it reads from a pipe), `.tooLarge` beyond the limit.
    public static func unpack(_ bytes: [UInt8], limit: Int) throws(WireError) -> [UInt8] {
        let outcome: Result<[UInt8], WireError> = bytes.withUnsafeBytes { frame in
            // 2^64 - 1: the frame does not say; 2^64 - 2: no frame.
            let declared = ZSTD_getFrameContentSize(frame.baseAddress, frame.count)
            guard declared != UInt64.max - 1 else { return .failure(.badFrame(section: "file")) }
            guard declared != UInt64.max else { return .failure(.outOfRange(field: "size of the zstd frame")) }
            guard declared <= UInt64(max(0, limit)) else { return .failure(.tooLarge(field: "file", limit: limit)) }
            do throws(ZstdFrame.Failure) {
                return .success(try ZstdFrame.decompress(frame, rawBytes: Int(declared), dictionary: nil))
            } catch {
                return .failure(.badFrame(section: "file"))
            }
        }
        return try outcome.get()
    }

    /// One frame as `zstd` reads it, which says its size. - Throws: `.badFrame` when there is no memory for it.
    public static func pack(_ bytes: [UInt8]) throws(WireError) -> [UInt8] {
        do throws(ZstdFrame.Failure) {
            return try ZstdFrame.compress(bytes, level: 3, dictionary: nil)
        } catch {
            throw .badFrame(section: "file")
        }
    }
}
