import CWasmtime
import Glibc

/// The memory of a module: address space for all that it may have is taken at once, pages become usable as it grows. It
/// never moves, and growth beyond the bound is refused and remembered.
final class LinearMemory {
    /// What a module may have, and what it was refused.
    final class Budget {
        let bytesMax: Int
        fileprivate let library: WasmtimeLibrary
        /// The largest size in bytes that was asked for and refused; 0: none was.
        fileprivate(set) var refusedBytes = 0
        /// Why the system did not give what it may have; nil: it always did.
        fileprivate(set) var lack: String?
        /// The size in bytes that it has.
        fileprivate(set) var bytes = 0

        init(bytesMax: Int, library: WasmtimeLibrary) {
            self.bytesMax = bytesMax
            self.library = library
        }

        fileprivate func refuse(_ bytes: Int, _ words: String) -> OpaquePointer? {
            refusedBytes = max(refusedBytes, bytes)
            return library.calls.wasmtime_error_new(words)
        }

        fileprivate func miss(_ bytes: Int, _ words: String) -> OpaquePointer? {
            lack = words
            return refuse(bytes, words)
        }
    }

    private let budget: Budget
    private let base: UnsafeMutableRawPointer
    /// Bytes that were taken, without the guard behind them.
    private let capacity: Int
    private var size = 0

    /// - Parameters:
    ///   - capacity: bytes that compiled code may reach without asking.
    ///   - guardBytes: behind them; whoever touches these is stopped.
    private init?(_ budget: Budget, capacity: Int, guardBytes: Int) {
        guard
            let base = mmap(
                nil, capacity + guardBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
            base != MAP_FAILED
        else { return nil }
        (self.budget, self.base, self.capacity) = (budget, base, capacity)
    }

    /// - Returns: an error of the library's, or nil.
    private func grow(to bytes: Int) -> OpaquePointer? {
        guard bytes <= budget.bytesMax else {
            return budget.refuse(bytes, "\(bytes) bytes of memory, \(budget.bytesMax) are allowed")
        }
        guard bytes <= capacity, bytes == 0 || mprotect(base, bytes, PROT_READ | PROT_WRITE) == 0 else {
            return budget.miss(bytes, "the system gives no \(bytes) bytes of memory")
        }
        size = bytes
        budget.bytes = bytes
        return nil
    }

    /// Tells the library to make memories so. The budget lives as long as the process.
    static func useForAll(_ config: OpaquePointer?, budget: Budget) {
        var creator = wasmtime_memory_creator_t()
        creator.env = Unmanaged.passRetained(budget).toOpaque()
        creator.new_memory = { env, _, minimum, maximum, reserved, guardBytes, made in
            let budget = Unmanaged<Budget>.fromOpaque(env!).takeUnretainedValue()
            guard minimum >= 0, minimum <= budget.bytesMax else {
                return budget.refuse(minimum, "\(minimum) bytes of memory, \(budget.bytesMax) are allowed")
            }
            // A module without a bound of its own says -1.
            let most = maximum < 0 ? budget.bytesMax : min(maximum, budget.bytesMax)
            let capacity = max(minimum, most, reserved)
            guard let memory = LinearMemory(budget, capacity: capacity, guardBytes: guardBytes) else {
                return budget.miss(minimum, "the system gives no \(capacity + guardBytes) bytes of address space")
            }
            if let error = memory.grow(to: minimum) { return error }
            made!.pointee.env = Unmanaged.passRetained(memory).toOpaque()
            made!.pointee.get_memory = { env, size, capacity in
                let memory = Unmanaged<LinearMemory>.fromOpaque(env!).takeUnretainedValue()
                size!.pointee = memory.size
                capacity!.pointee = memory.capacity
                return memory.base.assumingMemoryBound(to: UInt8.self)
            }
            made!.pointee.grow_memory = { env, bytes in
                Unmanaged<LinearMemory>.fromOpaque(env!).takeUnretainedValue().grow(to: bytes)
            }
            return nil
        }
        budget.library.calls.wasmtime_config_host_memory_creator_set(config, &creator)
    }
}
