import Domain

/// Blobs that were put or read lately, in memory: a work unit is sent soon after it was made, and more than once.
package struct RecentBlobs: Sendable {
    private let bytesMax: Int
    private var blobs: [Digest: [UInt8]] = [:]
    /// In the order in which they came; those before `first` are gone.
    private var order: [Digest] = []
    private var first = 0
    private var bytes = 0

    /// - Parameter bytesMax: the oldest go when there are more.
    package init(bytesMax: Int) { self.bytesMax = bytesMax }

    package subscript(_ digest: Digest) -> [UInt8]? { blobs[digest] }

    package mutating func add(_ digest: Digest, _ blob: [UInt8]) {
        guard blob.count <= bytesMax, blobs[digest] == nil else { return }
        blobs[digest] = blob
        order.append(digest)
        bytes += blob.count
        while bytes > bytesMax {
            bytes -= blobs.removeValue(forKey: order[first])?.count ?? 0
            first += 1
        }
        if first > order.count / 2, first > 64 {
            order.removeFirst(first)
            first = 0
        }
    }

    package mutating func remove(_ digest: Digest) {
        // Its place stays and is passed over; put again, it may go with the old place, which is only a little early.
        bytes -= blobs.removeValue(forKey: digest)?.count ?? 0
    }
}
