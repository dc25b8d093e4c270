/// Largest matchings of bipartite graphs: Hopcroft and Karp, SIAM J. Comput. 2 (1973) 225, O(edges * sqrt(rows)).
///
/// First come, first served is no matching: it can give a row away that another one needs. A largest matching pairs as
/// many as can be paired, whatever the order of the rows.
package struct Matching {
    /// The partner of each left vertex, -1 without.
    package private(set) var ofLeft: [Int32]
    private var ofRight: [Int32]
    private let edges: [[Int32]]
    private var level: [Int32]
    /// How many edges of each vertex the current phase has tried.
    private var tried: [Int]

    /// - Parameter edges: for each left vertex the right ones, below `right`.
    package init(edges: [[Int32]], right: Int) {
        self.edges = edges
        ofLeft = [Int32](repeating: -1, count: edges.count)
        ofRight = [Int32](repeating: -1, count: right)
        level = [Int32](repeating: -1, count: edges.count)
        tried = [Int](repeating: 0, count: edges.count)
        while layer() {
            for at in tried.indices { tried[at] = 0 }
            for vertex in edges.indices where ofLeft[vertex] < 0 { augment(from: vertex) }
        }
    }

    /// Left vertices without a partner, lowest first.
    package var unmatched: [Int] { ofLeft.indices.filter { ofLeft[$0] < 0 } }

    /// Distances from the free left vertices. - Returns: whether a free right vertex can be reached.
    private mutating func layer() -> Bool {
        var queue: [Int32] = []
        for vertex in edges.indices {
            level[vertex] = ofLeft[vertex] < 0 ? 0 : -1
            if ofLeft[vertex] < 0 { queue.append(Int32(vertex)) }
        }
        var found = false
        var head = 0
        while head < queue.count {
            let vertex = Int(queue[head])
            head += 1
            for right in edges[vertex] {
                let next = ofRight[Int(right)]
                if next < 0 {
                    found = true
                } else if level[Int(next)] < 0 {
                    level[Int(next)] = level[vertex] + 1
                    queue.append(next)
                }
            }
        }
        return found
    }

    /// Walks down the layers to a free right vertex and turns the path over. Without recursion: paths can be long.
    private mutating func augment(from start: Int) {
        var path = [start]
        while let vertex = path.last {
            guard tried[vertex] < edges[vertex].count else {
                level[vertex] = -1
                path.removeLast()
                continue
            }
            let right = Int(edges[vertex][tried[vertex]])
            tried[vertex] += 1
            let next = Int(ofRight[right])
            if next < 0 {
                turn(path)
                return
            }
            if level[next] == level[vertex] + 1 { path.append(next) }
        }
    }

    /// Each vertex of the path takes the edge that it tried last.
    private mutating func turn(_ path: [Int]) {
        for vertex in path.reversed() {
            let right = edges[vertex][tried[vertex] - 1]
            ofLeft[vertex] = right
            ofRight[Int(right)] = Int32(vertex)
        }
    }
}
