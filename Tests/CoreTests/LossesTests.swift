import Bytes
import Mitigation
import Model
import Testing

@testable import Core

@Suite struct LossesTests {
  private func at(_ seconds: Int64) -> Instant { Instant(milliseconds: seconds * 1000) }

  @Test("MIT-TRG-01 a client whose loss is expected is expected no later when its room ends")
  func earlier() {
    var losses = Losses()
    #expect(losses.expect("a", due: at(225)) == true)
    #expect(losses.expect("a", due: at(450)) == false)
    #expect(losses.next == at(225) && losses.takeDue(at(224)) == nil)
    #expect(losses.takeDue(at(225)) == Losses.Loss(section: "a", due: at(225)))
    #expect(losses.next == nil)
  }

  @Test("MIT-TRG-01 a client whose loss is expected may be lost sooner than that")
  func sooner() {
    var losses = Losses()
    _ = losses.expect("a", due: at(450))
    #expect(losses.expect("a", due: at(2)) == false)
    #expect(losses.takeDue(at(2)) == Losses.Loss(section: "a", due: at(2)))
    #expect(losses.next == nil)
  }

  @Test("MIT-TRG-03 a client that is back is expected no more, others are")
  func back() {
    var losses = Losses()
    _ = losses.expect("a", due: at(1))
    _ = losses.expect("b", due: at(2))
    losses.retry(MitigationID(7), of: "a", due: at(1))
    losses.heard("a")
    #expect(losses.takeDue(at(9)) == Losses.Loss(section: "b", due: at(2)))
    #expect(losses.takeDue(at(9)) == nil)
  }

  @Test("MIT-TRG-01 what there was no room for is tried again, and nothing else of the client")
  func retried() {
    var losses = Losses()
    let id = MitigationID(7)
    losses.retry(id, of: "a", due: at(10))
    // A loss that is news is another matter.
    #expect(losses.expect("a", due: at(450)) == true)
    #expect(losses.takeDue(at(10)) == Losses.Loss(section: "a", due: at(10), only: id))
    #expect(losses.takeDue(at(10)) == nil && losses.next == at(450))
  }
}
