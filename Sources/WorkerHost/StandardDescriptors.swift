import Glibc

/// Descriptors 0, 1 and 2.
public enum StandardDescriptors {
    /// Opens those that are closed on `/dev/null`. To be called first thing by a program that starts children: in one
    /// that was started without them, the first files and pipes that it opens would get these numbers, be written to by
    /// messages, and be torn when they are put in a child's place.
    public static func ensureOpen() {
        while true {
            let descriptor = open("/dev/null", O_RDWR)
            // The lowest free number is given first.
            guard (0...2).contains(descriptor) else {
                if descriptor > 2 { close(descriptor) }
                return
            }
        }
    }
}
