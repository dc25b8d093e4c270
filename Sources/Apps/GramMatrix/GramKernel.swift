import Bytes
import Compute
import Plugins

/// Multiplies a block at a time, a slab of the sums at a time, so that memory does not grow with their length.
struct GramKernel: Kernel {
    private let unit: GramUnit
    private let factor: GramFactor
    private let total: Int
    /// Numbers of the blocks that are done.
    private var values: [Double] = []
    private var done = 0
    /// The block at work, and how many terms of its sums are in it.
    private var current: [Double] = []
    private var summed = 0

    private static let version: UInt32 = 1
    /// Steps are counted against the budget at this rate, which an old processor reaches.
    private static let nominalFlopsPerSecond = 5e9

    init(unit: Payload, inputs: InputSet, environment: KernelEnvironment) throws(AppError) {
        let place = try GramUnit(unit)
        self.unit = place
        factor = try place.factor(inputs)
        total = place.numbers
        // Several tasks run beside each other; a thread per core in each would make them fight.
        BLAS.setThreads(1)
    }

    mutating func advance(budgetSeconds: Double) throws(AppError) -> KernelProgress {
        var budget = budgetSeconds * Self.nominalFlopsPerSecond
        repeat {
            if done == unit.blocks { return .done }
            let block = unit.block(done)
            let terms = summed..<min(unit.inner, summed + unit.slab)
            try add(terms, of: block)
            summed = terms.upperBound
            if summed == unit.inner {
                if values.isEmpty { values = current } else { values += current }
                (current, summed) = ([], 0)
                done += 1
            }
            // Unpacking and centring a number costs about ten operations.
            budget -= block.flops(width: terms.count)
            budget -= 10 * Double(terms.count) * Double(block.rows.count + block.columns.count)
        } while budget > 0
        if done == unit.blocks { return .done }
        return .more(fraction: (Double(done) + Double(summed) / Double(unit.inner)) / Double(unit.blocks))
    }

    private mutating func add(_ terms: Range<Int>, of block: MatrixBlock) throws(AppError) {
        let (left, right) = try factor.factors(of: block, inner: terms)
        if current.isEmpty { current = [Double](repeating: 0, count: block.count) }
        BLAS.multiply(left, right, into: &current, adding: true)
    }

    func checkpoint() -> [UInt8] {
        var writer = ByteWriter(capacity: 16 + 8 * (values.count + current.count))
        writer.put(u32: Self.version)
        writer.put(u32: UInt32(done))
        writer.put(i64: Int64(summed))
        writer.put(doubles: values)
        writer.put(doubles: current)
        return writer.bytes
    }

    mutating func restore(from checkpoint: [UInt8]) throws(AppError) {
        do {
            var reader = ByteReader(checkpoint)
            guard try reader.readU32() == Self.version else {
                throw AppError.badCheckpoint("written by another version")
            }
            let blocks = Int(try reader.readU32())
            let terms = Int(try reader.readI64())
            guard blocks <= unit.blocks, terms == 0 || blocks < unit.blocks && (0..<unit.inner).contains(terms),
                terms % unit.slab == 0
            else { throw AppError.badCheckpoint("more than the unit has") }
            let count = (0..<blocks).reduce(0) { $0 + unit.block($1).count }
            let saved = try reader.readDoubles(count)
            let begun = terms == 0 ? [] : try reader.readDoubles(unit.block(blocks).count)
            try reader.expectEnd()
            guard saved.allSatisfy(\.isFinite), begun.allSatisfy(\.isFinite) else {
                throw AppError.badCheckpoint("a number is not finite")
            }
            (done, summed, values, current) = (blocks, terms, saved, begun)
        } catch let error as AppError {
            throw error
        } catch {
            throw .badCheckpoint("damaged: \(error)")
        }
    }

    func result() throws(AppError) -> Payload {
        guard done == unit.blocks, values.count == total else {
            throw .badResult("asked for before the last block was done")
        }
        return GramResult(values: values).payload()
    }

    var fingerprint: String { "\(Machine.architecture); \(BLAS.libraryVersion)" }
}
