import CZlib
import Domain

/// The gzip format (RFC 1952), by zlib; without name and time, so that the same bytes give the same file.
package enum Gzip {
    package static func compressed(_ bytes: [UInt8]) throws(Fault) -> [UInt8] {
        var stream = z_stream()
        guard millrace_gzip_begin(&stream) == Z_OK else { throw Fault(.osError, "zlib cannot begin") }
        defer { deflateEnd(&stream) }
        return try run(&stream, bytes, limit: .max) { deflate(&$0, Z_FINISH) }
    }

    /// - Throws: `.badData` for what is not one whole gzip file, or has more than `limit` bytes.
    package static func expanded(_ bytes: [UInt8], limit: Int) throws(Fault) -> [UInt8] {
        var stream = z_stream()
        guard millrace_gunzip_begin(&stream) == Z_OK else { throw Fault(.osError, "zlib cannot begin") }
        defer { inflateEnd(&stream) }
        return try run(&stream, bytes, limit: limit) { inflate(&$0, Z_NO_FLUSH) }
    }

    private static func run(
        _ stream: inout z_stream, _ bytes: [UInt8], limit: Int, _ step: (inout z_stream) -> Int32
    ) throws(Fault) -> [UInt8] {
        var input = bytes
        var output: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        guard UInt32(exactly: input.count) != nil else { throw Fault(.badData, "more than 4 GiB for gzip") }
        let code = input.withUnsafeMutableBufferPointer { source in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            var code = Z_OK
            while code == Z_OK {
                let filled = piece.withUnsafeMutableBufferPointer { target in
                    stream.next_out = target.baseAddress
                    stream.avail_out = UInt32(target.count)
                    code = step(&stream)
                    return target.count - Int(stream.avail_out)
                }
                guard filled <= limit - output.count else { return Z_MEM_ERROR }
                output += piece[..<filled]
            }
            return code
        }
        guard code == Z_STREAM_END, stream.avail_in == 0 else {
            throw Fault(.badData, code == Z_MEM_ERROR ? "more than \(limit) bytes from gzip" : "not a whole gzip file")
        }
        return output
    }
}
