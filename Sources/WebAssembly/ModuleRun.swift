import CWasmtime
import Domain
import Glibc

/// Runs a WASI command module to its end, so that the same module with the same inputs gives the same bytes on every
/// computer: floating-point results have one form (NaN included), there are no threads, its surroundings are the same
/// (`WASISystem`), and its bounds of fuel and memory are exact.
public final class ModuleRun {
    /// How a module ended.
    public enum End: Sendable, Hashable {
        /// It returned (0) or ended with a code of its own.
        case code(UInt32)
        /// It used all its fuel.
        case outOfFuel
        /// It failed after it was refused memory, or was refused what it may have, since this computer has it not; how
        /// much it had asked for, in bytes.
        case outOfMemory(asked: Int, words: String)
        /// It did what cannot be done: unreachable code, a division by zero, an access beyond its memory; in words.
        case trap(String)
    }

    /// Bytes of the largest module.
    public static let moduleBytesMax = 64 << 20
    /// Least and most bytes of memory that a module can be allowed; a page is 64 KiB.
    public static let memoryRange = (64 << 10)...(4 << 30)
    /// Fuel between two looks at the progress: some hundredths of a second.
    private static let fuelOfTurn: UInt64 = 20_000_000
    /// The library looks at the fuel at loops and calls only, so it is given a little more, and what was used is
    /// compared at the end. No stretch without a look is longer than a module.
    private static let fuelBeyond = UInt64(moduleBytesMax)
    /// Entries of the module's tables of functions.
    private static let tableEntriesMax: Int64 = 1_000_000
    /// Bytes for the calls of the module's functions within each other, and for ours on top of them.
    private static let stackBytes = 4 << 20
    private static let hostStackBytes = 1 << 20

    private let library: WasmtimeLibrary
    private let invocation: ModuleInvocation
    private let system: WASISystem
    private let budget: LinearMemory.Budget
    private let store: OpaquePointer
    private let context: OpaquePointer
    private let linker: OpaquePointer
    private let module: OpaquePointer
    private var memory: wasmtime_memory_t?

    /// Compiles a module.
    ///
    /// - Parameters:
    ///   - bytes: of the module.
    ///   - progressPath: the module's own path of the file where it may tell its progress; `hasOwnProgress` then says
    ///     so.
    /// - Throws: `.badData` for what is no module, or one that needs what this does not have; `.noInput` for a folder.
    public init(
        _ bytes: [UInt8], _ invocation: ModuleInvocation, library: WasmtimeLibrary, progressPath: String? = nil
    ) throws(Fault) {
        self.library = library
        self.invocation = invocation
        system = try WASISystem(invocation, progressPath: progressPath)
        budget = LinearMemory.Budget(bytesMax: invocation.memoryBytes, library: library)
        guard let engine = library.calls.wasm_engine_new_with_config(Self.configuration(library, budget)) else {
            throw Fault(.software, "\(library.path) does not take these settings")
        }
        var module: OpaquePointer?
        let error = library.calls.wasmtime_module_new(engine, bytes, bytes.count, &module)
        guard let module else {
            throw Fault(.badData, "this is no module: \(library.message(error) ?? "")", advice: Self.advice)
        }
        self.module = module
        store = library.calls.wasmtime_store_new(engine, nil, nil)!
        context = library.calls.wasmtime_store_context(store)!
        linker = library.calls.wasmtime_linker_new(engine)!
        library.calls.wasmtime_store_limiter(store, -1, Self.tableEntriesMax, -1, -1, -1)
    }

    private static let advice =
        "Build a WASI preview 1 command for wasm32 (docs/wasm.md): no threads, no 64-bit memory, no garbage collector."

    private static func configuration(_ library: WasmtimeLibrary, _ budget: LinearMemory.Budget) -> OpaquePointer? {
        let calls = library.calls
        let config = calls.wasm_config_new()
        calls.wasmtime_config_consume_fuel_set(config, true)
        calls.wasmtime_config_cranelift_nan_canonicalization_set(config, true)
        calls.wasmtime_config_wasm_relaxed_simd_deterministic_set(config, true)
        for switchOff in [
            calls.wasmtime_config_wasm_threads_set, calls.wasmtime_config_wasm_memory64_set,
            calls.wasmtime_config_wasm_multi_memory_set, calls.wasmtime_config_wasm_gc_set,
            calls.wasmtime_config_wasm_function_references_set,
            // One thread, and nothing that a sandbox refuses: no files in memory, no tables for a debugger.
            calls.wasmtime_config_parallel_compilation_set, calls.wasmtime_config_native_unwind_info_set,
            calls.wasmtime_config_memory_init_cow_set,
        ] {
            switchOff?(config, false)
        }
        // With 4 GiB of address space no access of a 32-bit module needs a check; where there is less, each is checked.
        let plan = MemoryPlan(addressSpaceBytes: millrace_address_space())
        calls.wasmtime_config_memory_reservation_set(config, plan.reservedBytes)
        calls.wasmtime_config_memory_may_move_set(config, plan.mayMove)
        calls.wasmtime_config_memory_reservation_for_growth_set(config, 0)
        calls.wasmtime_config_memory_guard_size_set(config, plan.guardBytes)
        calls.wasmtime_config_max_wasm_stack_set(config, stackBytes)
        calls.wasmtime_config_async_stack_size_set(config, stackBytes + hostStackBytes)
        LinearMemory.useForAll(config, budget: budget)
        return config
    }

    /// Whether the module has told its progress itself.
    public var hasOwnProgress: Bool { system.tellsProgress }

    /// Fuel that it has used; a little more than it may when it is out of fuel.
    public var fuelUsed: UInt64 {
        var left: UInt64 = 0
        _ = library.calls.wasmtime_context_get_fuel(context, &left)
        let given = invocation.fuel + Self.fuelBeyond
        return given - min(left, given)
    }

    /// Bytes of memory that it has.
    public var memoryBytes: Int { budget.bytes }

    /// Bytes of memory that it asked for and was refused, at most; 0: none.
    public var refusedBytes: Int { budget.refusedBytes }

    /// Runs it. Called once.
    ///
    /// - Parameter turn: called some times a second.
    /// - Throws: `.badData` for a module that needs what this does not have, or has no `_start`.
    public func perform(turn: () -> Void) throws(Fault) -> End {
        system.fuelUsed = { [unowned self] in fuelUsed }
        for call in WASICall.allCases { try define(call) }
        try check(library.calls.wasmtime_context_set_fuel(context, invocation.fuel + Self.fuelBeyond))
        try check(library.calls.wasmtime_context_fuel_async_yield_interval(context, Self.fuelOfTurn))
        var trap: OpaquePointer?
        var error: OpaquePointer?
        var instance = wasmtime_instance_t()
        drive(library.calls.wasmtime_linker_instantiate_async(linker, context, module, &instance, &trap, &error), turn)
        if trap != nil, let end = end(trap, nil) { return end }
        if let words = library.message(error) {
            guard budget.refusedBytes == 0 else { return .outOfMemory(asked: budget.refusedBytes, words: words) }
            throw Fault(.badData, "this module cannot be started: \(words)", advice: Self.advice)
        }
        var start = wasmtime_extern_t()
        guard library.calls.wasmtime_instance_export_get(context, &instance, "_start", 6, &start),
            start.kind == wasmtime_extern_is_func
        else {
            throw Fault(.badData, "this module has no function _start: it is no command", advice: Self.advice)
        }
        var function = start.of.func
        drive(library.calls.wasmtime_func_call_async(context, &function, nil, 0, nil, 0, &trap, &error), turn)
        return end(trap, error) ?? (isOutOfFuel ? .outOfFuel : lackOfMemory ?? .code(0))
    }

    /// Set when the system gave less memory than the module may have: on other computers it would have gone on
    /// otherwise.
    private var lackOfMemory: End? {
        budget.lack.map { .outOfMemory(asked: budget.refusedBytes, words: $0) }
    }

    private var isOutOfFuel: Bool { fuelUsed > invocation.fuel }

    private func check(_ error: OpaquePointer?) throws(Fault) {
        if let words = library.message(error) { throw Fault(.software, "\(library.path): \(words)") }
    }

    private func drive(_ future: OpaquePointer?, _ turn: () -> Void) {
        while !library.calls.wasmtime_call_future_poll(future) { turn() }
        library.calls.wasmtime_call_future_delete(future)
    }

    /// What an end that was no return means; nil when there was none.
    private func end(_ trap: OpaquePointer?, _ error: OpaquePointer?) -> End? {
        guard trap != nil || error != nil else { return nil }
        if isOutOfFuel { return .outOfFuel }
        if let lackOfMemory { return lackOfMemory }
        if let code = system.exitCode { return .code(code) }
        guard let trap else { return library.message(error).map { .trap($0) } }
        let words = library.message(trap: trap)
        return budget.refusedBytes == 0 ? .trap(words) : .outOfMemory(asked: budget.refusedBytes, words: words)
    }

    /// What the library gives back with each call of the module.
    private final class Binding {
        let call: WASICall
        unowned let run: ModuleRun

        init(_ call: WASICall, _ run: ModuleRun) { (self.call, self.run) = (call, run) }
    }

    private func define(_ call: WASICall) throws(Fault) {
        let name = call.rawValue
        let binding = Unmanaged.passRetained(Binding(call, self)).toOpaque()
        let error = library.calls.wasmtime_linker_define_func_unchecked(
            linker, WASICall.module, WASICall.module.utf8.count, name, name.utf8.count, type(of: call),
            { env, caller, values, _ in
                let binding = Unmanaged<Binding>.fromOpaque(env!).takeUnretainedValue()
                return binding.run.answer(binding.call, caller, CallArguments(values: values!))
            }, binding, { Unmanaged<Binding>.fromOpaque($0!).release() })
        try check(error)
    }

    private func type(of call: WASICall) -> OpaquePointer? {
        func list(_ kinds: [UInt8]) -> wasm_valtype_vec_t {
            let types = kinds.map { library.calls.wasm_valtype_new($0) }
            var list = wasm_valtype_vec_t()
            library.calls.wasm_valtype_vec_new(&list, types.count, types)
            return list
        }
        var parameters = list(call.parameters.map { $0 == "I" ? wasm_kind_i64 : wasm_kind_i32 })
        var results = list(call.hasResult ? [wasm_kind_i32] : [])
        return library.calls.wasm_functype_new(&parameters, &results)
    }

    /// - Returns: a trap that ends the module, or nil.
    private func answer(_ call: WASICall, _ caller: OpaquePointer?, _ arguments: CallArguments) -> OpaquePointer? {
        if call == .proc_exit {
            system.exitCode = arguments[0]
            return library.trap("the module ended itself")
        }
        guard let memory = memory ?? findMemory(caller) else {
            return library.trap("the module exports no memory")
        }
        self.memory = memory
        let answer: UInt16
        do throws(WASIError) {
            try withUnsafePointer(to: memory) { memory throws(WASIError) in
                let bytes = UnsafeMutableRawBufferPointer(
                    start: library.calls.wasmtime_memory_data(context, memory),
                    count: library.calls.wasmtime_memory_data_size(context, memory))
                try system.perform(call, arguments, GuestMemory(bytes: bytes))
            }
            answer = 0
        } catch {
            // A module that went on from this would compute something else than on other computers.
            if let lack = error.lack { return library.trap("\(call.rawValue): this computer says: \(lack)") }
            answer = error.number
        }
        arguments.values[0].i32 = Int32(answer).littleEndian
        return nil
    }

    private func findMemory(_ caller: OpaquePointer?) -> wasmtime_memory_t? {
        var found = wasmtime_extern_t()
        guard library.calls.wasmtime_caller_export_get(caller, "memory", 6, &found),
            found.kind == wasmtime_extern_is_memory
        else { return nil }
        return found.of.memory
    }
}
