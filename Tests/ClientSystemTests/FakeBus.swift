import CPosix
import Domain
import Glibc
import Synchronization
import WorkerHost

/// Values as D-Bus writes them, with the least significant byte first.
struct BusBytes {
    var bytes: [UInt8] = []

    mutating func align(_ size: Int) { while bytes.count % size != 0 { bytes.append(0) } }

    mutating func number(_ value: UInt64, size: Int) {
        align(size)
        for shift in 0..<size { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * shift))) }
    }

    mutating func string(_ text: String) {
        number(UInt64(text.utf8.count), size: 4)
        bytes += Array(text.utf8) + [0]
    }

    mutating func signature(_ text: String) { bytes += [UInt8(text.utf8.count)] + Array(text.utf8) + [0] }

    /// - Parameter alignment: of its elements.
    mutating func array(alignment: Int, _ write: (inout BusBytes) -> Void) {
        number(0, size: 4)
        let lengthAt = bytes.count - 4
        align(alignment)
        let start = bytes.count
        write(&self)
        for shift in 0..<4 { bytes[lengthAt + shift] = UInt8(truncatingIfNeeded: (bytes.count - start) >> (8 * shift)) }
    }

    enum Property {
        case text(String)
        case bool(Bool)
        case time(UInt64)
        case small(UInt32)
        /// `(so)`, as logind has for seats.
        case pair(String, String)
    }

    mutating func variant(_ value: Property) {
        switch value {
        case .text(let text):
            signature("s")
            string(text)
        case .bool(let flag):
            signature("b")
            number(flag ? 1 : 0, size: 4)
        case .time(let time):
            signature("t")
            number(time, size: 8)
        case .small(let small):
            signature("u")
            number(UInt64(small), size: 4)
        case .pair(let first, let second):
            signature("(so)")
            align(8)
            string(first)
            string(second)
        }
    }

    /// `a{sv}`
    static func dictionary(_ properties: [(String, Property)]) -> [UInt8] {
        var out = BusBytes()
        out.array(alignment: 8) { out in
            for (name, value) in properties {
                out.align(8)
                out.string(name)
                out.variant(value)
            }
        }
        return out.bytes
    }

    /// A whole message that answers a call, or a signal.
    static func message(
        kind: UInt8, to serial: UInt32, signature: String, body: [UInt8], error: String? = nil
    ) -> [UInt8] {
        var fields = BusBytes()
        fields.bytes += [5, 1, UInt8(ascii: "u"), 0]
        fields.number(UInt64(serial), size: 4)
        if let error {
            fields.align(8)
            fields.bytes += [4, 1, UInt8(ascii: "s"), 0]
            fields.string(error)
        }
        if !signature.isEmpty {
            fields.align(8)
            fields.bytes += [8, 1, UInt8(ascii: "g"), 0]
            fields.signature(signature)
        }
        var out = BusBytes()
        out.bytes = [UInt8(ascii: "l"), kind, 1, 1]
        for number in [body.count, 7, fields.bytes.count] { out.number(UInt64(number), size: 4) }
        out.bytes += fields.bytes
        out.align(8)
        return out.bytes + body
    }
}

/// A bus of the tests: whoever connects is served by one thread, with answers by what the call's bytes contain.
final class FakeBus: Sendable {
    enum Answer: Sendable {
        case reply(signature: String, body: [UInt8])
        case error(String)
        case raw([UInt8])
        case silence
        case close
    }

    private struct State {
        var answers: [(String, Answer)] = []
        var calls: [String] = []
        var connections: [Int32] = []
    }

    private let listener: Int32
    private let state = Mutex(State())

    init(_ path: String) throws {
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        self.listener = listener
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0, listen(listener, 8) == 0 else { throw Fault(.osError, "no socket \(path)") }
        BlockingThread.start("bus") { [weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                guard self?.keep(connection) == true else { return }
                BlockingThread.start("bus-call") { [weak self] in Self.serve(connection) { self?.answer($0) ?? .close }
                }
            }
        }
    }

    deinit { stop() }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        hangUp()
    }

    /// Ends the connections that there are.
    func hangUp() {
        state.withLock { state in
            for connection in state.connections { shutdown(connection, Int32(SHUT_RDWR)) }
            state.connections = []
        }
    }

    private func keep(_ connection: Int32) -> Bool {
        state.withLock { $0.connections.append(connection) }
        return true
    }

    /// What is answered to a call whose bytes contain the word; later ones come first.
    func set(_ word: String, _ answer: Answer) { state.withLock { $0.answers.insert((word, answer), at: 0) } }

    func send(_ bytes: [UInt8]) {
        state.withLock {
            for connection in $0.connections { _ = Glibc.send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
        }
    }

    /// How many calls contained the word.
    func calls(_ word: String) -> Int { state.withLock { $0.calls.count { $0.contains(word) } } }

    private func answer(_ call: [UInt8]) -> Answer {
        let text = String(decoding: call, as: UTF8.self)
        return state.withLock { state in
            state.calls.append(text)
            return state.answers.first { text.contains($0.0) }?.1 ?? .reply(signature: "", body: [])
        }
    }

    private static func serve(_ connection: Int32, _ answer: ([UInt8]) -> Answer) {
        defer { close(connection) }
        var bytes: [UInt8] = []
        var isIntroduced = false
        while true {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = read(connection, &buffer, buffer.count)
            guard count > 0 else { return }
            bytes += buffer[..<count]
            while true {
                if !isIntroduced {
                    guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { break }
                    let line = String(decoding: bytes[..<end], as: UTF8.self)
                    bytes.removeFirst(end + 1)
                    isIntroduced = line.hasPrefix("BEGIN")
                    guard line.contains("AUTH") else { continue }
                    let call = answer(Array("AUTH".utf8))
                    if case .raw(let words) = call {
                        _ = Glibc.send(connection, words, words.count, Int32(MSG_NOSIGNAL))
                    } else if case .silence = call {
                        continue
                    } else {
                        _ = Glibc.send(connection, "OK 0123\r\n", 9, Int32(MSG_NOSIGNAL))
                    }
                    continue
                }
                guard let length = callLength(bytes), bytes.count >= length else { break }
                let call = Array(bytes[..<length])
                bytes.removeFirst(length)
                guard reply(connection, call, answer(call)) else { return }
            }
        }
    }

    private static func number(_ bytes: [UInt8], at: Int) -> Int {
        (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
    }

    private static func callLength(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 16 else { return nil }
        return (16 + number(bytes, at: 12) + 7) / 8 * 8 + number(bytes, at: 4)
    }

    private static func reply(_ connection: Int32, _ call: [UInt8], _ answer: Answer) -> Bool {
        let serial = UInt32(number(call, at: 8))
        let message: [UInt8]
        switch answer {
        case .reply(let signature, let body):
            message = BusBytes.message(kind: 2, to: serial, signature: signature, body: body)
        case .error(let name): message = BusBytes.message(kind: 3, to: serial, signature: "", body: [], error: name)
        case .raw(let bytes): message = bytes
        case .silence: return true
        case .close: return false
        }
        return Glibc.send(connection, message, message.count, Int32(MSG_NOSIGNAL)) == message.count
    }
}
