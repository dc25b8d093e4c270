/// How much address space a module's memory takes.
package struct MemoryPlan: Hashable {
    /// Address space that compiled code may touch without a check.
    package var reservedBytes: UInt64
    /// Behind it; touching it stops the module.
    package var guardBytes: UInt64
    /// Compiled code asks where the memory lies, and the library asks us for each growth. It never moves in fact.
    package var mayMove: Bool

    /// - Parameter addressSpaceBytes: that this process may use.
    package init(addressSpaceBytes: UInt64) {
        let all: UInt64 = 4 << 30
        let wide: UInt64 = 32 << 20
        // Room for the library, its code, stacks, and what compiling takes.
        let rest: UInt64 = 1 << 30
        if addressSpaceBytes >= all + wide + rest {
            (reservedBytes, guardBytes, mayMove) = (all, wide, false)
        } else {
            (reservedBytes, guardBytes, mayMove) = (0, 64 << 10, true)
        }
    }
}
