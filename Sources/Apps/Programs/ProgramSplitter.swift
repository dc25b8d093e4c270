import Bytes
import Plugins

/// Cuts the steps into runs of `steps_per_unit`; the last one may be shorter.
struct ProgramSplitter: Splitter {
    func next(_ context: AppContext, cursor: [UInt8], limit: Int) throws(AppError) -> SplitStep {
        let work = try ProgramWork(context)
        let start = try Self.position(cursor, total: work.unitCount)
        let end = start + min(max(1, limit), work.unitCount - start)
        var drafts: [UnitDraft] = []
        for index in start..<end {
            // The manifest's checker asks for the number; without it nobody knows how long a program runs.
            let flops = (context.flopsPerStep ?? 1) * Double(work.range(of: index).count)
            drafts.append(
                UnitDraft(label: work.label(of: index), flops: flops, payload: try work.payload(of: index)))
        }
        var writer = ByteWriter()
        writer.put(i64: Int64(end))
        return SplitStep(drafts: drafts, cursor: writer.bytes, finished: end == work.unitCount)
    }

    private static func position(_ cursor: [UInt8], total: Int) throws(AppError) -> Int {
        if cursor.isEmpty { return 0 }
        guard let values = LittleEndian.int64s(from: cursor), values.count == 1, values[0] >= 0,
            values[0] <= Int64(total)
        else { throw .badUnit("split cursor: not one of this project") }
        return Int(values[0])
    }
}
