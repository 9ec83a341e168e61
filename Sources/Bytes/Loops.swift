// The standard library's own versions of these reserve, copy and check what the compiler can't leave
// out: some hundred bytes at each use. These plain loops hide them from every file that imports this
// module. The compiler has one of each for each type of element.

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

  /// Whether `predicate` is true for an element.
  public func contains(where predicate: (Element) -> Bool) -> Bool {
    for element in self where predicate(element) { return true }
    return false
  }

  /// The first element that `predicate` is true for; nil when there is none.
  public func first(where predicate: (Element) -> Bool) -> Element? {
    for element in self where predicate(element) { return element }
    return nil
  }

  /// Adds an element at the end: out of line, since each use would make room in its own hundred bytes.
  @inline(never)
  public mutating func append(_ newElement: __owned Element) { self.Swift::append(newElement) }

  /// Takes out the first element.
  @discardableResult
  public mutating func removeFirst() -> Element { remove(at: 0) }

  /// Takes out the elements that `isExcluded` is true for.
  public mutating func removeAll(where isExcluded: (Element) -> Bool) {
    self = filter { !isExcluded($0) }
  }
}

extension Array {
  /// Where the first element is, or belongs, that doesn't come before what is sought, in an array in
  /// which all that do come first.
  public func insertion(_ precedes: (Element) -> Bool) -> Int {
    var lower = 0
    var upper = count
    while lower < upper {
      let middle = (lower + upper) / 2
      if precedes(self[middle]) { lower = middle + 1 } else { upper = middle }
    }
    return lower
  }
}

extension [UInt8] {
  /// A copy of the `count` bytes that begin at `start`.
  @inline(never)
  public init(copying start: UnsafeRawPointer?, count: Int) {
    self.init(unsafeUninitializedCapacity: count) { buffer, initialized in
      UnsafeMutableRawBufferPointer(buffer).copyMemory(
        from: UnsafeRawBufferPointer(start: start, count: count)
      )
      initialized = count
    }
  }
}
