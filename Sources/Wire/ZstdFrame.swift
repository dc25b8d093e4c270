import CZstd
import Synchronization

/// One zstd frame (RFC 8878): compress, and decompress into a buffer of known size.
enum ZstdFrame {
    enum Failure: Error {
        case notOneFrame
        case outputTooLarge
        case outputTooSmall
        case wrongDictionary
        case outOfMemory
    }

    /// The frame says its content's size and, where there is one, its dictionary's number; no checksum, since hashes
    /// and signatures lie above.
    static func compress(_ bytes: [UInt8], level: Int32, dictionary: [UInt8]?) throws(Failure) -> [UInt8] {
        guard let context = IdleContexts.take() else { throw .outOfMemory }
        defer { IdleContexts.giveBack(context) }
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        if let dictionary {
            let loaded = dictionary.withUnsafeBytes { ZSTD_CCtx_loadDictionary(context, $0.baseAddress, $0.count) }
            if ZSTD_isError(loaded) != 0 { throw .wrongDictionary }
        }
        let bound = ZSTD_compressBound(bytes.count)
        var failed = false
        let frame = [UInt8](unsafeUninitializedCapacity: bound) { output, count in
            let written = bytes.withUnsafeBytes {
                ZSTD_compress2(context, output.baseAddress, bound, $0.baseAddress, $0.count)
            }
            failed = ZSTD_isError(written) != 0
            count = failed ? 0 : written
        }
        if failed { throw .outOfMemory }
        return frame
    }

    /// - Parameter rawBytes: exactly what must come out; the caller has bounded it. Memory is touched only as far as
    ///   output is really written.
    static func decompress(
        _ frame: UnsafeRawBufferPointer, rawBytes: Int, dictionary: [UInt8]?
    ) throws(Failure) -> [UInt8] {
        try checkOneFrame(frame)
        let declared = ZSTD_getFrameContentSize(frame.baseAddress, frame.count)
        // 2^64 - 1: the frame does not say; 2^64 - 2: no frame, already refused.
        if declared < UInt64.max - 1 {
            if declared > UInt64(rawBytes) { throw .outputTooLarge }
            if declared < UInt64(rawBytes) { throw .outputTooSmall }
        }
        let number = ZSTD_getDictID_fromFrame(frame.baseAddress, frame.count)
        if number != 0 {
            guard let dictionary, DictionaryTrainer.number(of: dictionary) == number else { throw .wrongDictionary }
        }
        guard let context = ZSTD_createDCtx() else { throw .outOfMemory }
        defer { ZSTD_freeDCtx(context) }
        if number != 0, let dictionary {
            let loaded = dictionary.withUnsafeBytes { ZSTD_DCtx_loadDictionary(context, $0.baseAddress, $0.count) }
            if ZSTD_isError(loaded) != 0 { throw .wrongDictionary }
        }
        return try run(context, frame, rawBytes: rawBytes)
    }

    private static func run(
        _ context: OpaquePointer, _ frame: UnsafeRawBufferPointer, rawBytes: Int
    ) throws(Failure) -> [UInt8] {
        var written = 0
        // One byte more, so that a buffer of no bytes still has an address.
        let bytes = [UInt8](unsafeUninitializedCapacity: rawBytes + 1) { output, count in
            written = ZSTD_decompressDCtx(context, output.baseAddress, rawBytes, frame.baseAddress, frame.count)
            count = ZSTD_isError(written) != 0 ? 0 : written
        }
        if ZSTD_isError(written) != 0 {
            throw ZSTD_getErrorCode(written) == ZSTD_error_dstSize_tooSmall ? .outputTooLarge : .notOneFrame
        }
        if bytes.count < rawBytes { throw .outputTooSmall }
        return bytes
    }

    private static func checkOneFrame(_ frame: UnsafeRawBufferPointer) throws(Failure) {
        // A skippable frame would pass as an empty one.
        guard frame.count >= 4, frame.loadUnaligned(as: UInt32.self).littleEndian == 0xFD2F_B528,
            ZSTD_findFrameCompressedSize(frame.baseAddress, frame.count) == frame.count
        else { throw .notOneFrame }
    }
}

/// Contexts that wait for their next frame: making one costs as much as a small frame.
private enum IdleContexts {
    /// Whoever took it uses it alone.
    private struct Idle: @unchecked Sendable { var context: OpaquePointer }

    private static let idle = Mutex<[Idle]>([])
    private static let countMax = 4
    /// Larger ones, of high levels and large frames, are not kept.
    private static let bytesMax = 8 << 20

    static func take() -> OpaquePointer? {
        idle.withLock { $0.popLast()?.context } ?? ZSTD_createCCtx()
    }

    /// Nothing of the last frame is left in it: no level, no dictionary.
    static func giveBack(_ context: OpaquePointer) {
        let isClean = ZSTD_isError(ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters)) == 0
        let mine = Idle(context: context)
        let isKept =
            isClean && ZSTD_sizeof_CCtx(context) <= bytesMax
            && idle.withLock { idle in
                guard idle.count < countMax else { return false }
                idle.append(mine)
                return true
            }
        if !isKept { ZSTD_freeCCtx(context) }
    }
}
