import Compute
import Glibc

/// FFTW's wisdom in a file of the host's cache folder. Losing or damaging it costs a fraction of a second, so no
/// failure here is worth an error.
enum WisdomCache {
    private static let bytesMax = 1 << 20

    private static func path(_ folder: String) -> String { "\(folder)/\(FFTWisdom.libraryVersion).wisdom" }

    static func load(_ folder: String) {
        guard let file = fopen(path(folder), "r") else { return }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        let count = fread(&bytes, 1, bytesMax, file)
        FFTWisdom.add(Array(bytes[..<count]))
    }

    /// Writes what is new under a name of its own, then moves it into place: two workers may do so at once.
    static func save(_ folder: String) {
        let bytes = FFTWisdom.export()
        guard !bytes.isEmpty, bytes.count <= bytesMax, bytes.count != size(path(folder)) else { return }
        let temporary = "\(path(folder)).\(getpid())"
        guard let file = fopen(temporary, "w") else { return }
        let written = fwrite(bytes, 1, bytes.count, file)
        if fclose(file) == 0, written == bytes.count, rename(temporary, path(folder)) == 0 { return }
        unlink(temporary)
    }

    private static func size(_ path: String) -> Int {
        var info = stat()
        return stat(path, &info) == 0 ? Int(info.st_size) : -1
    }
}

/// What the fingerprint of a result says of the machine.
enum Machine {
    static var architecture: String {
        #if arch(x86_64)
            "amd64"
        #elseif arch(arm64)
            "arm64"
        #else
            "other"
        #endif
    }
}
