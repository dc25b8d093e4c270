/// How much address space a module's memory takes.
package struct MemoryPlan: Hashable {
    /// Address space that compiled code may touch without a check.
    package var reservedBytes: UInt64
    /// Behind it; touching it stops the module.
    package var guardBytes: UInt64

    /// - Parameters:
    ///   - memoryBytes: that the module may have.
    ///   - addressSpaceBytes: that this process may use.
    package init(memoryBytes: Int, addressSpaceBytes: UInt64) {
        let all: UInt64 = 4 << 30
        let wide: UInt64 = 32 << 20
        // Room for the library, its code, stacks, and what compiling takes.
        let rest: UInt64 = 1 << 30
        if addressSpaceBytes >= all + wide + rest {
            (reservedBytes, guardBytes) = (all, wide)
        } else {
            (reservedBytes, guardBytes) = (UInt64(memoryBytes), 64 << 10)
        }
    }
}
