import Bytes
import Compute
import Plugins

/// Multiplies rows with rows, a block at a time.
struct SimilarityKernel: Kernel {
    private let unit: SimilarityUnit
    private let rows: StandardRows
    private let total: Int
    /// Similarities of the blocks that are done.
    private var values: [Double] = []
    private var done = 0
    /// The left factor stays the same along a block row.
    private var left: (rows: Range<Int>, matrix: [Double])?

    private static let version: UInt32 = 1
    /// Steps are counted against the budget at this rate, which an old processor reaches.
    private static let nominalFlopsPerSecond = 5e9

    init(unit: Payload, inputs: InputSet, environment: KernelEnvironment) throws(AppError) {
        let place = try SimilarityUnit(unit)
        self.unit = place
        rows = try StandardRows(inputs, place)
        total = place.similarities
        // Several tasks run beside each other; a thread per core in each would make them fight.
        BLAS.setThreads(1)
    }

    mutating func advance(budgetSeconds: Double) throws(AppError) -> KernelProgress {
        var budget = budgetSeconds * SimilarityKernel.nominalFlopsPerSecond
        repeat {
            if done == unit.blocks { return .done }
            let block = unit.block(done)
            values += try product(block)
            done += 1
            // Standardising a row costs about ten operations a number.
            budget -= block.flops(width: rows.table.width) + 10 * Double(block.columns.count * rows.table.width)
        } while budget > 0
        return done == unit.blocks ? .done : .more(fraction: Double(done) / Double(unit.blocks))
    }

    private mutating func product(_ block: MatrixBlock) throws(AppError) -> [Double] {
        if left?.rows != block.rows { left = (block.rows, try rows.matrix(block.rows)) }
        let first = left?.matrix ?? []
        let second = block.isDiagonal ? first : try rows.matrix(block.columns)
        return SimilarityKernel.product(block, first, second, width: rows.table.width)
    }

    /// A block of S = Z Zᵀ. - Parameter first: the block's rows. - Parameter second: its columns, as rows.
    static func product(_ block: MatrixBlock, _ first: [Double], _ second: [Double], width: Int) -> [Double] {
        var values = [Double](repeating: 0, count: block.count)
        BLAS.multiply(
            MatrixOperand(first, rows: block.rows.count, columns: width),
            MatrixOperand(second, rows: width, columns: block.columns.count, transposed: true), into: &values)
        return values
    }

    func checkpoint() -> [UInt8] {
        var writer = ByteWriter(capacity: 8 + 8 * values.count)
        writer.put(u32: SimilarityKernel.version)
        writer.put(u32: UInt32(done))
        writer.put(doubles: values)
        return writer.bytes
    }

    mutating func restore(from checkpoint: [UInt8]) throws(AppError) {
        do {
            var reader = ByteReader(checkpoint)
            guard try reader.readU32() == SimilarityKernel.version else {
                throw AppError.badCheckpoint("written by another version")
            }
            let blocks = Int(try reader.readU32())
            guard blocks <= unit.blocks else { throw AppError.badCheckpoint("more blocks than the unit has") }
            let count = (0..<blocks).reduce(0) { $0 + unit.block($1).count }
            let saved = try reader.readDoubles(count)
            try reader.expectEnd()
            guard saved.allSatisfy(\.isFinite) else { throw AppError.badCheckpoint("a number is not finite") }
            (done, values, left) = (blocks, saved, nil)
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
        return SimilarityResult(values: values).payload()
    }

    var fingerprint: String { "\(Machine.architecture); \(BLAS.libraryVersion)" }
}
