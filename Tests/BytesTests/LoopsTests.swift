import Bytes
import Testing

@Suite("Plain loops")
struct LoopsTests {
  private let numbers = [3, 1, 2, 1]

  @Test("map and filter keep the order")
  func order() {
    #expect(numbers.map { $0 * 2 } == [6, 2, 4, 2])
    #expect((1..<4).map { -$0 } == [-1, -2, -3])
    #expect(numbers.filter { $0 < 3 } == [1, 2, 1])
  }

  @Test("compactMap leaves out what is nil")
  func nils() { #expect(numbers.compactMap { $0 == 1 ? nil : $0 } == [3, 2]) }

  @Test("removeAll takes out each that fits and nothing else")
  func removal() {
    var rest = numbers
    rest.removeAll { $0 == 1 }
    #expect(rest == [3, 2])
  }

  @Test("map ends at the first element that fails")
  func failure() {
    #expect(throws: EndOfInput(offset: 1)) {
      _ = try numbers.map { number throws(EndOfInput) in
        if number == 1 { throw EndOfInput(offset: number) }
        return number
      }
    }
  }
}
