import Bytes
import Plugins

/// Cuts the blocks on and above the diagonal of each product into runs of nearly equal length.
struct GramSplitter: Splitter {
    func next(_ context: AppContext, cursor: [UInt8], limit: Int) throws(AppError) -> SplitStep {
        let project = try GramProject(context)
        let plan = project.parameters.product.products.map { product in
            let blocks = project.grid(product).count
            let perUnit = min(max(1, context.stepsPerUnit), blocks)
            return (product: product, blocks: blocks, units: (blocks + perUnit - 1) / perUnit)
        }
        let total = plan.reduce(0) { $0 + $1.units }
        let start = try Self.position(cursor, total: total)
        let end = min(total, start + max(1, min(limit, total)))
        var drafts: [UnitDraft] = []
        for number in start..<end {
            var (index, part) = (number, 0)
            while index >= plan[part].units {
                index -= plan[part].units
                part += 1
            }
            let (product, blocks, units) = plan[part]
            let first = index * blocks / units
            let unit = project.unit(product, first: first, blocks: (index + 1) * blocks / units - first)
            drafts.append(
                UnitDraft(
                    label: Self.label(unit),
                    flops: context.flopsPerStep.map { $0 * Double(unit.blocks) } ?? unit.flops, payload: unit.payload())
            )
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

    /// For example `blocks 3-4 of rows, from 1-1250 with 3751-5000`.
    private static func label(_ unit: GramUnit) -> String {
        let first = unit.block(0)
        func range(_ range: Range<Int>) -> String { "\(range.lowerBound + 1)-\(range.upperBound)" }
        let place = "\(range(first.rows)) with \(range(first.columns))"
        if unit.blocks == 1 { return "block \(unit.firstBlock) of \(unit.product.noun), \(place)" }
        let last = unit.firstBlock + unit.blocks - 1
        return "blocks \(unit.firstBlock)-\(last) of \(unit.product.noun), from \(place)"
    }
}
