import Domain

/// Bounds of signed metadata; a decoder checks them before it looks at anything else.
public enum ReleaseLimits {
    public static let rootBytesMax = 64 * 1024
    public static let targetsBytesMax = 1 << 20
    public static let snapshotBytesMax = 16 * 1024
    public static let timestampBytesMax = 16 * 1024
    public static let anchorBytesMax = 4096
    public static let signaturesMax = 64
    public static let keysPerRoleMax = 16
    /// A role that could never be renewed again, by a number that leaves none above it, needs new keys.
    public static let versionMax: Int64 = 1 << 53
    /// New roots that one update follows; TUF's "Y".
    public static let rootsPerUpdateMax = 256
    public static let appsMax = 1024
    public static let filesPerAppMax = 8
    public static let layersMax = 16
    /// 1 GiB: one program for one platform.
    public static let programBytesMax: Int64 = 1 << 30
    public static let wordBytesMax = Limits.programWordBytesMax
    /// A bundle holds whole files: all roots that a client may have missed, and one of each other role.
    public static let bundleBytesMax = 8 << 20
    public static let bundleFilesMax = 300
}
