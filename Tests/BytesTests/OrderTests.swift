import Bytes
import Testing

@Suite struct OrderTests {
  @Test("elements come in rising order, whatever their number")
  func rising() {
    for count in 0..<40 {
      // 41 is prime: the remainders are all different and in no order.
      let mixed = (0..<count).map { $0 * 23 % 41 }
      #expect(mixed.ordered() == mixed.sorted())
    }
  }

  @Test("equals stay in the order that they had")
  func stable() {
    let pairs = (0..<50).map { (key: $0 * 7 % 3, place: $0) }
    let ordered = pairs.ordered { $0.key < $1.key }
    for (first, second) in zip(ordered, ordered.dropFirst()) {
      #expect((first.key, first.place) < (second.key, second.place))
    }
  }

  @Test("distinct elements come once, in rising order")
  func distinct() {
    #expect([3, 1, 3, 2, 1, 3].distinct() == [1, 2, 3])
    #expect([Int]().distinct() == [])
  }
}
