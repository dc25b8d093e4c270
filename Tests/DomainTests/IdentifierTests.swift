import Domain
import Testing

@Suite struct IdentifierTests {
    static let batches: [Int64] = [1, 2, 77, 1 << 21 - 1]
    static let indices: [Int64] = [0, 1, 12_345_678_901, 1 << 36 - 1]

    @Test(arguments: batches, indices)
    func numbersPackAndUnpack(batch: Int64, index: Int64) {
        let unit = WorkUnitID(batch: BatchID(rawValue: batch), index: index)
        #expect(unit.batch.rawValue == batch)
        #expect(unit.index == index)
        #expect(unit.rawValue > 0)
        for ordinal in [0, 1, 31, 63] {
            let task = TaskID(unit: unit, ordinal: ordinal)
            #expect(task.unit == unit)
            #expect(task.ordinal == ordinal)
            #expect(task.rawValue > 0)
            #expect(TaskID(rawValue: task.rawValue) == task)
        }
    }

    @Test func orderIsBatchThenIndexThenOrdinal() {
        let ids = Self.batches.flatMap { batch in
            Self.indices.flatMap { index in
                [0, 63].map {
                    TaskID(unit: WorkUnitID(batch: BatchID(rawValue: batch), index: index), ordinal: $0)
                }
            }
        }
        #expect(ids == ids.sorted())
        #expect(Set(ids).count == ids.count)
    }

    @Test func textForPeople() {
        let unit = WorkUnitID(batch: BatchID(rawValue: 3), index: 41)
        #expect(unit.description == "3.41")
        #expect(TaskID(unit: unit, ordinal: 2).description == "3.41#2")
    }

    @Test func tooLargeNumbersStopTheProgram() async {
        await #expect(processExitsWith: .failure) {
            _ = WorkUnitID(batch: BatchID(rawValue: 1), index: 1 << 36)
        }
        await #expect(processExitsWith: .failure) {
            _ = WorkUnitID(batch: BatchID(rawValue: 1 << 21), index: 0)
        }
        await #expect(processExitsWith: .failure) {
            _ = TaskID(unit: WorkUnitID(rawValue: 1), ordinal: 64)
        }
    }
}
