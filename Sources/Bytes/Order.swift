extension Sequence {
  /// The elements in the order of `precedes`; equals stay in the order that they had.
  ///
  /// Instead of `sorted(by:)`, of which the Embedded compiler makes two kilobytes for each type.
  public func ordered(by precedes: (Element, Element) -> Bool) -> [Element] {
    let elements = [Element](self)
    return order(elements.count) { precedes(elements[$0], elements[$1]) }.map { elements[$0] }
  }
}

extension Array where Element: Equatable {
  /// The elements in their order, none twice: for lists that are short.
  public func unique() -> [Element] {
    var result: [Element] = []
    for element in self where !result.contains(element) { result.append(element) }
    return result
  }
}

extension Sequence where Element: Comparable {
  /// The elements in rising order.
  public func ordered() -> [Element] { ordered { $0 < $1 } }

  /// The elements in rising order, none twice.
  public func distinct() -> [Element] {
    var result: [Element] = []
    for element in ordered() where result.last != element { result.append(element) }
    return result
  }
}

/// The numbers below `count` in the order of `precedes`: a stable merge sort, from pairs upwards.
@inline(never)
func order(_ count: Int, by precedes: (Int, Int) -> Bool) -> [Int] {
  var order = [Int](0..<count)
  var merged = order
  var width = 1
  while width < count {
    var start = 0
    while start < count {
      let middle = Swift.min(start + width, count)
      let end = Swift.min(middle + width, count)
      var left = start
      var right = middle
      for index in start..<end {
        // The right one only when it is really smaller: that keeps equals in their order.
        if left < middle, right == end || !precedes(order[right], order[left]) {
          merged[index] = order[left]
          left += 1
        } else {
          merged[index] = order[right]
          right += 1
        }
      }
      start = end
    }
    swap(&order, &merged)
    width *= 2
  }
  return order
}
