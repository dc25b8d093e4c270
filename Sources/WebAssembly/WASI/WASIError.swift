import Glibc

/// A refusal of WASI preview 1, by the numbers of its specification.
struct WASIError: Error, Hashable {
    let number: UInt16
    /// What the system said where another computer would have done what was asked; nil: all would refuse it.
    private(set) var lack: String?

    init(_ number: UInt16) { self.number = number }

    static let badDescriptor = WASIError(8)
    static let fault = WASIError(21)
    static let illegalBytes = WASIError(25)
    static let invalid = WASIError(28)
    static let io = WASIError(29)
    static let isDirectory = WASIError(31)
    static let tooManyFiles = WASIError(33)
    static let notFound = WASIError(44)
    static let notSocket = WASIError(57)
    static let notDirectory = WASIError(54)
    static let notSupported = WASIError(58)
    static let readOnly = WASIError(69)
    static let seekOfPipe = WASIError(70)
    static let notCapable = WASIError(76)

    private static let numbers: [Int32: UInt16] = [
        E2BIG: 1, EACCES: 2, EAGAIN: 6, EBADF: 8, EBUSY: 10, EDQUOT: 19, EEXIST: 20, EFAULT: 21, EFBIG: 22, EINTR: 27,
        EINVAL: 28, EIO: 29, EISDIR: 31, ELOOP: 32, EMFILE: 33, EMLINK: 34, ENAMETOOLONG: 37, ENFILE: 41, ENODEV: 43,
        ENOENT: 44, ENOMEM: 48, ENOSPC: 51, ENOSYS: 52, ENOTDIR: 54, ENOTEMPTY: 55, ENOTTY: 59, ENXIO: 60,
        EOVERFLOW: 61, EPERM: 63, EPIPE: 64, ERANGE: 68, EROFS: 69, ESPIPE: 70, ETXTBSY: 74,
        // The kernel's word for a way that leads out of a folder.
        EXDEV: 76,
    ]

    private static let lacks: Set<Int32> = [EDQUOT, EIO, EMFILE, ENFILE, ENOMEM, ENOSPC]

    /// What the last call of the system said.
    static var ofSystem: WASIError {
        let code = errno
        var error = WASIError(numbers[code] ?? io.number)
        if lacks.contains(code) { error.lack = String(cString: strerror(code)) }
        return error
    }
}
