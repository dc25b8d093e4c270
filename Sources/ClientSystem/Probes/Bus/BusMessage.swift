import Domain

/// A message of D-Bus (specification 0.41): a call that we make, or what comes back.
package struct BusMessage: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case reply(to: UInt32)
        /// `name`: for example `org.freedesktop.DBus.Error.ServiceUnknown`.
        case error(to: UInt32, name: String)
        case signal
        /// A call to us, or something newer than this code.
        case other
    }

    package var kind: Kind
    package var body: [BusValue]

    /// What comes before the fields of the header: byte order, kind, flags, version, length of the body, serial, and
    /// the length of the fields.
    package static let prefixBytes = 16
    /// The protocol allows 128 MiB; nothing that we ask for is large.
    private static let bytesMax = 1 << 18

    /// Bytes of the whole message that begins so.
    ///
    /// - Parameter prefix: `prefixBytes` of them.
    package static func length(prefix: [UInt8]) throws(Fault) -> Int {
        guard let isBigEndian = isBigEndian(prefix), prefix[3] == 1 else {
            throw Fault(.protocolError, "D-Bus: what answers speaks another protocol")
        }
        var reader = BusReader(prefix, at: 4, isBigEndian: isBigEndian)
        let body = try reader.number(4)
        _ = try reader.number(4)
        let fields = try reader.number(4)
        guard body <= UInt64(bytesMax), fields <= UInt64(bytesMax) else {
            throw Fault(.protocolError, "D-Bus: a message of more than \(bytesMax) bytes")
        }
        return (prefixBytes + Int(fields) + 7) / 8 * 8 + Int(body)
    }

    /// - Parameter bytes: one whole message.
    package init(_ bytes: [UInt8]) throws(Fault) {
        guard bytes.count >= Self.prefixBytes, let isBigEndian = Self.isBigEndian(bytes) else {
            throw Fault(.protocolError, "D-Bus: a message that ends too soon")
        }
        var reader = BusReader(bytes, at: 12, isBigEndian: isBigEndian)
        var (serial, error, signature) = (UInt64(0), "", "")
        for field in try reader.values("a(yv)").first?.elements ?? [] {
            guard let pair = field.elements, pair.count == 2 else { continue }
            switch pair[0].asUnsigned {
            case 4?: error = pair[1].asString ?? ""
            case 5?: serial = pair[1].asUnsigned ?? 0
            case 8?: signature = pair[1].asString ?? ""
            default: break
            }
        }
        try reader.align(8)
        body = try reader.values(signature)
        let call = UInt32(truncatingIfNeeded: serial)
        switch bytes[1] {
        case 2: kind = .reply(to: call)
        case 3: kind = .error(to: call, name: error)
        case 4: kind = .signal
        default: kind = .other
        }
    }

    private static func isBigEndian(_ bytes: [UInt8]) -> Bool? {
        switch bytes[0] {
        case UInt8(ascii: "l"): false
        case UInt8(ascii: "B"): true
        default: nil
        }
    }
}

/// A call to an object on the bus; all arguments that we ever give are strings.
package struct BusCall: Hashable, Sendable {
    package var destination: String
    package var path: String
    package var interface: String
    package var member: String
    package var arguments: [String] = []

    package init(
        _ destination: String, _ path: String, _ interface: String, _ member: String, _ arguments: [String] = []
    ) {
        self.destination = destination
        self.path = path
        self.interface = interface
        self.member = member
        self.arguments = arguments
    }

    /// The message, with the least significant byte first.
    ///
    /// A service that does not run is not started for it.
    package func encoded(serial: UInt32) -> [UInt8] {
        var body: [UInt8] = []
        for argument in arguments { Self.append(argument, to: &body) }
        var fields: [UInt8] = []
        for (code, type, text) in [(1, "o", path), (2, "s", interface), (3, "s", member), (6, "s", destination)] {
            Self.pad(&fields, 8)
            fields += [UInt8(code), 1] + Array(type.utf8) + [0]
            Self.append(text, to: &fields)
        }
        if !arguments.isEmpty {
            Self.pad(&fields, 8)
            fields += [8, 1, UInt8(ascii: "g"), 0, UInt8(arguments.count)]
            fields += [UInt8](repeating: UInt8(ascii: "s"), count: arguments.count) + [0]
        }
        let noAutoStart: UInt8 = 2
        var message: [UInt8] = [UInt8(ascii: "l"), 1, noAutoStart, 1]
        for number in [UInt32(body.count), serial, UInt32(fields.count)] { Self.append(number, to: &message) }
        message += fields
        Self.pad(&message, 8)
        return message + body
    }

    private static func pad(_ bytes: inout [UInt8], _ size: Int) {
        while bytes.count % size != 0 { bytes.append(0) }
    }

    private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
        for shift in stride(from: UInt32(0), to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        pad(&bytes, 4)
        append(UInt32(text.utf8.count), to: &bytes)
        bytes += Array(text.utf8) + [0]
    }
}
