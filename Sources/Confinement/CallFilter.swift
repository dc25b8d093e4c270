import CPosix
import Domain
import Glibc

/// A list of allowed system calls as the kernel's filter: instructions of classic BPF, run at each call.
///
/// What is not on the list fails with `EPERM`. Calls that are younger than the list, and those that the rules say are
/// missing, fail with `ENOSYS` as on an older kernel: C libraries then take the older way. Calls of another
/// architecture's numbering end the process.
package struct CallFilter {
    /// Instructions, eight bytes each.
    package let instructions: [UInt64]

    /// What a call gets that is not allowed.
    package enum Refusal {
        /// `EPERM`.
        case error
        /// `SIGSYS`, whose handler tells the call's name and lets it fail with `EPERM`.
        case signal
    }

    // Opcodes of linux/bpf_common.h: load a word of the call, jumps by comparison, and, return.
    private static let loadWord: UInt16 = 0x20
    private static let jumpIfEqual: UInt16 = 0x15
    private static let jumpIfAtLeast: UInt16 = 0x35
    private static let jumpIfAnyBit: UInt16 = 0x45
    private static let keepBits: UInt16 = 0x54
    private static let giveBack: UInt16 = 0x06
    // Answers of linux/seccomp.h.
    private static let allow: UInt32 = 0x7fff_0000
    private static let fail: UInt32 = 0x0005_0000
    private static let trap: UInt32 = 0x0003_0000
    private static let killProcess: UInt32 = 0x8000_0000
    // struct seccomp_data: number, architecture, instruction pointer, six arguments of eight bytes.
    private static let numberAt: UInt32 = 0
    private static let architectureAt: UInt32 = 4
    private static func argumentAt(_ place: Int) -> UInt32 { 16 + 8 * UInt32(place) }
    /// x86 processes may use 32-bit pointers with calls that have this bit.
    private static let x32Bit: UInt32 = 0x4000_0000

    private static func instruction(_ code: UInt16, _ value: UInt32, yes: UInt8 = 0, no: UInt8 = 0) -> UInt64 {
        UInt64(code) | UInt64(yes) << 16 | UInt64(no) << 24 | UInt64(value) << 32
    }

    private static func answer(_ value: UInt32) -> UInt64 { instruction(giveBack, value) }
    private static func load(_ at: UInt32) -> UInt64 { instruction(loadWord, at) }

    /// nil: there is no filter for this architecture.
    package init?(_ rules: CallRules, refusal: Refusal) {
        let architecture = millrace_audit_architecture()
        guard architecture != 0 else { return nil }
        let refuse = Self.answer(refusal == .signal ? Self.trap : Self.fail | UInt32(EPERM))
        let unknown = Self.answer(Self.fail | UInt32(ENOSYS))
        var code = [
            Self.load(Self.architectureAt), Self.instruction(Self.jumpIfEqual, architecture, yes: 1),
            Self.answer(Self.killProcess),
            Self.load(Self.numberAt), Self.instruction(Self.jumpIfAtLeast, Self.x32Bit, no: 1), unknown,
        ]
        for range in Self.ranges(rules.allowed.compactMap(SystemCall.number)) {
            // Past the answer unless lower <= number <= upper.
            code.append(Self.instruction(Self.jumpIfAtLeast, range.lowerBound, no: 2))
            code.append(Self.instruction(Self.jumpIfAtLeast, range.upperBound + 1, yes: 1))
            code.append(Self.answer(Self.allow))
        }
        for (name, conditions) in rules.conditional.sorted(by: { $0.key < $1.key }) {
            guard let number = SystemCall.number(name) else { continue }
            let block = conditions.flatMap { Self.check($0, else: refuse) } + [Self.answer(Self.allow)]
            code.append(Self.instruction(Self.jumpIfEqual, number, no: UInt8(block.count)))
            code += block
        }
        for number in rules.quietlyRefused.compactMap(SystemCall.number).sorted() {
            code += [
                Self.instruction(Self.jumpIfEqual, number, no: 1), Self.answer(Self.fail | UInt32(EPERM)),
            ]
        }
        for number in rules.missing.compactMap(SystemCall.number).sorted() {
            code += [Self.instruction(Self.jumpIfEqual, number, no: 1), unknown]
        }
        code.append(Self.instruction(Self.jumpIfAtLeast, UInt32(millrace_calls_known_max) + 1, no: 1))
        code += [unknown, refuse]
        instructions = code
    }

    /// Goes on when the condition holds; else `refuse` is the answer. Only the lower half of an argument is looked at:
    /// the kernel takes these arguments for integers of 32 bits.
    private static func check(_ condition: CallRules.Condition, else refuse: UInt64) -> [UInt64] {
        switch condition {
        case .oneOf(let place, let values):
            let tests = values.enumerated().map { at, value in
                instruction(jumpIfEqual, value, yes: UInt8(values.count - at))
            }
            return [load(argumentAt(place))] + tests + [refuse]
        case .noneOf(let place, let values):
            let tests = values.enumerated().map { at, value in
                instruction(jumpIfEqual, value, yes: UInt8(values.count - at - 1), no: at == values.count - 1 ? 1 : 0)
            }
            return [load(argumentAt(place))] + tests + [refuse]
        case .without(let place, let bits):
            return [load(argumentAt(place)), instruction(jumpIfAnyBit, bits, no: 1), refuse]
        case .notAll(let place, let bits):
            return [
                load(argumentAt(place)), instruction(keepBits, bits), instruction(jumpIfEqual, bits, no: 1), refuse,
            ]
        }
    }

    /// The same numbers as few ranges, in order.
    static func ranges(_ numbers: [UInt32]) -> [ClosedRange<UInt32>] {
        var ranges: [ClosedRange<UInt32>] = []
        for number in Set(numbers).sorted() {
            if let last = ranges.last, last.upperBound + 1 == number {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        return ranges
    }

    /// Takes the filter for the rest of this process's life. Privileges must have been given up for good before.
    ///
    /// - Throws: `.osError` when the kernel has no filters, or refuses this one.
    func install() throws(Fault) {
        let status = instructions.withUnsafeBufferPointer {
            millrace_install_filter($0.baseAddress, UInt16($0.count))
        }
        guard status == 0 else { throw SystemCall.fault("filter system calls") }
    }
}
