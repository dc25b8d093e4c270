import Domain

/// Values for one statement, in order; for a statement that takes columns, of any number of rows.
struct Binder {
    private(set) var bytes: [UInt8] = []
    /// Where each value begins in `bytes` and how long it is; -1: NULL.
    private(set) var cells: [(start: Int, count: Int)] = []

    mutating func null() { cells.append((bytes.count, -1)) }

    mutating func integer(_ value: Int64) {
        cells.append((bytes.count, 8))
        bytes.append(bigEndian: UInt64(bitPattern: value))
    }

    mutating func integer(_ value: Int64?) {
        if let value { integer(value) } else { null() }
    }

    mutating func integer(_ value: Int) { integer(Int64(value)) }
    mutating func boolean(_ value: Bool) { integer(value ? 1 : 0) }
    mutating func time(_ value: Timestamp) { integer(value.milliseconds) }

    /// A number that is none becomes NULL, as in every store.
    mutating func real(_ value: Double) {
        if value.isNaN { return null() }
        cells.append((bytes.count, 8))
        bytes.append(bigEndian: value.bitPattern)
    }

    mutating func real(_ value: Double?) {
        if let value { real(value) } else { null() }
    }

    /// PostgreSQL's text has no character 0: see the schema.
    mutating func text(_ value: String) {
        let start = bytes.count
        for byte in value.utf8 {
            if byte > 1 {
                bytes.append(byte)
            } else {
                bytes.append(1)
                bytes.append(UInt8(ascii: "0") + byte)
            }
        }
        cells.append((start, bytes.count - start))
    }

    mutating func text(_ value: String?) {
        if let value { text(value) } else { null() }
    }

    mutating func blob(_ value: [UInt8]) {
        cells.append((bytes.count, value.count))
        bytes += value
    }

    mutating func digest(_ value: Digest) { blob(value.bytes) }

    /// A whole array as one value.
    mutating func integers(_ values: [Int64]) {
        let start = bytes.count
        bytes.appendArrayHead(count: values.count, type: .integer, hasNull: false)
        for value in values {
            bytes.append(bigEndian: UInt32(8))
            bytes.append(bigEndian: UInt64(bitPattern: value))
        }
        cells.append((start, bytes.count - start))
    }

    /// The same values column by column, each as one array.
    ///
    /// - Returns: nothing when the values are no whole rows.
    func transposed(_ types: [ColumnType]) -> Binder? {
        guard !types.isEmpty, cells.count.isMultiple(of: types.count) else { return nil }
        let rows = cells.count / types.count
        var turned = Binder()
        turned.bytes.reserveCapacity(bytes.count + 4 * cells.count + 20 * types.count)
        for (column, type) in types.enumerated() {
            let start = turned.bytes.count
            let places = stride(from: column, to: cells.count, by: types.count)
            turned.bytes.appendArrayHead(count: rows, type: type, hasNull: places.contains { cells[$0].count < 0 })
            for place in places {
                let cell = cells[place]
                turned.bytes.append(bigEndian: UInt32(bitPattern: Int32(cell.count)))
                if cell.count > 0 { turned.bytes += bytes[cell.start..<cell.start + cell.count] }
            }
            turned.cells.append((start, turned.bytes.count - start))
        }
        return turned
    }
}

extension [UInt8] {
    mutating func append(bigEndian value: UInt64) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    mutating func append(bigEndian value: UInt32) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    /// Dimensions, whether there are NULLs, type; then length and lowest index of the one dimension.
    fileprivate mutating func appendArrayHead(count: Int, type: ColumnType, hasNull: Bool) {
        append(bigEndian: UInt32(count == 0 ? 0 : 1))
        append(bigEndian: UInt32(hasNull ? 1 : 0))
        append(bigEndian: type.rawValue)
        if count == 0 { return }
        append(bigEndian: UInt32(count))
        append(bigEndian: UInt32(1))
    }
}
