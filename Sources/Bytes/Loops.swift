// The standard library's own versions of these reserve, copy and check what the compiler can't leave
// out: some hundred bytes at each use. These plain loops hide them from every file that imports this
// module.

extension Collection {
  /// What `transform` makes of each element.
  public func map<Result, Failure: Error>(
    _ transform: (Element) throws(Failure) -> Result
  ) throws(Failure) -> [Result] {
    var results: [Result] = []
    for element in self { results.append(try transform(element)) }
    return results
  }
}

extension Array {
  /// Puts an element at the end: a call each, where the library's own is a hundred bytes of code.
  @inline(never)
  public mutating func append(_ newElement: __owned Element) { appendAtEnd(newElement, &self) }

  /// What `transform` makes of each element.
  public func map<Result, Failure: Error>(
    _ transform: (Element) throws(Failure) -> Result
  ) throws(Failure) -> [Result] {
    var results: [Result] = []
    for element in self { results.append(try transform(element)) }
    return results
  }

  /// What `transform` makes of each element, where it makes something.
  public func compactMap<Result>(_ transform: (Element) -> Result?) -> [Result] {
    var results: [Result] = []
    for element in self {
      if let result = transform(element) { results.append(result) }
    }
    return results
  }

  /// The elements that `isIncluded` is true for.
  public func filter(_ isIncluded: (Element) -> Bool) -> [Element] {
    var results: [Element] = []
    for element in self where isIncluded(element) { results.append(element) }
    return results
  }

  /// Takes out the elements that `isExcluded` is true for.
  public mutating func removeAll(where isExcluded: (Element) -> Bool) {
    self = filter { !isExcluded($0) }
  }
}

/// The standard library's own `append`, which the one above hides.
private func appendAtEnd<List: RangeReplaceableCollection>(
  _ element: List.Element,
  _ list: inout List
) {
  list.append(element)
}
