import Bytes
import Foundation
import Testing

@testable import Linux

/// How a child ends that may make these calls and then runs `body`: its status, or minus the signal.
private func ending(
  _ calls: [SystemCall],
  mayLoadCode: Bool = false,
  _ body: () -> Void
) throws -> Int32 {
  // Swift hides fork, for good reasons that don't count in a child that does next to nothing, of a
  // process that does nothing else: see below.
  let symbol = try #require(dlsym(nil, "fork"))
  let fork = unsafeBitCast(symbol, to: (@convention(c) () -> Int32).self)
  let filter = CallFilter(calls, mayLoadCode: mayLoadCode)
  let child = fork()
  if child == 0 {
    do {
      try Confinement(user: nil, endsWithParent: false).enter()
      try filter.install()
    } catch { _exit(99) }
    body()
    _exit(7)
  }
  var status: Int32 = 0
  while waitpid(child, &status, 0) < 0 {}
  return status & 0x7F == 0 ? status >> 8 : -(status & 0x7F)
}

/// SIGSYS.
private let badCall: Int32 = -31

/// Each forks in a process of its own: in this one, another test's thread may hold a lock, which no
/// thread of the child would ever let go.
@Suite(.serialized) struct CallFilterTests {
  @Test("F1 a call of the list is made, another one ends the process")
  func list() async {
    await #expect(processExitsWith: .success) {
      let endings = [
        try ending([.process]) { _ = getpid() },
        try ending([]) { _ = getpid() },
        try ending([.process]) { _ = socket(AF_INET, 1, 0) },
      ]
      #expect(endings == [7, badCall, badCall], "\(endings)")
    }
  }

  @Test("F1 no program can be started, and no process traced or ended")
  func programs() async {
    await #expect(processExitsWith: .success) {
      let endings = [
        try ending([]) { _ = try? Linux.Process.start("/bin/true", arguments: ["true"]) },
        try ending([]) { _ = kill(0, 0) },
      ]
      #expect(endings == [badCall, badCall], "\(endings)")
    }
  }

  @Test("F1 memory is to be had, but not for code")
  func memory() async {
    await #expect(processExitsWith: .success) {
      func map(_ protection: Int32) {
        _ = mmap(nil, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      }
      let endings = [
        try ending([]) { map(PROT_READ | PROT_WRITE) },
        try ending([]) { map(PROT_READ | PROT_EXEC) },
        try ending([.protect], mayLoadCode: true) { map(PROT_READ | PROT_EXEC) },
      ]
      #expect(endings == [7, badCall, 7], "\(endings)")
    }
  }

  @Test("every call has a number of its own")
  func numbers() {
    let all = (0...UInt8.max).compactMap { SystemCall(rawValue: $0) }
    let numbers = all.map { $0.number }.filter { $0 >= 0 }
    #expect(Set(numbers).count == numbers.count && numbers.count > 40)
  }
}
