import Bytes
import Plugins

/// A matrix as NumPy saves it: a header that says type, order and shape, then the numbers.
///
/// Source: NumPy Enhancement Proposal 1, versions 1.0 to 3.0. Little-endian numbers only; a vector is a matrix of one
/// row.
struct NpyFile: Hashable, Sendable {
    enum Scalar: String, CaseIterable, Hashable, Sendable {
        case uint8 = "|u1"
        case int8 = "|i1"
        case uint16 = "<u2"
        case int16 = "<i2"
        case uint32 = "<u4"
        case int32 = "<i4"
        case float32 = "<f4"
        case float64 = "<f8"

        var width: Int {
            switch self {
            case .uint8, .int8: 1
            case .uint16, .int16: 2
            case .uint32, .int32, .float32: 4
            case .float64: 8
            }
        }

        var isInteger: Bool { self != .float32 && self != .float64 }
    }

    let scalar: Scalar
    let rows: Int
    let columns: Int
    /// Column after column instead of row after row.
    let isByColumns: Bool
    /// Where the numbers begin.
    let offset: Int
    private let content: Content

    /// Small files lie in memory, large ones are read where needed.
    enum Content: Hashable, Sendable {
        case bytes([UInt8])
        case raw(RawInput)

        var size: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .raw(let raw): Int(raw.size)
            }
        }

        func head(_ count: Int) -> [UInt8] {
            switch self {
            case .bytes(let bytes): Array(bytes.prefix(count))
            case .raw(let raw): raw.head(count)
            }
        }
    }

    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    private static let headerBytesMax = 4096

    /// - Throws: `.badInput` with what is wrong.
    init(_ content: Content) throws(AppError) {
        let bytes = content.head(12 + Self.headerBytesMax)
        guard bytes.starts(with: Self.magic), bytes.count >= 12, (1...3).contains(bytes[6]) else {
            throw MatrixInput.fault("it is no .npy file of version 1, 2 or 3")
        }
        let isShort = bytes[6] == 1
        let start = isShort ? 10 : 12
        let length = (8..<start).reversed().reduce(0) { $0 << 8 | Int(bytes[$1]) }
        guard length <= Self.headerBytesMax, start + length <= bytes.count else {
            throw MatrixInput.fault("its .npy header is damaged")
        }
        let header = NpyHeader(String(decoding: bytes[start..<start + length], as: UTF8.self))
        guard let type = header.text("descr"), let order = header.word("fortran_order"), let shape = header.shape,
            order == "True" || order == "False"
        else { throw MatrixInput.fault("its .npy header is damaged") }
        guard let scalar = Scalar(rawValue: type) else {
            let words = Scalar.allCases.map(\.rawValue).joined(separator: ", ")
            throw MatrixInput.fault("numbers of type `\(type)` cannot be read; expected: one of \(words)")
        }
        guard shape.count == 1 || shape.count == 2 else {
            throw MatrixInput.fault("an array of \(shape.count) dimensions; expected: a matrix")
        }
        let (rows, columns) = shape.count == 2 ? (shape[0], shape[1]) : (1, shape[0])
        try MatrixInput.requireSize(rows, columns)
        // Both sides are below 2^25: no overflow.
        guard content.size - start - length == rows * columns * scalar.width else {
            throw MatrixInput.fault(
                "\(content.size - start - length) bytes of numbers; expected: \(rows * columns * scalar.width) for "
                    + "\(rows) x \(columns)")
        }
        (self.scalar, self.rows, self.columns, isByColumns) = (scalar, rows, columns, order == "True")
        offset = start + length
        self.content = content
    }

    /// Writes a part of the matrix to `out`, row after row.
    func copy(rows: Range<Int>, columns: Range<Int>, to out: UnsafeMutableBufferPointer<Double>) {
        switch scalar {
        case .uint8: copy(rows, columns, out) { Double($0 as UInt8) }
        case .int8: copy(rows, columns, out) { Double($0 as Int8) }
        case .uint16: copy(rows, columns, out) { Double(UInt16(littleEndian: $0)) }
        case .int16: copy(rows, columns, out) { Double(Int16(littleEndian: $0)) }
        case .uint32: copy(rows, columns, out) { Double(UInt32(littleEndian: $0)) }
        case .int32: copy(rows, columns, out) { Double(Int32(littleEndian: $0)) }
        case .float32: copy(rows, columns, out) { Double(Float(bitPattern: UInt32(littleEndian: $0))) }
        case .float64: copy(rows, columns, out) { Double(bitPattern: UInt64(littleEndian: $0)) }
        }
    }

    @inline(__always)
    private func copy<Word: FixedWidthInteger>(
        _ rows: Range<Int>, _ columns: Range<Int>, _ out: UnsafeMutableBufferPointer<Double>, _ value: (Word) -> Double
    ) {
        let (width, count) = (MemoryLayout<Word>.size, columns.count)
        // Lines as they lie in the file; `step` apart go the neighbours in `out`.
        let (lines, line) = isByColumns ? (columns, rows) : (rows, columns)
        let (stride, step) = isByColumns ? (self.rows, count) : (self.columns, 1)
        withLines(lines, line, stride: stride, width: width) { index, place in
            guard let out = out.baseAddress else { return }
            let to = out + (isByColumns ? index : index * count)
            // Neighbours, several at a time.
            for at in 0..<line.count {
                to[at * step] = value(place.loadUnaligned(fromByteOffset: at * width, as: Word.self))
            }
        }
    }

    /// Calls `body` with the number of each line, from 0, and where the part of it lies in memory.
    ///
    /// - Parameter stride: numbers of a whole line; `width`: bytes of a number.
    @inline(__always)
    private func withLines(
        _ lines: Range<Int>, _ part: Range<Int>, stride: Int, width: Int, _ body: (Int, UnsafeRawPointer) -> Void
    ) {
        switch content {
        case .bytes(let bytes):
            bytes.withUnsafeBytes { raw in
                guard let numbers = raw.baseAddress.map({ $0 + offset }) else { return }
                for (index, line) in lines.enumerated() {
                    body(index, numbers + width * (line * stride + part.lowerBound))
                }
            }
        case .raw(let raw):
            // Whole lines lie together: as many as fit into a piece are read at once.
            let isWhole = part.count == stride
            let perRead = isWhole ? max(1, (1 << 20) / max(1, stride * width)) : 1
            withUnsafeTemporaryAllocation(byteCount: perRead * part.count * width, alignment: 8) { buffer in
                for start in Swift.stride(from: lines.lowerBound, to: lines.upperBound, by: perRead) {
                    let read = min(perRead, lines.upperBound - start)
                    let at = offset + width * (start * stride + part.lowerBound)
                    raw.read(
                        at: Int64(at),
                        into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<(read * part.count * width)]))
                    guard let place = buffer.baseAddress else { return }
                    for index in 0..<read {
                        body(start - lines.lowerBound + index, UnsafeRawPointer(place) + index * part.count * width)
                    }
                }
            }
        }
    }

    /// The file of a matrix of doubles. - Parameter values: row after row.
    static func bytes(of values: [Double], rows: Int, columns: Int) -> [UInt8] {
        var header = "{'descr': '<f8', 'fortran_order': False, 'shape': (\(rows), \(columns)), }"
        // The numbers begin at a multiple of 64.
        header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
        let count = header.utf8.count
        return magic + [1, 0, UInt8(count & 0xFF), UInt8(count >> 8)] + Array(header.utf8)
            + LittleEndian.bytes(of: values)
    }
}

/// The Python dictionary in front of the numbers: as far as NumPy writes it.
struct NpyHeader {
    private let text: String

    init(_ text: String) {
        self.text = text
    }

    /// What follows `'name':`, without spaces in front.
    private func rest(_ name: String) -> Substring? {
        for quote in ["'", "\""] {
            let key = quote + name + quote + ":"
            var rest = text[...]
            while !rest.isEmpty {
                if rest.hasPrefix(key) { return rest.dropFirst(key.count).drop { $0 == " " } }
                rest = rest.dropFirst()
            }
        }
        return nil
    }

    func text(_ name: String) -> String? {
        guard let rest = rest(name), let quote = rest.first, quote == "'" || quote == "\"" else { return nil }
        return String(rest.dropFirst().prefix { $0 != quote })
    }

    func word(_ name: String) -> String? {
        rest(name).map { String($0.prefix { $0.isLetter }) }
    }

    /// nil: no list of whole numbers.
    var shape: [Int]? {
        guard let rest = rest("shape"), rest.first == "(", let end = rest.firstIndex(of: ")") else { return nil }
        let parts = rest[rest.index(after: rest.startIndex)..<end].split(separator: ",").map {
            Int($0.filter { $0 != " " })
        }
        let numbers = parts.compactMap(\.self)
        return numbers.count == parts.count ? numbers : nil
    }
}
