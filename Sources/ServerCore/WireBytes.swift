import Domain
import FoundationEssentials
import Wire

// The generated messages carry `Data`; this is the one place where it meets the cores' byte arrays.

extension Digest {
    /// nil unless the field holds exactly 32 bytes.
    init?(field: Data) {
        self.init(bytes: field)
    }

    var field: Data { Data(bytes) }
}

extension Data {
    init(field bytes: [UInt8]) {
        self.init(bytes)
    }

    var array: [UInt8] { [UInt8](self) }
}
