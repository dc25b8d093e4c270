import CFFTW

extension BandTransform {
    /// First step: spreads the samples tile by tile, transforms each column, writes the tile into the field by rows.
    func transformColumns() {
        let tiles = geometry.columns / BandGeometry.tile
        tile.fill(0)
        sources.sorted.withUnsafeBufferPointer { sorted in
            kernel.table.withUnsafeBufferPointer { table in
                let spreader = Spreader(
                    table: table.baseAddress!, sources: sorted.baseAddress!, tile: tile.base, stride: tileStride,
                    rows: geometry.rows, width: kernel.width)
                // What spills over the last column belongs to the first columns, one row on.
                let last = sources.starts[tiles - 1]..<sources.starts[tiles]
                spreader.spreadWrapped(Int(last.lowerBound)..<Int(last.upperBound))
                var ringStart = 0
                for index in 0..<tiles {
                    spreader.spread(
                        Int(sources.starts[index])..<Int(sources.starts[index + 1]), ringStart: ringStart)
                    transformTile(ringStart: ringStart)
                    storeTile(index)
                    ringStart = (ringStart + BandGeometry.tile) % Spreader.ringRows
                }
            }
        }
    }

    private func transformTile(ringStart: Int) {
        for column in 0..<BandGeometry.tile {
            let row = tile.base + (ringStart + column) % Spreader.ringRows * tileStride
            first.execute(from: row, to: tileOut.base + column * tileStride)
            row.update(repeating: 0, count: 2 * geometry.rows)
        }
    }

    /// Transposes a tile into its place in the field, two by two complex numbers at a time. The field is larger than
    /// the caches, so it is written past them: 128 bytes in a row, which the processor joins to whole lines.
    private func storeTile(_ index: Int) {
        let stride = tileStride
        let target = field.base + index * 2 * BandGeometry.tile
        let source = UnsafeRawPointer(tileOut.base)
        for row in Swift.stride(from: 0, to: geometry.rows, by: 2) {
            let upper = target + row * fieldStride
            let lower = upper + fieldStride
            var at = source + row * 8
            for column in Swift.stride(from: 0, to: 2 * BandGeometry.tile, by: 4) {
                let a = at.load(as: SIMD4<Float>.self)
                let b = (at + stride * 4).load(as: SIMD4<Float>.self)
                millrace_stream(upper + column, SIMD4(lowHalf: a.lowHalf, highHalf: b.lowHalf))
                millrace_stream(lower + column, SIMD4(lowHalf: a.highHalf, highHalf: b.highHalf))
                at += stride * 8
            }
        }
    }

    /// Second step: twiddles and transforms each row, and hands groups of rows to the consumer.
    func transformRows(_ consume: (RowGroup) -> Void) {
        let margin = BandTransform.margin
        let group = BandTransform.groupRows
        var pointers = [UnsafeMutablePointer<Float>](repeating: window.base, count: group + 2 * margin)
        var done = 0
        for start in stride(from: margin, to: geometry.rows + margin, by: group) {
            let needed = start + group + margin
            while done < min(needed, geometry.rows) {
                transformFourRows(from: done)
                done += TwiddleTables.together
            }
            for index in 0..<(group + 2 * margin) {
                pointers[index] = row(start - margin + index)
            }
            pointers.withUnsafeBufferPointer { rows in
                consume(RowGroup(first: start, count: group, rows: rows.baseAddress!))
            }
        }
    }

    /// Where a row of the result lies: in the sliding window, or, past the last row, among the saved first rows, where
    /// the lane is one higher.
    private func row(_ index: Int) -> UnsafeMutablePointer<Float> {
        if index >= geometry.rows { return head.base + (index - geometry.rows) * rowStride + 2 }
        return window.base + index % BandTransform.windowRows * rowStride
    }

    private func transformFourRows(from start: Int) {
        if start % TwiddleTables.restart == 0 { twiddle.restart(atRow: start) }
        let scratch = window.base + BandTransform.windowRows * rowStride
        twiddle.multiplyFour(field.base + start * fieldStride, stride: fieldStride, into: scratch, stride: rowStride)
        for index in start..<(start + TwiddleTables.together) {
            let target = window.base + index % BandTransform.windowRows * rowStride
            second.execute(from: scratch + (index - start) * rowStride, to: target)
            if index < 2 * BandTransform.margin { keepHead(index, target) }
        }
    }

    /// Copies one of the first rows, with its first lane again after the last.
    private func keepHead(_ index: Int, _ row: UnsafePointer<Float>) {
        let copy = head.base + index * rowStride
        copy.update(from: row, count: 2 * geometry.columns)
        copy[2 * geometry.columns] = copy[0]
        copy[2 * geometry.columns + 1] = copy[1]
    }
}

/// Adds samples to a tile. The tile's columns lie as rows of a ring, so that what spills over its edge stays in place
/// for the next tile.
struct Spreader {
    let table: UnsafePointer<Float>
    let sources: UnsafePointer<GridSource>
    let tile: UnsafeMutablePointer<Float>
    let stride: Int
    let rows: Int
    let width: Int

    static let ringRows = BandGeometry.tile + SpreadingKernel.rowLength

    func spread(_ range: Range<Int>, ringStart: Int) {
        let tile = UnsafeMutableRawPointer(tile)
        let ringBytes = Spreader.ringRows * stride * 4
        let columnBytes = stride * 4
        let startBytes = ringStart * columnBytes
        for index in range {
            let source = sources[index]
            let column = Int(source.place >> 16)
            let weights = table + Int(source.place & 0xffff) * SpreadingKernel.rowLength
            var at = startBytes + column * columnBytes
            if at >= ringBytes { at -= ringBytes }
            let rowBytes = Int(source.row) * 8
            for m in 0..<BandTransform.kernelWidth {
                let place = tile + (at + rowBytes)
                let value = place.load(as: SIMD2<Float>.self) + source.value * weights[m]
                place.storeBytes(of: value, as: SIMD2<Float>.self)
                at += columnBytes
                if at >= ringBytes { at -= ringBytes }
            }
        }
    }

    /// Of the last tile's samples, only the part beyond the last column: it goes to the first columns, one row on.
    func spreadWrapped(_ range: Range<Int>) {
        for index in range {
            let source = sources[index]
            let column = Int(source.place >> 16)
            let weights = table + Int(source.place & 0xffff) * SpreadingKernel.rowLength
            let row = (Int(source.row) + 1) % rows
            for m in 0..<width where column + m >= BandGeometry.tile {
                let place = tile + (column + m - BandGeometry.tile) * stride + 2 * row
                place[0] += source.value.x * weights[m]
                place[1] += source.value.y * weights[m]
            }
        }
    }
}
