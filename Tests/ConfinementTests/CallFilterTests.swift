import CPosix
import Confinement
import Glibc
import Testing

/// Runs a filter as the kernel would.
struct FilterMachine {
    enum Answer: Hashable {
        case allow
        case error(Int32)
        case trap
        case kill
        case broken(String)
    }

    let instructions: [UInt64]

    func answer(_ number: UInt32, _ arguments: [UInt64] = [], architecture: UInt32? = nil) -> Answer {
        var words = [number, architecture ?? millrace_audit_architecture(), 0, 0]
        for at in 0..<6 {
            let argument = at < arguments.count ? arguments[at] : 0
            words += [UInt32(truncatingIfNeeded: argument), UInt32(argument >> 32)]
        }
        var accumulator: UInt32 = 0
        var at = 0
        while at < instructions.count {
            let instruction = instructions[at]
            let value = UInt32(instruction >> 32)
            let (yes, no) = (Int(instruction >> 16 & 255), Int(instruction >> 24 & 255))
            at += 1
            switch instruction & 0xffff {
            case 0x20:
                guard value % 4 == 0, Int(value / 4) < words.count else { return .broken("loads from \(value)") }
                accumulator = words[Int(value / 4)]
            case 0x15: at += accumulator == value ? yes : no
            case 0x35: at += accumulator >= value ? yes : no
            case 0x54: accumulator &= value
            case 0x45: at += accumulator & value != 0 ? yes : no
            case 0x06:
                switch value & 0xffff_0000 {
                case 0x7fff_0000: return .allow
                case 0x0005_0000: return .error(Int32(value & 0xffff))
                case 0x0003_0000: return .trap
                case 0x8000_0000: return .kill
                default: return .broken("answers \(value)")
                }
            default: return .broken("instruction \(instruction)")
            }
        }
        return .broken("runs off its end")
    }
}

@Suite("Filters of system calls", .enabled(if: millrace_audit_architecture() != 0))
struct CallFilterTests {
    static let names = (0..<Int(millrace_call_count())).compactMap {
        millrace_call_name_at(Int32($0)).map { String(cString: $0) }
    }

    static func number(_ name: String) throws -> UInt32 {
        let number = millrace_call_number(name)
        try #require(number >= 0, "\(name)")
        return UInt32(number)
    }

    static func holds(_ condition: CallRules.Condition, _ arguments: [UInt64]) -> Bool {
        switch condition {
        case .oneOf(let at, let values): values.contains(UInt32(truncatingIfNeeded: arguments[at]))
        case .noneOf(let at, let values): !values.contains(UInt32(truncatingIfNeeded: arguments[at]))
        case .without(let at, let bits): UInt32(truncatingIfNeeded: arguments[at]) & bits == 0
        case .notAll(let at, let bits): UInt32(truncatingIfNeeded: arguments[at]) & bits != bits
        }
    }

    /// Values at which some condition changes its mind.
    static func interesting(_ conditions: [CallRules.Condition], at place: Int) -> [UInt64] {
        var values: Set<UInt64> = [0, 1, 0xffff_ffff, 1 << 32]
        for condition in conditions {
            switch condition {
            case .oneOf(place, let some), .noneOf(place, let some):
                for value in some { values.formUnion([UInt64(value), UInt64(value) &+ 1, UInt64(value) | 1 << 40]) }
            case .notAll(place, let bits): values.formUnion([UInt64(bits), ~UInt64(bits), UInt64(bits) | 1 << 20])
            case .without(place, let bits): for bit in 0..<32 where bits >> bit & 1 == 1 { values.insert(1 << bit) }
            default: break
            }
        }
        return values.sorted()
    }

    @Test("Every known call gets the answer of the rules, whatever its arguments")
    func answers() throws {
        for (rules, refusal, word) in [
            (CallRules.kernel(pid: 4321), CallFilter.Refusal.signal, FilterMachine.Answer.trap),
            (CallRules.program, .error, .error(EPERM)),
        ] {
            let filter = try #require(CallFilter(rules, refusal: refusal))
            let machine = FilterMachine(instructions: filter.instructions)
            for name in Self.names {
                let number = try Self.number(name)
                let conditions = rules.conditional[name] ?? []
                for first in Self.interesting(conditions, at: 0) {
                    for second in Self.interesting(conditions, at: 1) {
                        for third in Self.interesting(conditions, at: 2) {
                            for fourth in Self.interesting(conditions, at: 3) {
                                let arguments = [first, second, third, fourth]
                                let expected = Self.expected(name, arguments, rules, else: word)
                                #expect(machine.answer(number, arguments) == expected, "\(name) \(arguments)")
                            }
                        }
                    }
                }
            }
        }
    }

    private static func expected(
        _ name: String, _ arguments: [UInt64], _ rules: CallRules, else refused: FilterMachine.Answer
    ) -> FilterMachine.Answer {
        if rules.missing.contains(name) { return .error(ENOSYS) }
        let conditions = rules.conditional[name] ?? []
        if rules.allowed.contains(name) || !conditions.isEmpty && conditions.allSatisfy({ holds($0, arguments) }) {
            return .allow
        }
        return rules.quietlyRefused.contains(name) ? .error(EPERM) : refused
    }

    @Test("Who was stopped is made to go on by no timer, child or parent; what counts nowhere is not to be had")
    func arguments() throws {
        let machine = FilterMachine(instructions: try #require(CallFilter(.program, refusal: .error)).instructions)
        func answer(_ name: String, _ arguments: UInt64...) throws -> FilterMachine.Answer {
            machine.answer(try Self.number(name), arguments)
        }
        #expect(try answer("timer_create", 1) == .error(ENOSYS))
        // A thread, a child of fork, one of vfork; and children whose end sends SIGCONT, SIGKILL, SIGSTOP.
        for flags in [0x3d0f00, 0x0120_0011, 0x4111] as [UInt64] { #expect(try answer("clone", flags) == .allow) }
        for signal in [18, 9, 19] as [UInt64] { #expect(try answer("clone", 0x100 | signal) == .error(EPERM)) }
        #expect(try answer("prctl", 1, 18) == .error(EPERM) && answer("prctl", 4) == .error(EPERM))
        #expect(try answer("prctl", 15) == .allow)
        for mode in [1, 2, 0x10, 0x11] as [UInt64] { #expect(try answer("fallocate", 3, mode) == .error(EPERM)) }
        #expect(try answer("fallocate", 3, 0) == .allow && answer("fallocate", 3, 3) == .allow)
        #expect(
            try answer("ioctl", 3, 0x4030_5828) == .error(EPERM) && answer("ioctl", 3, 0x4030_582a) == .error(EPERM))
        #expect(try answer("mmap", 0, 4096, 3, 0x21) == .error(EPERM))
        #expect(try answer("mmap", 0, 4096, 3, 0x22) == .allow && answer("mmap", 0, 4096, 3, 0x1) == .allow)
        for name in ["prlimit64", "sched_setaffinity", "tkill"] {
            #expect(try answer(name, 1) == .error(EPERM) && answer(name, 0) == .allow, "\(name)")
        }
    }

    @Test("Every name in the rules is known, and no call is both allowed and conditional")
    func rulesAreNames() {
        let known = Set(Self.names)
        for rules in [CallRules.kernel(pid: 1), CallRules.program] {
            let named = rules.allowed.union(rules.conditional.keys).union(rules.quietlyRefused).union(rules.missing)
            // Calls that only x86 has are no names elsewhere.
            #if arch(x86_64)
                #expect(named.subtracting(known).isEmpty, "\(named.subtracting(known))")
            #endif
            #expect(rules.allowed.isDisjoint(with: rules.conditional.keys))
        }
    }

    @Test("Dangerous calls are on no list")
    func dangerous() {
        let never = [
            "socket", "connect", "bind", "ptrace", "process_vm_readv", "mount", "umount2", "pivot_root", "chroot",
            "unshare", "setns", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "keyctl", "add_key",
            "init_module", "finit_module", "kexec_load", "reboot", "clock_settime", "sethostname", "open_by_handle_at",
            "memfd_create", "setsid", "setpgid", "pidfd_getfd", "shmget", "mq_open", "swapon", "acct", "quotactl",
            "iopl", "ioperm", "seccomp", "sendmsg", "sendmmsg", "timer_create", "fanotify_init", "syslog", "move_mount",
            "fsopen",
        ]
        for rules in [CallRules.kernel(pid: 1), CallRules.program] {
            for name in never {
                #expect(!rules.allowed.contains(name) && rules.conditional[name] == nil, "\(name)")
            }
        }
        for name in ["execve", "clone", "fork", "vfork", "symlink", "link", "mkdir", "chmod"] {
            #expect(!CallRules.kernel(pid: 1).allowed.contains(name), "\(name)")
        }
    }

    @Test("Calls of other architectures end the process; calls that nobody knew are not there")
    func strangers() throws {
        let filter = try #require(CallFilter(.program, refusal: .error))
        let machine = FilterMachine(instructions: filter.instructions)
        let read = try Self.number("read")
        #expect(machine.answer(read) == .allow)
        #expect(machine.answer(read, architecture: 0x4000_0003) == .kill)
        #expect(machine.answer(read | 0x4000_0000) == .error(ENOSYS))
        for number in [UInt32(500), 10_000, 0x3fff_ffff, 0xffff_ffff] {
            #expect(machine.answer(number) == .error(ENOSYS), "\(number)")
        }
    }

    @Test("A filter is short enough for the kernel")
    func length() throws {
        for rules in [CallRules.kernel(pid: 1), CallRules.program] {
            let filter = try #require(CallFilter(rules, refusal: .error))
            #expect((10..<4096).contains(filter.instructions.count))
        }
    }
}
