extension Array {
  /// The elements in the order that `precedes` gives; equal ones in any order.
  ///
  /// A heap sort: the standard library's costs 5 KB of flash for each type that is sorted.
  package func inOrder(by precedes: (Element, Element) -> Bool) -> [Element] {
    var heap = self
    /// Moves the element at `index` down until both below it precede it.
    func sink(_ index: Int, within count: Int) {
      var index = index
      while 2 * index + 1 < count {
        var child = 2 * index + 1
        if child + 1 < count, precedes(heap[child], heap[child + 1]) { child += 1 }
        guard precedes(heap[index], heap[child]) else { return }
        heap.swapAt(index, child)
        index = child
      }
    }
    for index in stride(from: count / 2 - 1, through: 0, by: -1) { sink(index, within: count) }
    for last in stride(from: count - 1, to: 0, by: -1) {
      heap.swapAt(0, last)
      sink(0, within: last)
    }
    return heap
  }
}

extension Array where Element: Comparable {
  /// The elements in ascending order, each once.
  package func inOrderOnce() -> [Element] {
    var result: [Element] = []
    for element in inOrder(by: <) where result.last != element { result.append(element) }
    return result
  }
}
