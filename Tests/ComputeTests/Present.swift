/// Why a test cannot go on.
struct Missing: Error {}

/// `#require` for what cannot be copied.
func present<T: ~Copyable>(_ value: consuming T?) throws -> T {
    guard let value else { throw Missing() }
    return value
}
