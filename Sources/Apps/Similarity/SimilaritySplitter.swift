import Bytes
import Plugins

/// Cuts the blocks on and above the diagonal into runs of nearly equal length.
struct SimilaritySplitter: Splitter {
    func next(_ context: AppContext, cursor: [UInt8], limit: Int) throws(AppError) -> SplitStep {
        let project = try SimilarityProject(context)
        let blocks = project.grid.count
        let perUnit = min(max(1, context.stepsPerUnit), blocks)
        let total = (blocks + perUnit - 1) / perUnit
        let start = try SimilaritySplitter.position(cursor, total: total)
        let end = min(total, start + max(1, min(limit, total)))
        var drafts: [UnitDraft] = []
        for index in start..<end {
            let first = index * blocks / total
            let unit = SimilarityUnit(
                firstBlock: first, blocks: (index + 1) * blocks / total - first, grid: project.grid,
                measure: project.parameters.measure, labelColumn: project.labelColumn)
            let width = project.rows.table.width
            let counted = (0..<unit.blocks).reduce(0) { $0 + unit.block($1).flops(width: width) }
            drafts.append(
                UnitDraft(
                    label: SimilaritySplitter.label(unit),
                    flops: context.flopsPerStep.map { $0 * Double(unit.blocks) } ?? counted, payload: unit.payload()))
        }
        var writer = ByteWriter()
        writer.put(i64: Int64(end))
        return SplitStep(drafts: drafts, cursor: writer.bytes, finished: end == total)
    }

    private static func position(_ cursor: [UInt8], total: Int) throws(AppError) -> Int {
        if cursor.isEmpty { return 0 }
        guard let values = LittleEndian.int64s(from: cursor), values.count == 1, values[0] >= 0,
            values[0] <= Int64(total)
        else { throw .badUnit("split cursor: not one of this project") }
        return Int(values[0])
    }

    /// For example `blocks 8-15, from rows 1-256 with 257-512`.
    private static func label(_ unit: SimilarityUnit) -> String {
        let first = unit.block(0)
        func rows(_ range: Range<Int>) -> String { "\(range.lowerBound + 1)-\(range.upperBound)" }
        let place = "rows \(rows(first.rows)) with \(rows(first.columns))"
        if unit.blocks == 1 { return "block \(unit.firstBlock), \(place)" }
        return "blocks \(unit.firstBlock)-\(unit.firstBlock + unit.blocks - 1), from \(place)"
    }
}
