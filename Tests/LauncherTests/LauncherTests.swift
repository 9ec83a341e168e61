import Bytes
import Configuration
import Link
import Linux
import Testing

@testable import Launcher

struct CommandTests {
  @Test("without arguments cordond runs with the usual file")
  func none() throws { #expect(try Command([]) == .run(nil)) }

  @Test("--config names the file, in one word or two")
  func config() throws {
    #expect(try Command(["--config", "/a"]) == .run("/a"))
    #expect(try Command(["--config=/a", "--check"]) == .check("/a"))
  }

  @Test("--version and --help win over the rest")
  func version() throws {
    #expect(try Command(["--check", "--version"]) == .version)
    #expect(try Command(["--help", "--version"]) == .help)
  }

  @Test("a word that is no argument is refused and named")
  func unknown() {
    #expect(throws: Command.Mistake.unknown("--colour")) { try Command(["--colour"]) }
    #expect(throws: Command.Mistake.unknown("x")) { try Command(["--check", "x"]) }
  }

  @Test("--config without a file is refused", arguments: [["--config"], ["--config", ""]])
  func fileMissing(_ words: [Text]) {
    #expect(throws: Command.Mistake.fileMissing) { try Command(words) }
  }
}

struct BackoffTests {
  @Test("a room is started again at once, then after 1, 2, 4 and 5 seconds")
  func delays() {
    var backoff = Backoff()
    let delays = (0..<7).map { _ in backoff.ended(after: .seconds(1)).milliseconds }
    #expect(delays == [0, 1000, 2000, 4000, 5000, 5000, 5000])
    #expect(backoff.endings == 7)
  }

  @Test("a room that lived for a minute is started again at once")
  func healthy() {
    var backoff = Backoff()
    for _ in 0..<5 { _ = backoff.ended(after: .zero) }
    #expect(backoff.ended(after: .seconds(60)) == .zero)
    #expect(backoff.ended(after: .zero) == .seconds(1))
  }
}

struct ResolverFileTests {
  private func servers(_ text: Text) -> [IPAddress] { ResolverFile.nameServers(text.bytes) }

  @Test(
    "CH-MIT-14 behind a forwarder of its own, whom the router asks is found where systems leave it"
  )
  func forwarder() {
    let files: [(Text, Text)] = [
      ("/etc/resolv.conf", "nameserver 127.0.0.1\n"),
      (
        "/tmp/resolv.conf.d/resolv.conf.auto",
        "# wan\nnameserver 192.0.2.53\nnameserver 2001:db8::53"
      ),
      ("/run/systemd/resolve/resolv.conf", "nameserver 192.0.2.53\nnameserver 192.0.2.54"),
    ]
    let servers = ResolverFile.nameServers { path in files.first { $0.0 == path }?.1.bytes }
    let expected: [Text] = ["127.0.0.1", "192.0.2.53", "2001:db8::53", "192.0.2.54"]
    #expect(servers == expected.compactMap { IPAddress(parsing: $0) })
    #expect(ResolverFile.nameServers { _ in nil }.isEmpty)
  }

  @Test("each nameserver line gives an address, once")
  func lines() {
    let text: Text = """
      # comment
      search example.org
      nameserver 192.0.2.53
      nameserver\t2001:db8::53
      nameserver 192.0.2.53
      """
    #expect(
      servers(text) == ["192.0.2.53", "2001:db8::53"].compactMap { IPAddress(parsing: $0) }
    )
  }

  @Test("the interface of a link-local server is left out")
  func zone() {
    #expect(servers("nameserver fe80::1%eth0\r\n").map { $0.description } == ["fe80::1"])
  }

  @Test("what is no address, or no nameserver line, is passed over")
  func nonsense() {
    #expect(servers("nameserver\nnameserver x\nnameservers 192.0.2.1\n").isEmpty)
    #expect(servers("").isEmpty)
  }

  @Test("no more than eight servers are taken")
  func many() {
    var text: Text = ""
    for number in 1...20 { text += Text("nameserver 192.0.2.\(number)\n") }
    #expect(servers(text).count == 8)
  }
}

struct StartFaultTests {
  @Test("settings that can't be used end with 2, everything else with 1")
  func status() {
    let error = SettingsError(.agentMissing, at: SettingsLocation(line: 3, column: 1))
    #expect(StartFault.settings("/f", error).status == 2)
    #expect(StartFault.settingsFile("/f", SystemError(2, "open")).status == 2)
    #expect(StartFault.credential("/k", SystemError(2, "open")).status == 1)
    #expect(StartFault.notRoot.status == 1)
  }

  @Test("an error in the settings is told as FILE:LINE:COLUMN")
  func place() {
    let error = SettingsError(.agentMissing, at: SettingsLocation(line: 3, column: 1))
    #expect(StartFault.settings("/f", error).description.utf8.starts(with: "/f:3:1: ".utf8))
  }

  @Test("a port in use is named, with what to check")
  func port() {
    let local = Listener(address: IPAddress(v4: 0), port: 4646, transport: .udp)
    let told = StartFault.listen(local, SystemError(98, "bind")).description
    #expect(told.contains("0.0.0.0 UDP port 4646"))
    #expect(told.contains("Address already in use"))
  }
}

struct ReloadTests {
  private let agent = "config agent\n list wan eth0\n list lan br-lan\n"
  private let call = "config call_home\n option host a.example\n option port 1\n"
  private let other = "config call_home\n option host b.example\n option port 1\n"

  private func settings(_ file: String) throws -> Settings {
    try Settings(parsing: [UInt8](file.utf8))
  }

  @Test("the first call_home needs a restart, which is said; a further one doesn't")
  func firstCall() throws {
    let listen = "config listen\n option address 192.0.2.1\n"
    for (old, new, isDifferent, calls) in [
      ("", call, true, 0), ("", "", false, 0), (call, call + other, false, 2), (call, "", false, 0),
      (listen, listen + call, false, 1),
    ] {
      var told = try settings(agent + new)
      #expect(told.keepPremises(of: try settings(agent + old)) == isDifferent)
      #expect(told.callHome.count == calls)
    }
  }
}
