import Bytes
import Linux
import Testing

@Test("a file is replaced as a whole, and nothing else is left beside it")
func replace() throws {
  let path = try temporaryFolder() + "/state"
  try File.replace(path, with: [1, 2])
  let large = [UInt8](repeating: 3, count: 100_000)
  try File.replace(path, with: large)
  #expect(try File.contents(of: path, limit: 100_000) == large)
  #expect(!File.exists(path + ".new"))
}

@Test("a file larger than the limit is refused")
func limit() throws {
  let path = try temporaryFolder() + "/large"
  try File.replace(path, with: [1, 2, 3])
  #expect(try File.contents(of: path, limit: 3) == [1, 2, 3])
  #expect(throws: SystemError.self) { try File.contents(of: path, limit: 2) }
}

@Test("a mapped file shows its bytes, even once another has its place")
func map() throws {
  let path = try temporaryFolder() + "/mapped"
  try File.replace(path, with: [1, 2, 3])
  let mapped = try File.map(path, limit: 3)
  try File.replace(path, with: [4])
  #expect([UInt8](mapped) == [1, 2, 3])
}

@Test("an empty file, one larger than the limit, a folder and none are not mapped")
func mapRefused() throws {
  let folder = try temporaryFolder()
  try File.replace(folder + "/empty", with: [])
  try File.replace(folder + "/large", with: [1, 2])
  for path in [folder + "/empty", folder + "/large", folder, folder + "/none"] {
    #expect(throws: SystemError.self) { try File.map(path, limit: 1) }
  }
}

@Test("an error tells the call and its reason")
func errors() throws {
  let error = try #require(throws: SystemError.self) {
    try File.contents(of: "/nonexistent", limit: 1)
  }
  #expect(error.number == SystemError.notFound)
  #expect(error.description == "open: No such file or directory")
}

@Test("a folder's path and a name's last part are found")
func paths() {
  #expect(Text("/a/b").folder == "/a")
  #expect(Text("/a").folder == "/")
  #expect(Text("a").folder == ".")
  #expect(Text("/a/b.crt").lastComponent == "b.crt")
}

@Test("the empty root is gone, so that nothing can be made in it")
func emptyRoot() throws {
  let root = try File.emptyRoot()
  let inside = Text("/proc/self/fd/\(root.number)/file")
  #expect(throws: SystemError.self) { try File.replace(inside, with: [1]) }
}

@Test("the clock goes on, random bytes differ, and the boot has a name")
func clock() throws {
  let before = Clock.now
  #expect(Clock.now >= before)
  #expect(Clock.wall > UnixTime(seconds: 1_600_000_000))
  #expect(try randomBytes(16) != randomBytes(16))
  #expect(try randomBytes(0).isEmpty)
  #expect(try Clock.bootIdentifier().count == 36)
}

@Test("a poller tells by its token what can be read, and only that")
func poller() throws {
  let poller = try Poller()
  let (first, second) = try PacketSocket.pair()
  try poller.add(second.descriptor, token: .max)
  #expect(try poller.wait(timeout: .zero).isEmpty)
  try first.send([1])
  let events = try poller.wait(timeout: nil)
  #expect(events.map { $0.token } == [.max])
  #expect(events.first?.isReadable == true && events.first?.isWritable == false)
  try poller.remove(second.descriptor)
  #expect(try poller.wait(timeout: .zero).isEmpty)
}

@Test("a program is started with just the descriptors it is given, under their numbers")
func start() async {
  // In a process of its own: here it would reap what other tests started.
  await #expect(processExitsWith: .success) {
    let (ours, theirs) = try PacketSocket.pair()
    // The targets are numbers that the sources may well have.
    let (other, third) = try PacketSocket.pair()
    let program = try Process.start(
      "/bin/sh",
      arguments: ["sh", "-c", "printf %s \"$A\" >&3; printf 2 >&5; ls /proc/$$/fd >&3; exit 7"],
      environment: ["A=b"],
      descriptors: [(theirs.descriptor, as: 3), (third.descriptor, as: 5)]
    )
    let answer = try ours.receive(within: .seconds(5))
    guard case .message(let first, nil) = answer,
      case .message(let second, nil) = try other.receive(within: .seconds(5)),
      case .message(let listed, nil) = try ours.receive(within: .seconds(5))
    else {
      Issue.record("the program said nothing")
      return
    }
    #expect(Text(first) == "b")
    #expect(Text(second) == "2")
    let numbers = Text(listed).split(0x0A)
    #expect(numbers.contains("3") && numbers.contains("5") && !numbers.contains("4"))
    var ended: (process: Process, ending: Process.Ending)?
    while ended == nil { ended = try Process.reap() }
    #expect(ended?.process == program)
    #expect(ended?.ending == .exited(7))
  }
}

@Test("a program that isn't there can't be started")
func startNothing() {
  #expect(throws: SystemError.self) { try Process.start("/nonexistent", arguments: ["x"]) }
}

@Test("root is in the user database, and nobody of a made-up name")
func users() {
  #expect(User(named: "root") == .root)
  #expect(User(named: "cordon-no-such-user") == nil)
}

@Test("a descriptor that was ended is closed once")
func ended() throws {
  let (first, second) = try PacketSocket.pair()
  first.descriptor.end()
  guard case .closed = try second.receive() else {
    Issue.record("it is still open")
    return
  }
  let (third, fourth) = try PacketSocket.pair()
  first.descriptor.end()
  try third.send([1])
  guard case .message([1], nil) = try fourth.receive() else {
    Issue.record("another descriptor was closed in its place")
    return
  }
}
